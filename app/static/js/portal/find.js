/* <kp-find data-address="…/suggestions">: the first few articles under the search field while somebody types. */
const PAUSE = 150;

class Find extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    this.panel = document.createElement("div");
    this.panel.className = "suggestions";
    this.panel.hidden = true;
    // stands there from the start: screen readers follow only what changes in a place they know
    this.said = document.createElement("p");
    this.said.className = "visually-hidden";
    this.said.setAttribute("role", "status");
    this.append(this.panel, this.said);
    this.input.addEventListener("input", () => this.plan());
    this.input.addEventListener("focus", () => this.show(this.panel.childElementCount > 0));
    this.addEventListener("keydown", (event) => this.press(event));
    this.addEventListener("focusout", (event) => this.contains(event.relatedTarget) || this.show(false));
  }

  plan() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(this.input.value.trim()), PAUSE);
  }

  async ask(words) {
    this.asking?.abort();
    if (words.length < 2) return this.fill("");
    this.asking = new AbortController();
    try {
      const address = `${this.dataset.address}?q=${encodeURIComponent(words)}`;
      const answer = await fetch(address, { signal: this.asking.signal, headers: { "X-Part": "true" } });
      if (answer.ok) this.fill(await answer.text());
    } catch {
      // a newer question, or no network: the form works as it always does
    }
  }

  fill(html) {
    this.panel.innerHTML = html;
    const count = this.panel.querySelector("p");
    this.said.textContent = count?.textContent ?? "";
    count?.remove();
    this.show(html !== "" && this.contains(document.activeElement));
  }

  show(wanted) {
    this.panel.hidden = !wanted;
  }

  press(event) {
    if (event.key === "Escape" && !this.panel.hidden) {
      event.preventDefault();
      this.input.focus();
      return this.show(false);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || this.panel.hidden) return;
    event.preventDefault();
    const places = [this.input, ...this.panel.querySelectorAll("a")];
    const next = places.indexOf(document.activeElement) + step;
    places.at(next % places.length).focus();
  }
}

customElements.define("kp-find", Find);
