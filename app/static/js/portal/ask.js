/* <kp-ask>: a link to Captain's answer; with a script the answer comes here, above what was found. */
class Ask extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const link = event.target.closest("a[href*='/answer?']");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.ask(link.href);
    });
  }

  async ask(address) {
    this.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { headers: { "X-Part": "true" } });
      if (!answer.ok) throw new Error(answer.status);
      this.innerHTML = await answer.text();
      this.querySelector("#answer")?.focus();
    } catch {
      location.href = address;
    } finally {
      this.removeAttribute("aria-busy");
    }
  }
}

customElements.define("kp-ask", Ask);
