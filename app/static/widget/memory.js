/** What this browser keeps of one inbox: token, draft, outbox. A browser that keeps nothing for a frame of another site is
    helped by the page around it: `lend` is told of every change, and gives it back with the next `borrow`. */
export class Memory {
  constructor(key, lend = () => {}) {
    this.prefix = `kulpunai:${key}:`;
    this.lend = lend;
    try {
      localStorage.setItem(`${this.prefix}try`, "1");
      localStorage.removeItem(`${this.prefix}try`);
      this.place = localStorage;
    } catch {
      this.place = null;
    }
    this.own = new Map();
  }

  get(name) {
    try {
      const kept = this.own.get(name) ?? this.place?.getItem(this.prefix + name);
      return kept ? JSON.parse(kept) : null;
    } catch {
      return null;
    }
  }

  set(name, value) {
    const text = JSON.stringify(value);
    try {
      if (!this.place) throw new Error("nothing is kept here");
      this.place.setItem(this.prefix + name, text);
      this.own.delete(name);
    } catch {
      this.own.set(name, text); // full, or forbidden
      this.lend(Object.fromEntries(this.own));
    }
  }

  remove(name) {
    if (this.own.delete(name)) this.lend(Object.fromEntries(this.own));
    this.place?.removeItem(this.prefix + name);
  }

  borrow(lent) {
    if (!this.place) this.own = new Map(Object.entries(lent ?? {}));
  }

  /** The names that begin so. */
  names(beginning) {
    const kept = this.place ? Object.keys(this.place).filter((name) => name.startsWith(this.prefix)) : [];
    const all = new Set([...kept.map((name) => name.slice(this.prefix.length)), ...this.own.keys()]);
    return [...all].filter((name) => name.startsWith(beginning));
  }

  forget() {
    for (const name of this.names("")) this.remove(name);
  }

  /** Tell of what other tabs change: listener(name, value or null). */
  watch(listener) {
    addEventListener("storage", (event) => {
      if (event.key?.startsWith(this.prefix)) listener(event.key.slice(this.prefix.length), event.newValue ? JSON.parse(event.newValue) : null);
    });
  }
}
