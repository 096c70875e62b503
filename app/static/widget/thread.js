import { icon, make } from "./dom.js";
import { author, bubble, INCOMING } from "./message.js";
import { day, say } from "./words.js";

const GROUP_SECONDS = 300;
const NEAR_PX = 80;

/** The conversation on screen: every item is built once and replaced only when what it shows has changed. */
export class Thread {
  constructor(actions) {
    this.actions = actions;
    this.items = new Map();
    this.intro = make("div", { class: "intro" });
    this.older = make("button", { type: "button", class: "older", hidden: true, onclick: () => actions.older() }, say("older"));
    this.list = make("div", { class: "thread__list", role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": say("conversation") });
    this.typing = make("p", { class: "typing", role: "status", hidden: true }, make("span", { class: "typing__dots", "aria-hidden": "true" }, make("i"), make("i"), make("i")), make("span"));
    this.scroller = make("div", { class: "thread", tabindex: "0", role: "region", "aria-label": say("conversation") }, this.intro, this.older, this.list, this.typing);
    this.news = make("button", { type: "button", class: "news", hidden: true, onclick: () => this.down(true) });
    this.element = make("div", { class: "thread__place" }, this.scroller, this.news);
    this.scroller.addEventListener("scroll", () => (this.wasDown = this.isDown()) && this.read(), { passive: true });
    this.list.addEventListener("error", (event) => event.target.matches?.("img") && actions.stale(), true);
    this.unseen = 0;
    // a picture that is here now, a keyboard that opens: who was at the end stays there
    const watch = new ResizeObserver(() => this.wasDown && this.down());
    for (const element of [this.scroller, this.list]) watch.observe(element);
  }

  /** messages: confirmed, in order; pending: mine on their way; readAt: until when agents have read, in seconds. */
  show({ messages, pending, readAt, isOffline, hasOlder }) {
    const wasDown = this.isDown();
    const height = this.scroller.scrollHeight;
    const isOlder = messages.length && this.first && messages[0].id < this.first;
    this.first = messages[0]?.id;
    this.older.hidden = !hasOlder;
    const wanted = this.plan(messages, pending, readAt, isOffline);
    this.place(wanted);
    if (isOlder) this.scroller.scrollTop += this.scroller.scrollHeight - height;
    else if (wasDown || this.isFromMe(pending)) this.down();
    else this.tellNews(messages);
    this.last = Math.max(this.last ?? 0, messages.at(-1)?.id ?? 0);
  }

  /** [key, what it shows, how to build it] for each line, in order. */
  plan(messages, pending, readAt, isOffline) {
    const lines = [];
    const all = [...messages, ...pending.map((entry) => asMessage(entry, isOffline))];
    const lastMine = all.findLast((one) => one.message_type === INCOMING);
    const newest = messages.at(-1);
    all.forEach((message, index) => {
      const [before, after] = [all[index - 1], all[index + 1]];
      const date = moment(message);
      const isNewDay = !before || moment(before).toDateString() !== date.toDateString();
      const isNewConversation = before && message.conversation_id && before.conversation_id && message.conversation_id !== before.conversation_id;
      if (isNewConversation) lines.push([`conversation-${message.conversation_id}`, "", () => divider(say("new_conversation"), "line--conversation")]);
      if (isNewDay) lines.push([`day-${date.toDateString()}`, day(date), () => divider(day(date))]);
      const around = {
        isFirst: isNewDay || isNewConversation || !isOneGroup(before, message),
        isLast: !after || !isOneGroup(message, after),
        isNewest: message === newest && !pending.length,
        state: message === lastMine && message.state !== "failed" ? state(message, readAt) : message.state === "failed" ? null : message.state,
      };
      const shows = JSON.stringify([message.content, message.content_attributes, message.attachments?.map((one) => one.id ?? one.name), message.state, message.reason, around]);
      const key = message.echo_id && message.message_type === INCOMING ? `mine-${message.echo_id}` : `message-${message.id}`;
      lines.push([key, message.content_type === "input_csat" ? "survey" : shows, () => bubble(message, around, this.actions)]);
    });
    return lines;
  }

  place(lines) {
    const keys = new Set(lines.map(([key]) => key));
    for (const [key, item] of this.items) {
      if (keys.has(key)) continue;
      item.element.remove();
      this.items.delete(key);
    }
    let at = this.list.firstElementChild;
    for (const [key, shows, build] of lines) {
      let item = this.items.get(key);
      if (!item || item.shows !== shows) {
        const element = build();
        // what was there before has not just come
        if (item || !this.isBegun) element.classList.add("is-still");
        if (item) {
          if (at === item.element) at = element;
          item.element.replaceWith(element);
        }
        this.items.set(key, (item = { shows, element }));
      }
      if (item.element === at) at = at.nextElementSibling;
      else this.list.insertBefore(item.element, at);
    }
    this.isBegun ||= lines.length > 0;
  }

  showTyping(name) {
    const wasDown = this.isDown();
    this.typing.hidden = name === null;
    const words = name ? say("typing", { name }) : say("typing_somebody");
    if (name !== null) this.typing.lastElementChild.textContent = words;
    if (wasDown) this.down();
  }

  /** Fresh addresses for files, whose old ones have run out. */
  freshen(messages) {
    const keys = messages.filter((message) => message.attachments).flatMap(({ id, echo_id }) => [`message-${id}`, `mine-${echo_id}`]);
    for (const key of keys) {
      this.items.get(key)?.element.remove();
      this.items.delete(key);
    }
  }

  isDown() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < NEAR_PX;
  }

  down(isSmooth = false) {
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: isSmooth ? "smooth" : "instant" });
    this.read();
  }

  read() {
    this.wasDown = true;
    this.unseen = 0;
    this.news.hidden = true;
  }

  isFromMe(pending) {
    const newest = pending.at(-1)?.at ?? 0;
    const isNew = newest > (this.newestOfMine ?? 0);
    this.newestOfMine = Math.max(newest, this.newestOfMine ?? 0);
    return isNew;
  }

  tellNews(messages) {
    this.wasDown = false;
    this.unseen += messages.filter((one) => one.id > (this.last ?? 0) && one.message_type !== INCOMING).length;
    this.news.hidden = this.unseen === 0;
    this.news.replaceChildren(icon("down"), say("new_below", { n: this.unseen }));
  }
}

function asMessage(entry, isOffline) {
  const state = entry.state === "waiting" ? (isOffline ? "waiting" : "sending") : entry.state;
  const attachments = entry.files.map((file) => ({ file_name: file.name, file_size: file.size, file_type: "file" }));
  return { ...entry, state, attachments: attachments.length ? attachments : undefined, message_type: INCOMING, content_type: "text" };
}

function state(message, readAt) {
  if (message.state) return message.state;
  return message.created_at <= readAt ? "read" : "sent";
}

function isOneGroup(one, other) {
  if (!one || !other || author(one) !== author(other)) return false;
  return Math.abs(moment(other) - moment(one)) < GROUP_SECONDS * 1000 && moment(one).toDateString() === moment(other).toDateString();
}

function moment(message) {
  return new Date(message.at ?? message.created_at * 1000);
}

function divider(text, more = "") {
  return make("p", { class: `line ${more}` }, make("span", {}, text));
}
