// The open conversation: every part of it follows the log, by fetching the same piece the page was made of.

import { debounced, part, post, renew, steadyPart } from "./wire.js";

const soon = debounced(120);
const SEEN_AFTER_MS = 2000;
const LOOKING_MS = 20_000;
const GONE_AFTER_MS = 45_000;
const MOST_DAYS = 50;

const CHANGES_HEAD = /^(conversation\.(status_changed|priority_changed|labels_changed|muted|unmuted|attributes_changed|bot_handoff)|assignee|team|sla|contact)\b/;

export class Thread {
  constructor(main, words, userId) {
    this.main = main;
    this.words = words;
    this.userId = userId;
    this.id = main.dataset.displayId;
    this.others = new Map();
    this.scroll = main.querySelector("#scroll");
    this.messages = main.querySelector("#messages");
    this.down();
    this.signAt = Date.now(); // that somebody sits there, not only that the page is open
    for (const sign of ["pointermove", "pointerdown", "keydown", "wheel"]) {
      main.addEventListener(sign, () => (this.signAt = Date.now()), { passive: true });
    }
    this.look();
    this.looking = setInterval(() => this.look(), LOOKING_MS);
    this.fading = setInterval(() => this.showOthers(), 5000);
    main.addEventListener("click", (event) => this.click(event));
    main.addEventListener("change", (event) => event.target.matches("[data-open-draft]") && this.down());
    this.scroll.addEventListener("load", () => this.wasDown && this.down(), true); // pictures make the thread longer
    this.scroll.addEventListener("scroll", () => (this.wasDown = this.isDown()), { passive: true });
  }

  leave() {
    clearInterval(this.looking);
    clearInterval(this.fading);
    this.tell({ left: "1" });
  }

  hear(event) {
    const { name } = event;
    const isMine = event.actor === `user:${this.userId}`;
    if (event.message_id && name.startsWith("message.")) this.showMessage(event, isMine);
    else if (event.conversation_id && !name.startsWith("captain.")) this.showActivity(event.seq);
    if (name === "conversation.contact_read") this.markRead();
    const isSuggestion = name.startsWith("captain.suggest");
    if (isSuggestion || name === "message.created" || name === "conversation.labels_changed") soon("hints", () => this.swap("hints", `${this.base}/hints`));
    if (event.kind === "translation" && event.message_id) this.showMessage(event, true);
    if (name.startsWith("captain.") && !isSuggestion || name === "message.created") soon("captain", () => this.swap("captain", `${this.base}/captain`));
    if (CHANGES_HEAD.test(name)) soon("head", () => this.refreshSides());
  }

  get base() {
    return `/conversations/${this.id}`;
  }

  /** A part, also when it takes a while to be reached; `otherwise` when the server will not give it. */
  steady(url, otherwise = []) {
    return steadyPart(url, () => this.main.isConnected).catch(() => otherwise);
  }

  get composer() {
    return this.main.querySelector("kp-composer");
  }

  async showMessage(event, isMine) {
    const wasDown = this.isDown();
    const [message] = await this.steady(`${this.base}/messages/${event.message_id}`);
    if (!message || !this.main.isConnected) return;
    this.place(message);
    if (event.name !== "message.created") return;
    if (event.message_type === "incoming" && document.visibilityState === "visible") soon("seen", () => post(`${this.base}/seen`));
    if (wasDown || isMine) this.down();
    else this.announce();
    if (!event.is_private) this.noteVersion(event, isMine);
  }

  /** What the reply being written answers: the thread as far as its author can have read it. */
  noteVersion(event, isMine) {
    if (!this.composer) return;
    if (isMine || this.composer.isEmpty) this.composer.seen(event.thread_version);
    else if (event.message_type === "incoming") {
      setTimeout(() => document.hasFocus() && this.composer?.seen(event.thread_version), SEEN_AFTER_MS);
    }
  }

  place(message) {
    const known = document.getElementById(message.id) || this.pending(message.dataset.clientId);
    if (known) {
      known.replaceWith(message);
      return this.showDay(message);
    }
    const later = [...this.messages.querySelectorAll("[data-id]")].find((other) => Number(other.dataset.id) > Number(message.dataset.id));
    if (later) later.before(message);
    else this.messages.append(message);
    this.showDay(message);
  }

  /** The line above a day that begins with this one. “Today” of yesterday's is asked anew with it. */
  async showDay({ id, dataset: { on } }) {
    const line = (day) => this.messages.querySelector(`.day[data-day="${day}"]`);
    if (!on || line(on) || this.asked === on) return;
    this.asked = on;
    const days = [...this.messages.querySelectorAll(".day[data-day]")].slice(-MOST_DAYS + 1).map((old) => old.dataset.day);
    const lines = await this.steady(`/days?${new URLSearchParams([...days, on].map((day) => ["on", day]))}`);
    for (const fresh of lines) {
      const old = line(fresh.dataset.day);
      if (old) old.replaceWith(fresh);
      else (this.messages.querySelector(`[data-on="${on}"]`) || document.getElementById(id))?.before(fresh);
    }
    if (this.wasDown) this.down();
  }

  pending(clientId) {
    return clientId && this.messages.querySelector(`[data-client-id="${CSS.escape(clientId)}"]`);
  }

  async showActivity(seq) {
    if (document.getElementById(`activity_${seq}`)) return;
    const wasDown = this.isDown();
    const [line] = await this.steady(`${this.base}/activities/${seq}`);
    if (!line || document.getElementById(line.id)) return;
    this.messages.append(line);
    this.showDay(line);
    if (wasDown) this.down();
  }

  async refreshSides() {
    await this.swap("head", `${this.base}/head`);
    await this.swap("about", `${this.base}/side`);
    this.showOthers();
  }

  async swap(id, url) {
    const found = await this.steady(url, null);
    const place = document.getElementById(id);
    if (!found || !place || !this.main.isConnected) return;
    if (id === "captain") this.putDraft(place, found);
    else if (found[0]) {
      if (id === "about") found[0].hidden = place.hidden; // the pane's other half may be open
      renew(place, found[0]);
    }
    if (id === "captain" && this.wasDown) this.down();
  }

  /** The draft that is there now. The same one stays as it was, open or folded; with another one, or none, the keyboard is
   * not left in the void. */
  putDraft(place, [fresh]) {
    const old = place.firstElementChild;
    if (fresh && old?.dataset.draftId === fresh.dataset.draftId) {
      fresh.className = old.className;
      fresh.querySelector("[data-open-draft]").checked = old.querySelector("[data-open-draft]").checked;
      return renew(old, fresh);
    }
    const wasHere = place.contains(document.activeElement);
    place.replaceChildren(...(fresh ? [fresh] : []));
    if (wasHere) (fresh || this.composer?.text)?.focus({ preventScroll: true });
  }

  markRead() {
    for (const use of this.messages.querySelectorAll(".message--outgoing:not(.message--private) .message__tick use")) {
      use.setAttribute("href", "/static/icons/sprite.svg#checks");
    }
  }

  // -- scrolling

  isDown() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 80;
  }

  down() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.wasDown = true;
    this.main.querySelector(".news--below")?.remove();
  }

  announce() {
    let chip = this.main.querySelector(".news--below");
    if (!chip) {
      chip = document.createElement("button");
      chip.type = "button";
      chip.className = "news news--below";
      chip.dataset.n = "0";
      chip.addEventListener("click", () => this.down());
      this.main.querySelector(".thread__foot").prepend(chip);
    }
    chip.dataset.n = Number(chip.dataset.n) + 1;
    chip.textContent = `↓ ${this.words.news.replace("%(n)s", chip.dataset.n)}`;
  }

  async click(event) {
    const older = event.target.closest("[data-older]");
    if (older) {
      event.preventDefault();
      const items = await part(older.href).catch(() => []);
      const height = this.scroll.scrollHeight;
      const first = items.find((item) => item.dataset.id);
      this.messages.prepend(...items);
      if (first && items.filter((item) => item.dataset.id).length >= 30) older.href = `${this.base}/older?before=${first.dataset.id}`;
      else older.remove();
      this.scroll.scrollTop += this.scroll.scrollHeight - height;
    }
    const quote = event.target.closest("[data-quote]");
    if (quote) this.composer?.quote(quote.dataset);
    if (event.target.closest("[data-edit-draft]")) {
      const captain = event.target.closest(".captain");
      this.composer?.take(captain.querySelector("[data-draft-source]").content.textContent, captain.dataset.draftId);
      captain.classList.add("captain--taken");
      captain.querySelector("[data-open-draft]").checked = false;
      this.down();
    }
  }

  // -- who else is here

  look() {
    if (document.visibilityState === "visible") this.tell(Date.now() - this.signAt < 2 * LOOKING_MS ? { active: "1" } : {});
  }

  tell(what) {
    const body = new URLSearchParams(what);
    if (what.left) navigator.sendBeacon(`${this.base}/presence`, body);
    else post(`${this.base}/presence`, body).catch(() => {});
  }

  meet(other) {
    if (String(other.display_id) !== this.id) return;
    const isNew = !this.others.has(other.user_id);
    if (other.doing === "left") this.others.delete(other.user_id);
    else this.others.set(other.user_id, { ...other, at: Date.now() });
    if (isNew && other.doing !== "left") this.look(); // so that the newcomer sees us too
    this.showOthers();
  }

  hearTyping(who) {
    if (String(who.display_id) !== this.id) return;
    clearTimeout(this.typingTimer);
    const line = this.main.querySelector("#typing");
    line.hidden = who.is_on === false;
    line.querySelector("[data-words]").textContent = this.words.typing.replace("%(names)s", who.name || this.words.customer);
    this.typingTimer = setTimeout(() => (line.hidden = true), 6000);
  }

  showOthers() {
    for (const [id, other] of this.others) if (Date.now() - other.at > GONE_AFTER_MS) this.others.delete(id);
    const place = this.main.querySelector("#viewers");
    if (!place) return;
    const here = [...this.others.values()];
    place.hidden = here.length === 0;
    const typing = here.filter((other) => other.doing === "typing" && Date.now() - other.at < 6000);
    const named = (typing.length ? typing : here).map((other) => other.name).join(", ");
    const words = typing.length ? this.words.typing : here.length > 1 ? this.words.viewing_many : this.words.viewing;
    place.querySelector(".viewers__words").textContent = words.replace("%(names)s", named);
    place.title = place.querySelector(".viewers__words").textContent;
    place.querySelector(".avatars").replaceChildren(...here.map(face));
  }
}

/** A colleague's initials, for screens too narrow for his name. */
function face(other) {
  const initials = document.createElement("span");
  initials.className = "avatar avatar--24";
  initials.style.setProperty("--hue", (other.user_id * 47) % 360);
  initials.ariaHidden = "true";
  initials.textContent = other.name.split(/\s+/, 2).map((word) => word[0]).join("");
  return initials;
}
