import { make } from "./dom.js";
import { say } from "./words.js";

const MOUTHS = ["M8 17q4-4.5 8 0", "M8.5 16.2q3.5-2 7 0", "M8.5 15.7h7", "M8.5 15q3.5 2.6 7 0", "M7.5 14q4.5 5.5 9 0"];
const CHOSEN_MS = 700;

/** Five faces in the thread, then room for a word. Whatever is chosen counts at once, and may be changed. */
export function survey(message, rate) {
  const given = message.content_attributes?.submitted_values?.csat_survey_response;
  const titles = say("rates").split("|");
  const box = make("div", { class: "survey" });
  let rating = given?.rating ?? 0;
  let timer;

  const choose = (value) => {
    rating = value;
    comment.placeholder = hint();
    more.hidden = false;
    clearTimeout(timer);
    // arrow keys walk over the faces: the one they stop at is meant
    timer = setTimeout(() => rate(message, rating, given?.feedback_message ?? ""), CHOSEN_MS);
  };
  const hint = () => say(rating > 3 ? "comment_good" : "comment");
  const faces = titles.map((title, index) => {
    const field = make("input", { type: "radio", class: "hidden", name: `rating-${message.id}`, value: index + 1, checked: rating === index + 1, "aria-label": title });
    field.addEventListener("change", () => choose(index + 1));
    return make("label", { class: "rating", title }, field, drawn(index), make("span", { "aria-hidden": "true" }, title));
  });
  const comment = make("textarea", { rows: 2, maxlength: 5000, "aria-label": hint(), placeholder: hint() });
  comment.value = given?.feedback_message ?? "";
  const more = make("form", { class: "survey__more", hidden: !rating }, comment, make("button", { class: "button" }, say("comment_send")));
  more.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    rate(message, rating, comment.value.trim()).then((isDone) => isDone && thank());
  });
  const thanks = make("p", { class: "muted", role: "status" });
  const thank = () => {
    more.hidden = true;
    thanks.textContent = say("thanks");
  };

  box.append(make("fieldset", { class: "survey__faces" }, make("legend", { class: "hidden" }, say("rate")), faces), more, thanks);
  if (given?.feedback_message) thank();
  return box;
}

function drawn(index) {
  const face = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  face.setAttribute("viewBox", "0 0 24 24");
  face.setAttribute("aria-hidden", "true");
  face.innerHTML = `<circle cx="12" cy="12" r="10"/><path d="M8.5 9.4v.6M15.5 9.4v.6"/><path d="${MOUTHS[index]}"/>`;
  return face;
}
