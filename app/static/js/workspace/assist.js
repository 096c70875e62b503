// <kp-assist>: Captain's half of the side pane. Asked when somebody opens it; answers come back at once, for him alone.

import { elements, part, post, reason, toast } from "./wire.js";

class Assist extends HTMLElement {
  connectedCallback() {
    this.side = this.closest(".side");
    this.desk = this.closest("kp-desk");
    this.tabs = this.side.querySelector(".side__tabs");
    this.tabs.addEventListener("click", (event) => this.turn(event));
    this.addEventListener("submit", (event) => this.submit(event));
    this.addEventListener("click", (event) => this.click(event));
    this.addEventListener("keydown", (event) => this.key(event));
  }

  get base() {
    return `/conversations/${this.dataset.displayId}`;
  }

  get pane() {
    return this.querySelector("#assist");
  }

  turn(event) {
    const tab = event.target.closest("[data-half]");
    if (!tab || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    event.stopPropagation();
    this.show(tab.dataset.half);
  }

  async show(half) {
    for (const tab of this.tabs.querySelectorAll("[data-half]")) {
      if (tab.dataset.half === half) tab.setAttribute("aria-current", "true");
      else tab.removeAttribute("aria-current");
    }
    for (const one of this.side.querySelectorAll(".side__half")) one.hidden = one.id !== half;
    if (half === "assist") await this.read();
  }

  /** What is kept; and once, what was solved before. */
  async read() {
    if (this.isRead) return;
    this.isRead = true;
    try {
      this.put(await part(`${this.base}/assistance`));
      const similar = this.querySelector('form[action$="/similar"]');
      if (!this.querySelector(".alike") && similar) await this.send(similar, true);
    } catch {
      this.isRead = false;
      toast(JSON.parse(this.desk.dataset.words).offline, true);
    }
  }

  submit(event) {
    const form = event.target;
    if (form.matches("[data-once]")) return form.remove(); // the desk posts it
    if (!form.matches("[data-assist]")) return;
    event.preventDefault();
    event.stopPropagation();
    this.send(form);
  }

  /** isQuiet: nobody has asked for it by himself, so nobody is told when it fails. */
  async send(form, isQuiet = false) {
    if (this.isAsking) return;
    this.isAsking = true;
    this.pane.setAttribute("aria-busy", "true");
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const response = await post(form.action, new FormData(form));
      if (response.ok) this.put(elements(await response.text()), form.action.endsWith("/copilot"));
      else if (!isQuiet) toast(await reason(response), true);
    } catch {
      if (!isQuiet) toast(JSON.parse(this.desk.dataset.words).offline, true);
    } finally {
      this.isAsking = false;
      this.pane.removeAttribute("aria-busy");
      button.disabled = false;
    }
  }

  put([fresh], isAnswer = false) {
    if (!fresh || !this.pane) return;
    const written = isAnswer ? "" : this.querySelector("textarea")?.value || "";
    const isHidden = this.pane.hidden;
    this.pane.replaceWith(fresh);
    fresh.hidden = isHidden;
    const field = fresh.querySelector("textarea");
    if (written) field.value = written;
    if (!isAnswer) return;
    field.focus({ preventScroll: true });
    fresh.querySelector(".talk__turn:last-child")?.scrollIntoView({ block: "nearest" });
  }

  click(event) {
    const taken = event.target.closest("[data-take]");
    if (taken) {
      this.desk.thread?.composer?.insert(taken.dataset.words, taken.dataset.take);
      if (this.side.matches(":popover-open")) this.side.hidePopover();
    }
    const point = event.target.closest(".points__point");
    if (point && document.querySelector(point.hash)) {
      event.preventDefault();
      if (this.side.matches(":popover-open")) this.side.hidePopover();
      this.point(document.querySelector(point.hash));
    }
  }

  point(message) {
    message.scrollIntoView({ block: "center" });
    message.classList.add("message--found");
    setTimeout(() => message.classList.remove("message--found"), 2500);
  }

  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.target.name !== "question") return;
    event.preventDefault();
    if (event.target.value.trim()) event.target.form.requestSubmit();
  }
}

customElements.define("kp-assist", Assist);
