import { face, icon, linked, make, rich } from "./dom.js";
import { survey } from "./survey.js";
import { say, size, time } from "./words.js";

export const INCOMING = 0;
const PICTURE_PX = 240;
const ACCEPTS_LINKS = /^(https?:\/\/|\/)/;

/** Who a message is from, as one word: groups of one author share a head. */
export function author(message) {
  if (message.message_type === INCOMING) return "me";
  return message.sender ? `${message.sender.type}:${message.sender.id ?? ""}` : "house";
}

/** One message as an element. around: {isFirst, isLast of its author's group, state of the last one of mine}. */
export function bubble(message, around, actions) {
  const isMine = message.message_type === INCOMING;
  const kind = isMine ? "mine" : message.sender?.type === "captain" ? "captain" : "ours";
  const name = isMine ? say("you") : message.sender?.name || actions.houseName;
  return make(
    "article",
    { class: `message message--${kind} ${around.isFirst ? "" : "message--follows"}`, "data-id": message.id ?? message.echo_id },
    make("span", { class: "hidden" }, say("said", { name })),
    !isMine && around.isFirst && head(kind, name),
    body(message, kind, actions),
    files(message),
    kind === "captain" && sources(message),
    kind === "captain" && around.isNewest && isAnswer(message) && verdict(message, actions),
    foot(message, isMine, around, actions),
  );
}

function head(kind, name) {
  const mark = kind === "captain" ? make("span", { class: "face face--captain", "aria-hidden": "true" }, icon("wheel")) : face(name);
  const more = kind === "captain" && make("span", { class: "muted" }, say("captain_kind"));
  return make("header", { class: "message__head", "aria-hidden": "true" }, mark, make("b", {}, name), more);
}

function body(message, kind, actions) {
  if (message.content_attributes?.deleted) return box(make("p", { class: "muted" }, say("deleted")));
  const text = kind === "mine" ? make("div", { class: "text text--plain" }, linked(message.content)) : rich(message.content_html ?? "");
  if (kind === "captain") cite(text, message);
  const extra = form(message, actions);
  if (!message.content && !extra) return null;
  return box(message.content ? text : null, extra);
}

function box(...children) {
  return make("div", { class: "message__box" }, children);
}

/** What can be answered in place: faces, an address, one of several answers; or articles to open. */
function form(message, actions) {
  const given = message.content_attributes || {};
  const items = Array.isArray(given.items) ? given.items : [];
  switch (message.content_type) {
    case "input_csat":
      return survey(message, actions.rate);
    case "input_email":
      return given.submitted_email ? make("p", { class: "muted" }, say("saved")) : emailForm(message, actions);
    case "input_select":
      return choices(message, items, given.submitted_values, actions);
    case "article":
      return make("ul", { class: "links" }, items.filter((item) => ACCEPTS_LINKS.test(item.link)).map((item) =>
        make("li", {}, make("a", { href: item.link, target: "_blank", rel: "noopener" }, item.title), make("small", {}, item.description || ""))));
    default:
      return null;
  }
}

function emailForm(message, actions) {
  const field = make("input", { type: "email", required: true, autocomplete: "email", "aria-label": say("email"), placeholder: say("email") });
  return make("form", {
    class: "inline-form",
    onsubmit: (event) => {
      event.preventDefault();
      actions.fill(message, { contact: { email: field.value } });
    },
  }, field, make("button", { class: "button" }, say("save")));
}

function choices(message, items, chosen, actions) {
  if (chosen?.length) return make("p", { class: "muted" }, chosen.map((one) => one.title || one.value).join(", "));
  return make("div", { class: "choices" }, items.map((item) =>
    make("button", {
      type: "button",
      class: "button",
      onclick: () => actions.fill(message, { message: { submitted_values: [{ name: item.title, title: item.title, value: item.value }] } }),
    }, item.title)));
}

function files(message) {
  const shown = message.attachments || [];
  return shown.length ? make("div", { class: "files" }, shown.map(file)) : null;
}

function file(one) {
  const name = one.file_name || one.name || one.file_type;
  if (one.file_type === "image" && one.data_url) return picture(one, name);
  if (["audio", "video"].includes(one.file_type) && one.data_url) {
    return make(one.file_type, { src: one.data_url, controls: true, preload: "metadata", "aria-label": name });
  }
  const words = make("span", { class: "file__name" }, name, make("small", {}, one.file_size ? size(one.file_size) : ""));
  if (!one.data_url) return make("span", { class: "file" }, icon(one.file_type === "location" ? "pin" : "file"), words);
  return make("a", { class: "file", href: one.data_url, target: "_blank", rel: "noopener", download: name, "aria-label": say("download", { name }) }, icon("file"), words);
}

function picture(one, name) {
  // its place is kept before it is here, so that nothing jumps
  const [wide, high] = [one.width || 240, one.height || 180];
  const scale = Math.min(1, PICTURE_PX / wide, PICTURE_PX / high);
  const [width, height] = [Math.round(wide * scale), Math.round(high * scale)];
  const image = make("img", { src: one.thumb_url || one.data_url, alt: say("picture", { name }), width, height, loading: "lazy", "data-stale": "" });
  return make("a", { class: "picture", href: one.data_url, target: "_blank", rel: "noopener" }, image);
}

/** [1] leads where the first source does, to the very passage; what leads nowhere is a number. */
function cite(text, message) {
  const citations = message.content_attributes?.citations || [];
  for (const number of text.querySelectorAll(".cite")) {
    const source = citations[number.textContent - 1];
    if (source && ACCEPTS_LINKS.test(source.url || "")) Object.assign(number, { href: source.url, title: source.title || "" });
    else number.replaceWith(number.textContent);
  }
}

function sources(message) {
  const cited = (message.content_attributes?.citations || []).filter((one) => one.title && ACCEPTS_LINKS.test(one.url || ""));
  if (!cited.length) return null;
  return make("ol", { class: "sources", "aria-label": say("sources") }, cited.map((one) =>
    make("li", {}, make("a", { href: one.url, target: "_blank", rel: "noopener" }, one.title))));
}

/** An answer or links, not a greeting nor the word that a person comes. */
function isAnswer(message) {
  return ["answer", "suggest"].includes(message.content_attributes?.captain ?? "answer");
}

/** Under Captain's newest answer: did it help, or is a person wanted? */
function verdict(message, actions) {
  const said = message.content_attributes?.submitted_values?.[0]?.value;
  if (said) return make("p", { class: "verdict muted", role: "status" }, say(said === "yes" ? "helped_yes" : "human_called"));
  const answer = (value) => ({ message: { submitted_values: [{ name: "helped", title: say("helped"), value }] } });
  return make("div", { class: "verdict" },
    make("span", { class: "muted" }, say("helped")),
    make("button", { type: "button", class: "button", onclick: () => actions.fill(message, answer("yes")) }, say("yes")),
    make("button", { type: "button", class: "button", onclick: () => actions.human(message, answer("human")) }, say("human")));
}

function foot(message, isMine, around, actions) {
  if (message.state === "failed") return failure(message, actions);
  if (!around.isLast && !around.state) return null;
  const moment = new Date((message.at ?? message.created_at * 1000));
  const at = make("time", { datetime: moment.toISOString() }, time(moment));
  const state = isMine && around.state && make("span", { class: "state" }, icon(STATES[around.state]), say(around.state));
  return make("footer", { class: "message__foot" }, state || null, at);
}

const STATES = { sending: "clock", waiting: "clock", sent: "tick", read: "ticks" };

function failure(message, actions) {
  const why = message.reason === "file_gone" ? say("file_gone") : message.reason || "";
  return make("footer", { class: "message__foot message__foot--failed" },
    make("span", { class: "state" }, icon("alert"), say("failed")), why && make("span", {}, why),
    message.reason !== "file_gone" && make("button", { type: "button", class: "link", onclick: () => actions.retry(message.echo_id) }, say("retry")),
    make("button", { type: "button", class: "link", onclick: () => actions.discard(message.echo_id) }, say("discard")));
}
