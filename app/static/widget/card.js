import { Api, Refused, Unreached } from "./api.js";
import { Bridge } from "./bridge.js";
import { Composer } from "./composer.js";
import { face, icon, make } from "./dom.js";
import { preChat } from "./form.js";
import { Live } from "./live.js";
import { Memory } from "./memory.js";
import { INCOMING } from "./message.js";
import { Outbox } from "./outbox.js";
import { Thread } from "./thread.js";
import { back, say, speak } from "./words.js";

const PAGE = 20;
const TYPING_SHOWN_MS = 6000;
const THINKS_MS = 20_000;
const PAUSES_MS = [2000, 5000, 10_000, 30_000];

/** The card: keeps what is known of the conversation, and shows it. */
class Card {
  constructor(known) {
    this.known = known;
    speak(known.words, known.locale);
    this.bridge = new Bridge();
    this.memory = new Memory(known.website_token, (own) => this.lend(own));
    this.api = new Api(known.website_token, known.locale);
    this.messages = new Map();
    this.saidAt = 0;
    this.typist = null;
    this.contact = { id: null };
    this.conversation = null;
    this.isOpen = false;
    this.outbox = new Outbox(this.memory, (entry, files) => this.send(entry, files), () => this.draw());
    this.live = new Live(this.api, {
      hear: (name, data) => this.hear(name, data),
      poll: () => this.catchUp(),
      changed: () => this.draw(),
    });
    this.build();
    this.listen();
  }

  // -- beginning

  async start() {
    this.settled = this.settle();
    await this.settled;
    this.outbox.flush();
  }

  async settle() {
    const hello = await this.bridge.hello();
    this.theme(hello.theme);
    this.outbox.url = hello.url || document.referrer;
    this.memory.borrow(hello.kept?.own);
    this.composer.recall();
    const kept = this.memory.get("token") ?? hello.kept?.token;
    this.isKnown = Boolean(kept);
    this.api.token = kept || this.known.token;
    if (kept) this.keepToken();
    if (this.isKnown) await this.refresh();
    this.show(hello.isOpen);
    this.isReady = true;
    for (const task of this.waiting.splice(0)) await this.attempt(task);
  }

  /** From now on this browser is somebody: before the first word leaves, so that a lost answer can be asked for again. */
  keepToken() {
    this.isKnown = true;
    this.memory.set("token", this.api.token);
    this.lend(Object.fromEntries(this.memory.own));
  }

  /** The page around us keeps the token, to ask for the badge; and the rest where we may keep nothing ourselves. */
  lend(own) {
    this.bridge.say("keep", { value: this.isKnown ? { token: this.api.token, own } : { own } });
  }

  waiting = [];

  listen() {
    const later = (task) => (this.isReady ? this.attempt(task) : this.waiting.push(task));
    const on = (type, handler) => this.bridge.on(type, handler);
    on("open", () => this.show(true));
    on("close", () => this.show(false));
    on("theme", ({ theme }) => this.theme(theme));
    on("reset", () => this.reset());
    // the same, where tabs can only hear of each other through the pages around them
    on("kept", ({ value }) => !this.memory.place && value?.token !== this.api.token && location.reload());
    // nothing is said before it is known who says it
    on("user", (what) => later(() => (this.settled = this.setUser(what))));
    on("attributes", ({ value }) => later(() => this.noteHim(() => this.api.patch("contact", { custom_attributes: value }))));
    on("forget_attribute", ({ value }) => later(() => this.noteHim(() => this.api.post("contact/destroy_custom_attributes", { custom_attributes: [value] }))));
    on("conversation_attributes", ({ value }) => later(() => this.note(() => this.api.post("conversations/set_custom_attributes", { custom_attributes: value }))));
    on("forget_conversation_attribute", ({ value }) => later(() => this.note(() => this.api.post("conversations/destroy_custom_attributes", { custom_attribute: [value] }))));
    on("answer", ({ value }) => later(() => this.bring(value)));
    on("label", ({ value }) => later(() => this.note(() => this.api.post("labels", { label: value }))));
    on("unlabel", ({ value }) => later(() => this.note(() => this.api.call("DELETE", `labels/${encodeURIComponent(value)}`))));
    this.memory.watch((name, value) => {
      // another tab was handed another token, or gave it back
      if (name === "token" && value !== this.api.token) location.reload();
      if (name.startsWith("out:")) this.draw();
    });
    addEventListener("online", () => this.catchUp());
    addEventListener("offline", () => this.draw());
    document.addEventListener("visibilitychange", () => this.isVisible && this.catchUp());
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (!this.menu.open) return this.bridge.say("close");
      this.menu.open = false;
      this.menu.querySelector("summary").focus();
    });
  }

  /** What the site says of a conversation waits until there is one, … */
  note(task) {
    return this.conversation ? task() : void this.afterFirst.push(task);
  }

  /** … and what it says of the visitor until he is somebody. */
  noteHim(task) {
    return this.isSomebody() ? task() : void this.afterFirst.push(task);
  }

  afterFirst = [];

  /** Whoever brings the first conversation, an answer of ours, the stream or another tab, what waited for it goes out. */
  sayWhatWaited() {
    if (!this.conversation || !this.isSomebody()) return;
    for (const task of this.afterFirst.splice(0)) this.attempt(task);
  }

  async attempt(task) {
    try {
      await task();
    } catch (problem) {
      this.bridge.say("event", { name: "error", detail: { message: problem.message || "network" } });
    }
  }

  isSomebody() {
    return this.contact.id !== null;
  }

  // -- who he is

  async setUser({ identifier, details }) {
    const before = this.memory.get("user");
    if (before && before.identifier !== identifier) this.forget();
    const said = JSON.stringify(details);
    if (before?.identifier === identifier && before.said === said && this.isKnown) return;
    const answer = await patiently(() => this.api.patch("contact/set_user", { ...details, identifier }));
    this.memory.set("user", { identifier, said });
    if (answer.widget_auth_token) this.api.token = answer.widget_auth_token;
    this.keepToken();
    this.contact = answer;
    this.messages.clear();
    this.live.stop();
    await this.refresh();
    this.show(this.isOpen);
  }

  /** As new: another person may sit down here. */
  forget() {
    this.live.stop();
    this.memory.forget();
    this.api.token = this.known.token;
    Object.assign(this, { contact: { id: null }, conversation: null, isKnown: false, unread: 0 });
    this.messages.clear();
    this.lend({});
  }

  reset() {
    this.forget();
    location.reload();
  }

  // -- what is said

  /** Everything anew: the newest page, and who we are to the server. */
  async refresh(tries = 0) {
    clearTimeout(this.refreshTimer);
    try {
      const [found, contact] = await Promise.all([this.api.get("messages"), this.api.get("contact")]);
      this.contact = contact;
      this.messages.clear();
      this.hasOlder = found.payload.length === PAGE;
      this.take(found);
      if (this.isOpen) this.live.start();
      this.live.again();
      this.sayWhatWaited();
    } catch (problem) {
      if (problem instanceof Refused && problem.status === 404) return this.lose();
      const pause = problem.wait || PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)];
      this.refreshTimer = setTimeout(() => this.refresh(tries + 1), pause);
    } finally {
      this.draw();
    }
  }

  /** Our token is not good any more, or the inbox is gone. What was not sent yet goes out under a new one. */
  async lose() {
    this.live.stop();
    const answer = await this.api.post("config").catch((problem) => problem);
    if (answer instanceof Unreached) return;
    if (answer instanceof Error) return this.sayGone();
    this.messages.clear();
    this.api.token = answer.website_channel_config.auth_token;
    this.contact = answer.contact;
    this.keepToken();
  }

  sayGone() {
    this.foot.replaceChildren(make("p", { class: "notice", role: "alert" }, say("gone")));
  }

  /** What came since, when the stream may have missed it. */
  async catchUp() {
    if (!this.isReady || !this.isKnown || !this.isOpen || this.isCatchingUp) return;
    this.isCatchingUp = true;
    try {
      const newest = Math.max(0, ...this.messages.keys());
      const found = await this.api.get("messages", newest ? { after: newest } : {});
      this.take(found);
      // another tab has said our first word
      if (found.payload.length && !this.isSomebody()) await this.refresh();
    } catch (problem) {
      if (problem instanceof Refused && problem.status === 404) await this.lose();
    } finally {
      this.isCatchingUp = false;
      this.draw();
    }
  }

  async older() {
    const oldest = Math.min(...this.messages.keys());
    const found = await this.api.get("messages", { before: oldest }).catch(() => null);
    if (!found) return this.problem(say("went_wrong"));
    this.hasOlder = found.payload.length === PAGE;
    for (const message of found.payload) this.messages.set(message.id, message);
    this.draw();
  }

  /** Addresses of files last an hour: ask for new ones. */
  async stale() {
    if (Date.now() - (this.freshenedAt ?? 0) < 60_000) return;
    this.freshenedAt = Date.now();
    const oldest = Math.min(...this.messages.keys());
    const found = await this.api.get("messages", { after: oldest - 1 }).catch(() => null);
    if (!found) return;
    for (const message of found.payload) this.messages.set(message.id, message);
    this.thread.freshen(found.payload);
    this.draw();
  }

  take({ payload, meta }) {
    this.live.seq = Math.max(this.live.seq, meta.seq ?? 0);
    for (const message of payload) this.put(message);
    if (meta.conversation) this.conversation = meta.conversation;
    this.unread = meta.unread_count ?? 0;
    this.tellUnread();
  }

  put(message) {
    this.messages.set(message.id, message);
    this.outbox.done(message.echo_id);
  }

  hear(name, data) {
    if (name === "reset") return this.refresh();
    if (name === "typing") return this.showTyping(data);
    if (name === "conversation" && data.id >= (this.conversation?.id ?? 0)) this.conversation = data;
    this.sayWhatWaited();
    if (name === "message") {
      const isNew = !this.messages.has(data.id);
      this.put(data);
      if (data.message_type !== INCOMING) {
        this.showTyping({ is_on: false });
        if (isNew) this.unread = (this.unread ?? 0) + 1;
        if (isNew) this.bridge.say("event", { name: "on-message", detail: { id: data.id } });
      }
      this.tellUnread();
    }
    this.draw();
  }

  showTyping({ is_on, name }) {
    clearTimeout(this.typingTimer);
    this.typist = is_on ? name || "" : null;
    if (is_on) this.typingTimer = setTimeout(() => this.showTyping({ is_on: false }), TYPING_SHOWN_MS);
    this.drawTyping();
  }

  /** A person who types; or Captain, who has the conversation and looks for an answer to what was just said. */
  drawTyping() {
    const last = [...this.messages.values()].reduce((one, other) => (one && one.id > other.id ? one : other), null);
    const isThinking = this.conversation?.is_with_captain && last?.message_type === INCOMING && Date.now() - this.saidAt < THINKS_MS;
    clearTimeout(this.thinkingTimer);
    if (isThinking) this.thinkingTimer = setTimeout(() => this.drawTyping(), THINKS_MS);
    this.thread.showTyping(this.typist ?? (isThinking ? say("captain") : null));
  }

  get isVisible() {
    return this.isOpen && document.visibilityState === "visible";
  }

  /** Either he sees it now, or the button shows how many wait. */
  tellUnread() {
    if (!this.unread) return this.bridge.say("unread", { unread: 0 });
    if (!this.isVisible) return this.bridge.say("unread", { unread: this.unread });
    clearTimeout(this.seenTimer);
    this.seenTimer = setTimeout(() => this.api.post("conversations/update_last_seen").then(() => (this.unread = 0), () => {}), 400);
    this.bridge.say("unread", { unread: 0 });
  }

  // -- what he does

  write({ content, files }) {
    if (!this.isKnown) this.keepToken();
    this.outbox.add({ content, files, isNew: this.wantsNew });
    this.wantsNew = false;
    this.draw();
  }

  /** Called by the outbox, again and again until it is done. */
  async send(entry, files) {
    await this.settled?.catch(() => {});
    const path = entry.is_new ? "conversations" : "messages";
    // asked now, since the stream may tell of the conversation before the answer does
    const isFirst = !this.conversation || this.conversation.status === "resolved";
    const message = { content: entry.content, echo_id: entry.echo_id, timestamp: new Date(entry.at).toISOString(), referer_url: entry.url };
    let answer;
    try {
      answer = await this.api.post(path, files.length ? asForm(message, files) : { message });
    } catch (problem) {
      if (!(problem instanceof Refused) || problem.status !== 404) throw problem;
      await this.lose();
      answer = await this.api.post(path, files.length ? asForm(message, files) : { message });
    }
    for (const sent of answer.messages ?? [answer]) this.put(sent);
    this.saidAt = Date.now();
    if (isFirst) await this.begun();
  }

  async begun() {
    await this.refresh();
    this.bridge.say("event", { name: "on-start-conversation", detail: { id: this.conversation?.id } });
  }

  /** What Captain said to him in the help center, to the people here; once he has said who he is, where that is asked. */
  async bring(answer) {
    if (this.isAsking) return void (this.brought = answer);
    if (!this.isKnown) this.keepToken();
    const found = await patiently(() => this.api.post("conversations/from_answer", { answer, message: { referer_url: this.outbox.url } }));
    for (const sent of found.messages) this.put(sent);
    await this.refresh();
    this.thread.down();
  }

  async rate(message, rating, comment) {
    const values = { submitted_values: { csat_survey_response: { rating, feedback_message: comment } } };
    return this.fill(message, { message: values });
  }

  /** Answer a form of ours; resolves to whether it was taken. */
  async fill(message, answer) {
    try {
      this.put(await this.api.patch(`messages/${message.id}`, answer));
      if (answer.contact?.email) this.contact.has_email = true;
      this.draw();
      return true;
    } catch (problem) {
      this.problem(problem.message || say("went_wrong"));
      return false;
    }
  }

  async human(message, answer) {
    if (await this.fill(message, answer)) await this.attempt(() => this.api.post("conversations/hand_off", {}));
  }

  async end() {
    if (!confirm(say("end_sure"))) return;
    await this.api.get("conversations/toggle_status").catch(() => this.problem(say("went_wrong")));
    await this.catchUp();
  }

  async transcript() {
    const done = () => this.problem(say("transcript_done"));
    await this.api.post("conversations/transcript", {}).then(done, (problem) => this.problem(problem.message || say("went_wrong")));
  }

  async introduce(details) {
    try {
      this.contact = await this.api.patch("contact", details);
      this.keepToken();
      this.draw();
      this.composer.field.focus();
      if (this.brought) await this.attempt(() => this.bring(this.brought));
      this.brought = null;
      return "";
    } catch (problem) {
      return problem.message || say("offline");
    }
  }

  // -- what is seen

  build() {
    const { known } = this;
    const { accent } = known;
    const names = { "--accent": accent.fill, "--on-accent": accent.on_fill, "--accent-light": accent.light, "--accent-dark": accent.dark };
    for (const [name, value] of Object.entries(names)) document.documentElement.style.setProperty(name, value);
    this.thread = new Thread({
      houseName: known.name,
      older: () => this.older(),
      stale: () => this.stale(),
      rate: (...given) => this.rate(...given),
      fill: (...given) => this.fill(...given),
      human: (...given) => this.human(...given),
      retry: (echoId) => this.outbox.retry(echoId),
      discard: (echoId) => this.outbox.done(echoId),
    });
    this.composer = new Composer({
      mayAttach: known.may_attach,
      limitMb: known.upload_limit_mb,
      memory: this.memory,
      send: (written) => this.write(written),
      typing: (isOn) => this.conversation && this.api.post("conversations/toggle_typing", { typing_status: isOn ? "on" : "off" }).catch(() => {}),
      problem: (words) => this.problem(words),
    });
    this.status = make("p", { class: "status", role: "status", hidden: true });
    this.resolved = make("p", { class: "resolved", hidden: true });
    this.alert = make("p", { class: "alert", role: "alert", hidden: true });
    this.foot = make("footer", { class: "foot" }, this.resolved, this.composer.element);
    this.form = known.form.length ? preChat(known.form, (details) => this.introduce(details)) : null;
    this.menu = this.buildMenu();
    this.main = make("main", { class: "card" }, this.head(), this.status, this.thread.element, this.form, this.alert, this.foot,
      make("div", { class: "drop", "aria-hidden": "true" }, say("drop")));
    this.thread.intro.append(...this.intro());
    this.composer.catchDrops(this.main);
    document.body.append(this.main);
  }

  head() {
    const { known } = this;
    const faces = known.team.map((person) => face(person.name, known.is_open && person.availability_status === "online" ? "face--online" : ""));
    const close = make("button", { type: "button", class: "tool", "aria-label": say("close"), title: say("close"), hidden: !this.bridge.isFramed, onclick: () => this.bridge.say("close") }, icon("close"));
    return make("header", { class: "head" },
      faces.length ? make("span", { class: "faces" }, faces) : null,
      make("div", { class: "head__words" }, make("h1", {}, known.name), make("p", {}, this.promise())),
      this.menu, close);
  }

  buildMenu() {
    const item = (words, act) => make("button", {
      type: "button",
      onclick: () => {
        menu.open = false;
        act();
      },
    }, say(words));
    this.endItem = item("end", () => this.end());
    this.transcriptItem = item("transcript", () => this.transcript());
    const menu = make("details", { class: "menu", hidden: true }, make("summary", { class: "tool", "aria-label": say("menu"), title: say("menu") }, icon("more")),
      make("div", { class: "menu__items" }, this.transcriptItem, this.endItem));
    addEventListener("click", (event) => menu.contains(event.target) || (menu.open = false));
    return menu;
  }

  /** How soon an answer comes, as it has been lately; nothing is promised that is not so. */
  promise() {
    const { is_open, opens_at, wait_seconds, is_somebody_online } = this.known;
    if (!is_open) return opens_at ? say("back_short", { when: back(new Date(opens_at)) }) : say("away_short");
    if (wait_seconds !== null) return say(wait_seconds <= 300 ? "soon" : wait_seconds <= 3600 ? "hour" : wait_seconds <= 14_400 ? "hours" : "day");
    return is_somebody_online ? say("here") : "";
  }

  intro() {
    const { known } = this;
    const away = known.opens_at ? say("back", { when: back(new Date(known.opens_at)) }) : say("away");
    return [
      make("h2", {}, known.welcome_title || say("hello")),
      make("p", { class: "muted" }, known.welcome_tagline || say("hello_more")),
      !known.is_open && make("p", { class: "away" }, icon("clock"), make("span", {}, known.out_of_office_message || away)),
    ].filter(Boolean);
  }

  show(isOpen) {
    this.isOpen = isOpen;
    if (!isOpen) return this.live.stop();
    if (this.isKnown) this.live.start();
    this.catchUp();
    this.tellUnread();
    this.draw();
    this.composer.fit();
    // on a phone the keyboard would hide what has been said
    if (!matchMedia("(pointer: coarse)").matches) (this.isAsking ? this.form.querySelector("input") : this.composer.field).focus();
    this.thread.down();
  }

  theme(wanted) {
    if (wanted === "light" || wanted === "dark") document.documentElement.dataset.theme = wanted;
    else delete document.documentElement.dataset.theme;
  }

  get isAsking() {
    const isNew = !this.messages.size && !this.outbox.entries.length;
    const has = { name: "has_name", email: "has_email", phone: "has_phone_number" };
    const missing = this.known.form.filter((field) => !this.contact[has[field.name]]);
    return Boolean(this.form && isNew && missing.length && (!this.isSomebody() || missing.some((field) => field.is_required)));
  }

  draw() {
    if (!this.main) return;
    const isOffline = !navigator.onLine || (this.outbox.isWaiting && this.outbox.tries > 1);
    const messages = [...this.messages.values()].sort((one, other) => one.id - other.id);
    const shown = new Set(messages.map((message) => message.echo_id).filter(Boolean));
    const pending = this.outbox.entries.filter((entry) => !shown.has(entry.echo_id));
    const asks = this.isAsking;
    if (this.form) this.form.hidden = !asks;
    this.foot.hidden = asks;
    this.thread.intro.hidden = this.hasOlder;
    this.thread.show({ messages, pending, isOffline, readAt: this.conversation?.agent_last_seen_at ?? 0, hasOlder: this.hasOlder });
    this.status.hidden = !isOffline;
    this.status.textContent = isOffline ? say("offline") : "";
    this.drawTyping();
    this.drawState();
  }

  drawState() {
    const isResolved = this.conversation?.status === "resolved" && !this.outbox.isWaiting && !this.wantsNew;
    const mayGoOn = this.known.may_continue_resolved;
    const isOver = isResolved && !mayGoOn;
    this.composer.element.hidden = isOver;
    this.menu.hidden = !this.conversation;
    this.endItem.hidden = !this.known.may_end || this.conversation?.status === "resolved";
    this.transcriptItem.hidden = !this.contact.has_email;
    if (this.resolved.hidden === !isResolved) return;
    this.resolved.hidden = !isResolved;
    const anew = () => {
      this.wantsNew = true;
      this.draw();
      this.composer.field.focus();
    };
    this.resolved.replaceChildren(
      say(mayGoOn ? "resolved" : "resolved_over"), " ",
      make("button", { type: "button", class: mayGoOn ? "link" : "button", onclick: anew }, say(mayGoOn ? "anew" : "anew_button")));
  }

  problem(words) {
    clearTimeout(this.alertTimer);
    this.alert.textContent = words;
    this.alert.hidden = false;
    this.alertTimer = setTimeout(() => (this.alert.hidden = true), 6000);
  }
}

/** The answer, however long the way there is cut off; only a refusal ends the waiting. */
async function patiently(ask) {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (problem) {
      if (problem instanceof Refused && !problem.isPassing) throw problem;
      const pause = problem.wait || PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

function asForm(message, files) {
  const form = new FormData();
  for (const [name, value] of Object.entries(message)) form.append(`message[${name}]`, value);
  for (const file of files) form.append("message[attachments][]", file, file.name);
  return form;
}

new Card(JSON.parse(document.getElementById("card").textContent)).start();
