/** The page that frames us. It is told our secrets only once it has said who it is, and only that window, at that origin. */
export class Bridge {
  constructor() {
    this.isFramed = window.parent !== window;
    this.origin = null;
    this.handlers = {};
    addEventListener("message", (event) => this.take(event));
  }

  on(type, handler) {
    this.handlers[type] = handler;
  }

  /** What the page knows of the visitor: {kept, theme, isOpen, url}; empty when nobody answers. */
  hello() {
    if (!this.isFramed) return Promise.resolve({ isOpen: true });
    return new Promise((resolve) => {
      this.on("hello", resolve);
      window.parent.postMessage({ kulpunai: { type: "ready" } }, "*");
      setTimeout(() => resolve({ isOpen: true }), 2000);
    });
  }

  say(type, more = {}) {
    if (this.origin) window.parent.postMessage({ kulpunai: { type, ...more } }, this.origin);
  }

  take(event) {
    const what = event.data?.kulpunai;
    if (!what || event.source !== window.parent || !this.isFramed) return;
    if (what.type === "hello") this.origin ??= event.origin;
    if (event.origin === this.origin) this.handlers[what.type]?.(what);
  }
}
