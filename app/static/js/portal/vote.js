/* <kp-vote><form>: the thanks come in its place, and the page stays where it is. */
class Vote extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", (event) => this.send(event));
  }

  async send(event) {
    event.preventDefault();
    const form = event.target;
    const body = new FormData(form, event.submitter);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Part": "true" } });
      if (!answer.ok) throw new Error(answer.status);
      this.innerHTML = await answer.text();
      this.querySelector("#vote").focus({ preventScroll: true });
    } catch {
      const said = Object.assign(document.createElement("input"), { type: "hidden", name: "helpful", value: event.submitter.value });
      form.append(said);
      form.submit();
    }
  }
}

customElements.define("kp-vote", Vote);
