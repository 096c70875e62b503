import { make } from "./dom.js";
import { say } from "./words.js";

const KINDS = {
  name: { type: "text", autocomplete: "name", maxlength: 255 },
  email: { type: "email", autocomplete: "email", maxlength: 255 },
  phone: { type: "tel", autocomplete: "tel", maxlength: 40 },
};

/** What is asked before the first message. submit({name, email, phone_number}) resolves to a problem in words, or "". */
export function preChat(fields, submit) {
  const problem = make("p", { class: "form__problem", role: "alert" });
  const rows = fields.map((field) => {
    const input = make("input", { ...KINDS[field.name], name: field.name, id: `ask-${field.name}`, required: field.is_required });
    const optional = !field.is_required && make("span", { class: "muted" }, ` ${say("optional")}`);
    const hint = field.name === "phone" && make("small", { class: "muted", id: "ask-phone-hint" }, say("phone_hint"));
    if (hint) input.setAttribute("aria-describedby", hint.id);
    return make("div", { class: "form__row" }, make("label", { for: input.id }, say(field.name), optional), input, hint);
  });
  const button = make("button", { class: "button button--primary" }, say("form_send"));
  const form = make("form", { class: "form" }, make("h2", {}, say("form_title")), make("p", { class: "muted" }, say("form_hint")), rows, problem, button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = new FormData(form);
    button.disabled = true;
    problem.textContent = await submit({ name: given.get("name") || "", email: given.get("email") || "", phone_number: given.get("phone") || "" });
    button.disabled = false;
  });
  return form;
}
