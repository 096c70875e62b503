// The words in the composer, worded better: what was and what is, side by side, and back with one key.

import { post, reason, toast } from "./wire.js";

export class Rewording {
  constructor(composer) {
    this.composer = composer;
    this.place = composer.querySelector("[data-changes]");
    composer.addEventListener("click", (event) => {
      const wish = event.target.closest("[data-wish]");
      if (wish) this.ask(wish);
      if (event.target.closest("[data-undo]")) this.undo();
    });
  }

  async ask(button) {
    const { composer } = this;
    const before = composer.text.value;
    button.closest("[popover]").hidePopover();
    composer.text.focus();
    if (!before.trim()) return;
    composer.form.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams({ content: before, wish: button.dataset.wish });
      const response = await post(`${composer.base}/rewriting`, body);
      if (!response.ok) return toast(await reason(response), true);
      const { text, suggestion, said } = await response.json();
      // written on meanwhile: his words come first
      if (composer.text.value !== before) return;
      if (suggestion) this.show(button.textContent.trim(), before, text, suggestion);
      else toast(said);
    } catch {
      toast(composer.words.offline, true);
    } finally {
      composer.form.removeAttribute("aria-busy");
    }
  }

  show(name, before, after, suggestion) {
    this.before = before;
    this.after = after;
    this.write(after);
    this.composer.noteUse(String(suggestion));
    this.place.querySelector("[data-said]").textContent = `${name}:`;
    this.place.querySelector("[data-diff]").replaceChildren(...changes(before, after));
    this.place.hidden = false;
  }

  /** As it was; whether there was anything to take back. */
  undo() {
    if (this.place.hidden) return false;
    if (this.composer.text.value === this.after) this.write(this.before);
    this.end();
    this.composer.text.focus();
    return true;
  }

  /** Other words than Captain's stand there now: what he changed is no matter any more. */
  check() {
    if (!this.place.hidden && this.composer.text.value !== this.after) this.end();
  }

  end() {
    this.place.hidden = true;
  }

  /** So that the browser's own undo knows of it too. */
  write(words) {
    const { text } = this.composer;
    text.focus();
    text.select();
    if (!document.execCommand("insertText", false, words)) text.value = words;
    this.composer.wrote();
  }
}

/** What was taken out and put in, word by word: <del> and <ins> among what stayed. */
function changes(before, after) {
  const [one, other] = [before, after].map((words) => words.split(/(\s+)/).filter(Boolean).slice(0, 800));
  const length = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = other.length - 1; j >= 0; j--) {
      length[i][j] = one[i] === other[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const pieces = [];
  const put = (kind, word) => {
    if (pieces.at(-1)?.kind === kind) pieces.at(-1).words += word;
    else pieces.push({ kind, words: word });
  };
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    if (one[i] === other[j]) put("", (i++, other[j++]));
    else if (j >= other.length || (i < one.length && length[i + 1][j] >= length[i][j + 1])) put("del", one[i++]);
    else put("ins", other[j++]);
  }
  return pieces.map(({ kind, words }) => {
    if (!kind) return words;
    const piece = document.createElement(kind);
    piece.textContent = words;
    return piece;
  });
}
