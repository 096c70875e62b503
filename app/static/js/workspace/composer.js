// <kp-composer>: the reply or note being written. Enter sends; what is written is kept; nothing is sent twice.

import { Rewording } from "./rewording.js";
import { debounced, elements, part, post, reason, toast } from "./wire.js";

const OUTBOX = "kulpunai.outbox";
const soon = debounced(800);

class Composer extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form.composer");
    this.text = this.form.elements.content;
    this.picked = [];
    this.texts = { reply: this.text.value, note: this.text.dataset.note || "" };
    this.desk = this.closest("kp-desk");
    this.words = JSON.parse(this.desk.dataset.words);
    this.rewording = new Rewording(this);
    this.form.addEventListener("submit", (event) => (event.preventDefault(), event.stopPropagation(), this.send()));
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.text.addEventListener("input", () => this.wrote());
    this.text.addEventListener("paste", (event) => this.add(event.clipboardData.files, event));
    this.form.elements.attachments.addEventListener("change", (event) => this.add(event.target.files));
    this.addEventListener("click", (event) => this.click(event));
    for (const radio of this.form.querySelectorAll("[name=kind]")) radio.addEventListener("change", () => this.switch());
    const main = this.closest(".thread");
    main.addEventListener("dragover", (event) => event.preventDefault());
    main.addEventListener("drop", (event) => this.add(event.dataTransfer.files, event));
    const expander = this.querySelector("text-expander");
    expander.addEventListener("text-expander-change", (event) => this.offer(event));
    expander.addEventListener("text-expander-value", (event) => (event.detail.value = event.detail.item.dataset.value));
    this.grow();
    this.remind();
    this.resend();
  }

  get kind() {
    return this.form.elements.kind.value;
  }

  get base() {
    return `/conversations/${this.form.dataset.displayId}`;
  }

  get takenAt() {
    return `kulpunai.taken.${this.form.dataset.displayId}`;
  }

  get isEmpty() {
    return !this.text.value.trim() && this.picked.length === 0;
  }

  seen(version) {
    this.form.elements.seen_version.value = Math.max(version, Number(this.form.elements.seen_version.value));
  }

  // -- writing

  key(event) {
    const isChoosing = this.querySelector("[role=listbox]");
    if (event.key === "Escape" && !isChoosing && this.rewording.undo()) return event.preventDefault();
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !isChoosing) {
      event.preventDefault();
      this.send();
    }
  }

  wrote() {
    this.grow();
    this.rewording.check();
    this.texts[this.kind] = this.text.value;
    soon(`draft${this.kind}`, () => this.keep());
    if (!this.toldAt || Date.now() - this.toldAt > 3000) {
      this.toldAt = Date.now();
      post(`${this.base}/presence`, new URLSearchParams({ typing: "1", kind: this.kind })).catch(() => {});
    }
  }

  keep() {
    const body = new URLSearchParams({ content: this.texts[this.kind], kind: this.kind });
    post(`${this.base}/draft`, body, { keepalive: true }).catch(() => {});
  }

  grow() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight, innerHeight * 0.4)}px`;
  }

  switch() {
    this.text.value = this.texts[this.kind];
    this.rewording.check();
    this.form.classList.toggle("composer--note", this.kind === "note");
    this.replyWords ??= this.text.placeholder;
    this.text.placeholder = this.kind === "note" ? this.text.dataset.placeholderNote : this.replyWords;
    this.grow();
    this.text.focus();
  }

  take(words, draftId) {
    this.reply();
    this.text.value = this.texts.reply = words;
    this.form.elements.captain_draft.value = draftId;
    this.noteTaken();
    this.wrote();
    this.text.focus();
  }

  reply() {
    if (this.kind === "reply") return;
    this.form.querySelector("[name=kind][value=reply]").checked = true;
    this.switch();
  }

  /** Words that Captain suggests, where the cursor stands; what becomes of them is told with the message. */
  insert(words, suggestion) {
    this.reply();
    const { selectionStart: from, selectionEnd: to, value } = this.text;
    const before = value.slice(0, from).trim() ? value.slice(0, from).replace(/\s*$/, "\n\n") : "";
    this.text.value = before + words + (value.slice(to).trim() ? `\n\n${value.slice(to).trimStart()}` : "");
    this.text.setSelectionRange(before.length + words.length, before.length + words.length);
    this.noteUse(suggestion);
    this.wrote();
    this.text.focus();
  }

  noteUse(suggestion) {
    if (this.form.querySelector(`[name=suggestions][value="${CSS.escape(suggestion)}"]`)) return;
    const used = document.createElement("input");
    Object.assign(used, { type: "hidden", name: "suggestions", value: suggestion });
    this.form.append(used);
    this.noteTaken();
  }

  /** Whose words these were outlives a look elsewhere, as the words themselves do. */
  noteTaken() {
    const used = [...this.form.querySelectorAll("[name=suggestions]")].map((input) => input.value);
    sessionStorage.setItem(this.takenAt, JSON.stringify({ draft: this.form.elements.captain_draft.value, used }));
  }

  remind() {
    const { draft, used } = JSON.parse(sessionStorage.getItem(this.takenAt) || "{}");
    if (!this.texts.reply.trim()) return sessionStorage.removeItem(this.takenAt);
    if (draft) this.form.elements.captain_draft.value = draft;
    for (const suggestion of used || []) this.noteUse(suggestion);
  }

  quote({ quote, quoteAuthor, quoteText }) {
    const place = this.querySelector("[data-quoted]");
    const author = document.createElement("b");
    author.textContent = `${quoteAuthor}: `;
    place.querySelector("p").replaceChildren(author, quoteText);
    place.hidden = false;
    this.form.elements.in_reply_to.value = quote;
    this.text.focus();
  }

  unquote() {
    this.querySelector("[data-quoted]").hidden = true;
    this.form.elements.in_reply_to.value = "";
  }

  offer(event) {
    const { provide, text } = event.detail;
    const url = `/canned-responses?q=${encodeURIComponent(text)}&conversation=${this.form.dataset.displayId}`;
    provide(part(url).then(([fragment]) => ({ matched: fragment.querySelector("[data-value]") !== null, fragment })));
  }

  // -- files

  add(files, event) {
    if (!files?.length) return;
    event?.preventDefault();
    for (const file of files) {
      if (file.size > 40 * 1024 * 1024) toast(this.words.too_large, true);
      else this.picked.push(file);
    }
    this.form.elements.attachments.value = "";
    this.showFiles();
  }

  showFiles() {
    const place = this.querySelector("[data-files]");
    place.hidden = this.picked.length === 0;
    place.replaceChildren(
      ...this.picked.map((file, at) => {
        const chip = document.createElement("span");
        chip.className = "attachment";
        const name = document.createElement("span");
        name.className = "truncate";
        name.textContent = file.name;
        const remove = document.createElement("button");
        remove.type = "button";
        remove.className = "button button--plain button--icon button--small";
        remove.dataset.dropFile = at;
        remove.ariaLabel = `${this.words.remove}: ${file.name}`;
        remove.textContent = "×";
        chip.append(name, remove);
        return chip;
      }),
    );
  }

  click(event) {
    const hint = event.target.closest("[data-take]");
    if (hint) this.insert(hint.dataset.words, hint.dataset.take);
    const dropped = event.target.closest("[data-drop-file]");
    if (dropped) {
      this.picked.splice(Number(dropped.dataset.dropFile), 1);
      this.showFiles();
    }
    if (event.target.closest("[data-unquote]")) this.unquote();
    if (event.target.closest("[data-slash]")) {
      const { selectionStart: from, selectionEnd: to, value } = this.text;
      this.text.setRangeText(/\S$/.test(value.slice(0, from)) ? " /" : "/", from, to, "end");
      this.text.focus();
      this.text.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (event.target.closest("[data-show-new]")) {
      this.held(null);
      this.desk.thread?.down();
      this.text.focus();
    }
    if (event.target.closest("[data-anyway]")) this.send(true);
  }

  // -- sending

  send(anyway = false) {
    if (this.isEmpty) return;
    const data = new FormData(this.form);
    data.delete("attachments");
    for (const file of this.picked) data.append("attachments", file, file.name);
    const letter = { id: crypto.randomUUID(), url: `${this.base}/messages`, kind: this.kind, text: this.text.value, data };
    data.set("client_message_id", letter.id);
    if (anyway) data.set("anyway", "1");
    letter.files = this.picked;
    this.clear();
    this.show(letter);
    this.deliver(letter);
  }

  clear() {
    this.text.value = this.texts[this.kind] = "";
    this.picked = [];
    this.form.elements.captain_draft.value = "";
    for (const used of this.form.querySelectorAll("[name=suggestions]")) used.remove();
    sessionStorage.removeItem(this.takenAt);
    this.rewording.end();
    this.held(null);
    this.unquote();
    this.showFiles();
    this.grow();
  }

  /** Its bubble at once, before the server has answered. */
  show(letter) {
    const bubble = document.createElement("li");
    bubble.className = `message message--outgoing message--pending${letter.kind === "note" ? " message--private" : ""}`;
    bubble.dataset.clientId = letter.id;
    const box = document.createElement("div");
    box.className = "message__box";
    const prose = document.createElement("div");
    prose.className = "prose";
    prose.textContent = letter.text || letter.files.map((file) => file.name).join(", ");
    box.append(prose);
    const foot = document.createElement("p");
    foot.className = "message__foot";
    foot.textContent = this.words.sending;
    bubble.append(box, foot);
    document.getElementById("messages").append(bubble);
    this.desk.thread?.down();
    letter.bubble = bubble;
  }

  async deliver(letter) {
    remember(letter);
    let response;
    try {
      response = await post(letter.url, letter.data);
    } catch {
      return this.notSent(letter);
    }
    if (response.status === 409) return this.wasStale(letter, response);
    if (!response.ok) {
      const isOver = response.status >= 400 && response.status < 500 && response.status !== 429;
      if (isOver) forget(letter.id);
      return this.notSent(letter, await reason(response), isOver);
    }
    forget(letter.id);
    const [message] = elements(await response.text());
    if (message && this.isConnected) this.desk.thread?.place(message);
    else letter.bubble?.remove();
  }

  notSent(letter, words = this.words.offline, isOver = false) {
    const foot = letter.bubble?.querySelector(".message__foot");
    if (!foot) return;
    letter.bubble.classList.add("message--failed");
    const retry = document.createElement("button");
    retry.type = "button";
    retry.className = "link";
    retry.textContent = this.words.retry;
    const again = () => {
      letter.bubble.classList.remove("message--failed");
      foot.textContent = this.words.sending;
      this.deliver(letter);
    };
    retry.addEventListener("click", again);
    foot.replaceChildren(`${this.words.failed}: ${words} `, retry);
    if (!isOver) addEventListener("online", () => letter.bubble.isConnected && foot.contains(retry) && again(), { once: true });
  }

  /** The thread has gone on: the words go back into the composer, with what is new above them. */
  async wasStale(letter, response) {
    forget(letter.id);
    letter.bubble?.remove();
    this.text.value = this.texts[this.kind] = letter.text;
    this.picked = letter.files;
    this.showFiles();
    this.grow();
    this.held(elements(await response.text()));
    this.seen(Number(response.headers.get("X-Thread-Version")));
  }

  held(notice) {
    this.querySelector("[data-held]").replaceChildren(...(notice || []));
    this.form.classList.toggle("composer--held", notice !== null);
  }

  /** What a reload or a lost line left unsent, with the same id, so that it arrives once. */
  resend() {
    for (const kept of outbox().filter((letter) => letter.url === `${this.base}/messages`)) {
      const data = new FormData();
      for (const [name, value] of kept.fields) data.append(name, value);
      const letter = { ...kept, data, files: [] };
      this.show(letter);
      this.deliver(letter);
    }
  }
}

function outbox() {
  return JSON.parse(localStorage.getItem(OUTBOX) || "[]");
}

function remember(letter) {
  if (letter.files.length) return; // files cannot be kept here
  const fields = [...letter.data.entries()].filter(([, value]) => typeof value === "string");
  const { id, url, kind, text } = letter;
  localStorage.setItem(OUTBOX, JSON.stringify([...outbox().filter((other) => other.id !== id), { id, url, kind, text, fields }]));
}

function forget(id) {
  localStorage.setItem(OUTBOX, JSON.stringify(outbox().filter((letter) => letter.id !== id)));
}

customElements.define("kp-composer", Composer);
