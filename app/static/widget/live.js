const SILENCE_MS = 40_000; // the server says something every 15 s
const STREAM_SOON_MS = 4000;
const POLL_MS = 3000;
const PAUSES_MS = [500, 1000, 2000, 5000, 10_000, 30_000];

/** What happens in the visitor's conversations: read from the stream, asked for every 3 s while there is none. */
export class Live {
  constructor(api, { hear, poll, changed }) {
    Object.assign(this, { api, hear, poll, changed, seq: 0, isWanted: false, heardAt: 0, tries: 0 });
    addEventListener("online", () => this.again());
    addEventListener("offline", () => this.abort?.abort());
  }

  get isStreaming() {
    return Date.now() - this.heardAt < SILENCE_MS;
  }

  start() {
    if (this.isWanted) return;
    this.isWanted = true;
    this.startedAt = Date.now();
    this.timer = setInterval(() => this.mind(), POLL_MS);
    this.round = (this.round ?? 0) + 1;
    this.run(this.round);
  }

  stop() {
    this.isWanted = false;
    this.heardAt = 0;
    clearInterval(this.timer);
    this.again();
    this.abort?.abort();
  }

  /** Try at once, rather than when the pause is over. */
  again() {
    this.tries = 0;
    this.wake?.();
  }

  mind() {
    if (this.isStreaming || !navigator.onLine || Date.now() - this.startedAt < STREAM_SOON_MS) return;
    if (this.heardAt) this.abort?.abort(); // cut off without a word
    this.poll();
  }

  async run(round) {
    const isMine = () => this.isWanted && this.round === round;
    while (isMine()) {
      const pause = await this.stream().catch(() => 0);
      if (!isMine()) return;
      this.heardAt = 0;
      this.changed();
      const usual = PAUSES_MS[Math.min(this.tries++, PAUSES_MS.length - 1)];
      await new Promise((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, Math.max(pause, usual * (0.8 + Math.random() * 0.4)));
      });
    }
  }

  /** Resolves when the stream ends, to how long the server wants to be left in peace. */
  async stream() {
    this.abort = new AbortController();
    const headers = { Accept: "text/event-stream", "X-Auth-Token": this.api.token, "Last-Event-ID": String(this.seq) };
    const answer = await fetch(`/widget/live?${this.api.query}`, { headers, signal: this.abort.signal, cache: "no-store" });
    if (!answer.ok) return Number(answer.headers.get("Retry-After")) * 1000 || PAUSES_MS.at(-1);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return 0;
      const wasSilent = !this.isStreaming;
      this.heardAt = Date.now();
      this.tries = 0;
      if (wasSilent) this.changed();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) this.take(block);
    }
  }

  take(block) {
    const fields = {};
    for (const line of block.split("\n")) {
      const [, name, value] = line.match(/^(\w+): ?(.*)$/) || [];
      if (name) fields[name] = value;
    }
    if (fields.id) this.seq = Math.max(this.seq, Number(fields.id));
    if (fields.event && fields.event !== "ping") this.hear(fields.event, JSON.parse(fields.data || "{}"));
  }
}
