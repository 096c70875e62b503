import { icon, make } from "./dom.js";
import { say, size } from "./words.js";

const FILES_LIMIT = 15;
const TYPING_EVERY_MS = 4000;
const TYPING_ENDS_MS = 5000;

/** Where the visitor writes: Enter sends, Shift+Enter begins a line; files come by the clip, by paste and by drop. */
export class Composer {
  constructor({ mayAttach, limitMb, memory, send, typing, problem }) {
    Object.assign(this, { limitMb, memory, send, typing, problem, files: [], mayAttach });
    this.field = make("textarea", { rows: 1, "aria-label": say("message"), placeholder: say("write"), enterkeyhint: "send", maxlength: 150_000 });
    this.picker = make("input", { type: "file", multiple: true, hidden: true, tabindex: "-1" });
    this.clip = make("button", { type: "button", class: "tool", "aria-label": say("attach"), title: say("attach"), hidden: !mayAttach, onclick: () => this.picker.click() }, icon("clip"));
    this.button = make("button", { class: "tool tool--send", "aria-label": say("send"), title: say("send") }, icon("send"));
    this.tray = make("ul", { class: "tray", hidden: true });
    this.element = make("form", { class: "composer" }, this.tray, make("div", { class: "composer__row" }, this.clip, this.field, this.button), this.picker);
    this.listen();
    this.recall();
  }

  /** What was begun and not sent. */
  recall() {
    this.field.value ||= this.memory.get("draft") ?? "";
    this.fit();
  }

  listen() {
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.field.addEventListener("keydown", (event) => {
      // isComposing: Enter only ends a word there
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    this.field.addEventListener("input", () => {
      this.fit();
      this.memory.set("draft", this.field.value);
      this.tellTyping();
    });
    this.field.addEventListener("paste", (event) => this.take(event, event.clipboardData));
    this.field.addEventListener("blur", () => this.endTyping());
    this.picker.addEventListener("change", () => {
      this.add([...this.picker.files]);
      this.picker.value = "";
    });
  }

  /** Let files be dropped anywhere on the card. */
  catchDrops(place) {
    let depth = 0;
    const mark = (change) => {
      depth = Math.max(0, depth + change);
      place.classList.toggle("is-dropped-on", depth > 0 && this.mayAttach);
    };
    place.addEventListener("dragenter", () => mark(1));
    place.addEventListener("dragleave", () => mark(-1));
    place.addEventListener("dragover", (event) => event.preventDefault());
    place.addEventListener("drop", (event) => {
      mark(-depth);
      event.preventDefault();
      this.take(event, event.dataTransfer);
    });
  }

  take(event, data) {
    const files = [...(data?.files ?? [])];
    if (!files.length || !this.mayAttach) return;
    event.preventDefault();
    this.add(files);
    this.field.focus();
  }

  add(files) {
    for (const file of files) {
      const fields = { name: file.name, limit: this.limitMb };
      if (this.files.length >= FILES_LIMIT) return this.problem(say("too_many", { limit: FILES_LIMIT }));
      if (file.size > this.limitMb * 1024 * 1024) this.problem(say("too_large", fields));
      else if (file.size === 0) this.problem(say("empty_file", fields));
      else this.files.push(file);
    }
    this.drawTray();
  }

  drawTray() {
    this.tray.hidden = !this.files.length;
    this.tray.replaceChildren(...this.files.map((file, index) => {
      const remove = make("button", {
        type: "button",
        "aria-label": say("remove_file", { name: file.name }),
        onclick: () => {
          this.files.splice(index, 1);
          this.drawTray();
          this.field.focus();
        },
      }, icon("close"));
      return make("li", {}, make("span", { class: "file__name" }, file.name, make("small", {}, size(file.size))), remove);
    }));
  }

  submit() {
    const content = this.field.value.trim();
    if (!content && !this.files.length) return;
    this.send({ content, files: this.files });
    this.field.value = "";
    this.files = [];
    this.memory.remove("draft");
    this.drawTray();
    this.fit();
    this.endTyping();
    this.field.focus();
  }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 140)}px`;
  }

  tellTyping() {
    clearTimeout(this.typingTimer);
    if (!this.field.value) return this.endTyping();
    this.typingTimer = setTimeout(() => this.endTyping(), TYPING_ENDS_MS);
    if (Date.now() - (this.toldAt ?? 0) < TYPING_EVERY_MS) return;
    this.toldAt = Date.now();
    this.typing(true);
  }

  endTyping() {
    clearTimeout(this.typingTimer);
    if (this.toldAt) this.typing(false);
    this.toldAt = 0;
  }
}
