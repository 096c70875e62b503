/* <kp-ask>: a link to Captain's answer; with a script the answer comes here, above what was found, word after word. */
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
    try {
      const answer = await fetch(address.replace("/answer?", "/answer.stream?"));
      if (!answer.ok) throw new Error(answer.status);
      await this.follow(answer.body.pipeThrough(new TextDecoderStream()).getReader());
      this.querySelector("#answer:not([aria-busy])").focus({ preventScroll: true });
    } catch {
      location.href = address;
    }
  }

  /** Each line holds all that stands there by then. */
  async follow(reader) {
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) this.innerHTML = JSON.parse(line).html;
    }
  }
}

customElements.define("kp-ask", Ask);
