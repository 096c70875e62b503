/* <kp-human data-key="…" data-answer="…"><button hidden>: opens the chat, whose script is loaded when somebody wants it and
   not before; what Captain has said to him, if anything, goes along to the people there. */
class Human extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", () => this.open(button));
  }

  open(button) {
    const opened = () => {
      button.disabled = false;
      window.kulpunai.toggle("open");
      if (this.dataset.answer) window.kulpunai.bringAnswer(this.dataset.answer);
    };
    if (window.kulpunai?.hasLoaded) return opened();
    button.disabled = true;
    addEventListener("kulpunai:ready", opened, { once: true });
    if (document.querySelector("script[data-token]")) return;
    const script = document.createElement("script");
    script.src = "/widget.js";
    script.dataset.token = this.dataset.key;
    script.dataset.locale = document.documentElement.lang;
    script.onerror = () => {
      button.disabled = false;
      script.remove();
    };
    document.head.append(script);
  }
}

customElements.define("kp-human", Human);
