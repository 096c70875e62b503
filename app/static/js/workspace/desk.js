// <kp-desk>: list, thread and side pane, kept true by one stream of the log.

import "./assist.js";
import "./composer.js";
import { List } from "./list.js";
import { Stream } from "./stream.js";
import { Thread } from "./thread.js";
import { elements, part, post, reason, toast } from "./wire.js";

const ONE_PANE = "(width < 48rem)";

class Desk extends HTMLElement {
  connectedCallback() {
    this.words = JSON.parse(this.dataset.words);
    this.list = new List(document.getElementById("list"), this.words);
    this.enter();
    this.stream = new Stream(Number(this.dataset.seq), {
      log: (event) => this.hear(event),
      presence: (other) => this.thread?.meet(other),
      typing: (who) => this.thread?.hearTyping(who),
      due: (what) => this.hear({ display_id: what.display_id, name: "sla.due" }),
      reset: () => location.reload(),
      signed_out: () => location.assign("/sign-in"),
      connected: (isConnected) => this.tellConnection(isConnected),
    });
    document.addEventListener("click", (event) => this.follow(event));
    document.addEventListener("submit", (event) => this.submit(event));
    document.addEventListener("change", (event) => event.target.matches("[data-submit]") && event.target.form.requestSubmit());
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("popstate", () => this.returnTo(location));
    addEventListener("pagehide", () => this.thread?.leave());
  }

  enter() {
    this.thread?.leave();
    const main = this.querySelector(".thread[data-display-id]");
    this.thread = main ? new Thread(main, this.words, this.dataset.userId) : null;
    document.body.dataset.pane = main ? "thread" : "list";
    if (main) delete document.body.dataset.side;
  }

  hear(event) {
    if (event.display_id) {
      if (!event.name.startsWith("captain.suggest")) this.list.hear(event.display_id);
      if (this.thread?.id === String(event.display_id)) this.thread.hear(event);
    } else if (event.name === "contact.deleted") {
      // not a word of him may stay on the screen
      if (this.thread?.main.dataset.contactId === String(event.contact_id)) this.go(location.href, false);
    } else if (event.contact_id && event.name.startsWith("contact.")) this.thread?.hear(event);
  }

  tellConnection(isConnected) {
    if (this.wasConnected === isConnected) return;
    this.wasConnected = isConnected;
    clearTimeout(this.connectionTimer);
    // a line that is back within two seconds is nobody's concern
    if (!isConnected) this.connectionTimer = setTimeout(() => this.showOffline(), 2000);
    else if (this.offline) {
      this.offline.remove();
      this.offline = null;
      toast(this.words.back);
    }
  }

  /** Stands above everything until the line is back. */
  showOffline() {
    this.offline = document.createElement("p");
    this.offline.className = "notice notice--honey offline";
    this.offline.role = "alert";
    this.offline.textContent = this.words.offline;
    document.body.append(this.offline);
  }

  /** Another conversation beside the same list. */
  follow(event) {
    const link = event.target.closest('a[href^="/conversations/"]');
    if (event.target.closest(".thread__back") && !event.defaultPrevented) {
      event.preventDefault();
      return this.close(true);
    }
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (!/^\/conversations\/\d+$/.test(link.pathname)) return;
    event.preventDefault();
    this.go(link.href, true);
  }

  /** The browser's own back and forward. */
  returnTo({ pathname, search, href }) {
    if (this.thread && pathname === this.thread.base) return; // a quotation was followed, on this very page
    const isList = pathname === "/conversations" && new URLSearchParams(search).toString() === new URLSearchParams(this.list.parameters).toString();
    if (isList && matchMedia(ONE_PANE).matches) this.close(false);
    else this.go(href, false);
  }

  /** On a phone: back to the list as it was left. */
  close(isNew) {
    const id = this.thread?.id;
    this.thread?.leave();
    this.thread = null;
    this.asked = null;
    this.replaceChildren();
    document.body.dataset.pane = "list";
    if (isNew) history.pushState({}, "", `/conversations?${this.list.parameters}`);
    this.list.select(null);
    document.querySelector(`#conversation_${id} a`)?.focus({ preventScroll: true });
  }

  async go(href, isNew) {
    const url = new URL(href, location.href);
    if (!/^\/conversations\/\d+$/.test(url.pathname)) return location.assign(href);
    const asked = (this.asked = Symbol());
    let found;
    try {
      found = await part(url.href);
    } catch {
      return location.assign(href);
    }
    if (this.asked !== asked) return;
    this.thread?.leave();
    this.thread = null;
    this.replaceChildren(...found);
    document.querySelector("#main > h1")?.remove(); // it named the list; now the thread has a name
    if (isNew) history.pushState({}, "", url);
    document.title = `${this.querySelector("h1")?.textContent || ""} · Kulpunai`;
    this.enter();
    this.list.select(url.pathname.split("/")[2]);
    const isPhone = matchMedia(ONE_PANE).matches; // where the keyboard would hide what is to be read
    this.querySelector(isPhone ? "h1" : "textarea")?.focus({ preventScroll: true });
  }

  /** Every small form: sent in the background; the screen follows when the log tells of it. */
  async submit(event) {
    const form = event.target;
    const isOurs = form.method === "post" && /^\/(conversations|contacts)\//.test(new URL(form.action).pathname);
    if (!isOurs || event.defaultPrevented) return;
    event.preventDefault();
    if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
    const data = new FormData(form, event.submitter);
    // now, for the log may tell of it before the answer comes, and what is still written here would be kept as new
    const written = "reset" in form.dataset ? [...form.elements].map((field) => [field, field.value]) : [];
    if (written.length) form.reset();
    const restore = () => written.forEach(([field, value]) => (field.value = value));
    form.closest(".menu")?.hidePopover?.();
    form.setAttribute("aria-busy", "true");
    try {
      const response = await post(form.action, data);
      if (response.status === 409) return this.thread?.composer?.held(elements(await response.text()));
      if (!response.ok) (restore(), toast(await reason(response), true));
      else if (/json/.test(response.headers.get("Content-Type"))) toast((await response.json()).said);
    } catch {
      restore();
      toast(this.words.offline, true);
    } finally {
      form.removeAttribute("aria-busy");
    }
  }

  /** By the physical key, so that it works in every layout; never with AltGr, which types letters. */
  key(event) {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.getModifierState("AltGraph")) return;
    const paths = { KeyR: "resolution", KeyE: "reopening", KeyM: "mute" };
    if (paths[event.code] && this.thread) {
      event.preventDefault();
      post(`${this.thread.base}/${paths[event.code]}`).catch(() => toast(this.words.offline, true));
    }
    if (event.code === "KeyJ" || event.code === "KeyK") {
      const link = this.list.beside(event.code === "KeyJ" ? 1 : -1);
      if (link) (event.preventDefault(), this.go(link.href, true));
    }
  }
}

customElements.define("kp-desk", Desk);
