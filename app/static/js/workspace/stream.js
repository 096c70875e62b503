// The account's log, as it grows. Comes back by itself, from where it was cut off: nothing missed, nothing twice.

const SILENCE_MS = 40_000; // the server speaks every 15 s: longer than this and the line is dead, whatever it claims

export class Stream {
  constructor(seq, listeners) {
    this.seq = seq;
    this.listeners = listeners;
    this.wait = 500;
    this.heardAt = Date.now();
    this.open();
    setInterval(() => this.check(), 5000);
    addEventListener("offline", () => this.listeners.connected?.(false));
    addEventListener("online", () => this.open());
    addEventListener("pageshow", () => this.check());
    document.addEventListener("visibilitychange", () => this.check());
  }

  open() {
    this.source?.close();
    this.source = new EventSource(`/live?after=${this.seq}`);
    this.heardAt = Date.now();
    this.source.onopen = () => {
      this.wait = 500;
      this.heardAt = Date.now();
      this.listeners.connected?.(true);
    };
    this.source.onerror = () => {
      this.listeners.connected?.(false);
      // on a refused answer the browser gives up: we do not
      if (this.source.readyState === EventSource.CLOSED) this.later();
    };
    for (const name of ["log", "presence", "typing", "due", "ping", "reset", "signed_out"]) {
      this.source.addEventListener(name, (event) => this.hear(name, event));
    }
  }

  hear(name, event) {
    this.heardAt = Date.now();
    if (name === "log") {
      const seq = Number(event.lastEventId);
      if (seq <= this.seq) return;
      this.seq = seq;
    }
    this.listeners[name]?.(JSON.parse(event.data));
  }

  check() {
    const isDead = Date.now() - this.heardAt > SILENCE_MS;
    if (document.visibilityState !== "visible" || !isDead) return;
    this.listeners.connected?.(false);
    this.open();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.wait * (0.5 + Math.random()));
    this.wait = Math.min(this.wait * 2, 15_000);
  }
}
