/* <kp-progress data-state="running">: looks again every two seconds until it is over, and shows what is new. */
const PAUSE = 2000;

class Progress extends HTMLElement {
  connectedCallback() {
    this.plan();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  plan() {
    if (this.dataset.state === "running" || this.dataset.state === "waiting") this.timer = setTimeout(() => this.look(), PAUSE);
  }

  async look() {
    try {
      const answer = await fetch(location.href);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("kp-progress");
      // a question that is open, a button in use: what somebody looks at stays
      const isBusy = this.querySelector(":popover-open") || this.contains(document.activeElement);
      if (answer.ok && fresh && !isBusy) {
        this.dataset.state = fresh.dataset.state;
        this.replaceChildren(...document.importNode(fresh, true).childNodes);
      }
    } catch {
      // no network just now: the next look may find one
    }
    this.plan();
  }
}

customElements.define("kp-progress", Progress);
