import * as blobs from "./blobs.js";
import { Refused } from "./api.js";

const PAUSES_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];

/** What the visitor has written and the server has not acknowledged. Kept by the browser, sent in order, repeated until
    it is acknowledged; the server knows each by its echo_id, so repeating never doubles it. */
export class Outbox {
  constructor(memory, send, changed) {
    Object.assign(this, { memory, send, changed, tries: 0, isBusy: false });
    for (const name of ["online", "focus"]) addEventListener(name, () => this.flush());
  }

  get entries() {
    const kept = this.memory.names("out:").map((name) => this.memory.get(name));
    return kept.filter(Boolean).sort((one, other) => one.at - other.at);
  }

  get isWaiting() {
    return this.entries.some((entry) => entry.state === "waiting");
  }

  async add({ content, files, isNew, replyTo }) {
    const entry = {
      echo_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`,
      at: Math.max(Date.now(), (this.entries.at(-1)?.at ?? 0) + 1),
      content,
      files: files.map(({ name, type, size }) => ({ name, type, size })),
      is_new: Boolean(isNew),
      url: this.url || "",
      state: "waiting",
    };
    // first the files: an entry must never be sent without them
    if (files.length) await blobs.keep(entry.echo_id, files);
    this.memory.set(`out:${entry.echo_id}`, entry);
    this.changed();
    this.flush();
  }

  /** It stands in the thread: nothing to send any more. */
  done(echoId) {
    if (!echoId || !this.memory.get(`out:${echoId}`)) return;
    this.memory.remove(`out:${echoId}`);
    blobs.remove(echoId);
    this.changed();
  }

  retry(echoId) {
    this.mark(echoId, { state: "waiting", reason: "" });
    this.tries = 0;
    this.flush();
  }

  mark(echoId, changes) {
    const entry = this.memory.get(`out:${echoId}`);
    if (entry) this.memory.set(`out:${echoId}`, { ...entry, ...changes });
    this.changed();
  }

  flush() {
    clearTimeout(this.timer);
    if (this.isBusy) return;
    this.isBusy = true;
    this.alone(() => this.sendAll()).catch(() => PAUSES_MS[0]).then((pause) => this.rest(pause));
  }

  /** One tab at a time, where the browser sees to that; where it does not, or may not in a frame, the server does. */
  async alone(work) {
    let isAtWork = false;
    const begin = () => {
      isAtWork = true;
      return work();
    };
    try {
      return await navigator.locks.request(`${this.memory.prefix}out`, begin);
    } catch (problem) {
      if (isAtWork) throw problem;
      return work();
    }
  }

  rest(pause) {
    this.isBusy = false;
    this.changed();
    // without a pause: something was added just as we were done
    if (this.isWaiting) this.timer = setTimeout(() => this.flush(), pause);
  }

  /** Resolves to how long to wait before the next try, 0 when all is sent. */
  async sendAll() {
    for (;;) {
      const entry = this.entries.find((one) => one.state === "waiting");
      if (!entry) return 0;
      const pause = await this.sendOne(entry);
      if (pause) return pause;
      this.tries = 0;
    }
  }

  async sendOne(entry) {
    const files = entry.files.length ? await blobs.find(entry.echo_id) : [];
    if (!files) {
      this.mark(entry.echo_id, { state: "failed", reason: "file_gone" });
      return 0;
    }
    try {
      await this.send(entry, files);
      this.done(entry.echo_id);
      return 0;
    } catch (problem) {
      const isFinal = problem instanceof Refused && !problem.isPassing;
      if (isFinal) this.mark(entry.echo_id, { state: "failed", reason: problem.reason });
      return isFinal ? 0 : this.pause(problem);
    }
  }

  pause(problem) {
    const usual = PAUSES_MS[Math.min(this.tries++, PAUSES_MS.length - 1)];
    return Math.max(problem.wait || 0, usual * (0.8 + Math.random() * 0.4));
  }
}
