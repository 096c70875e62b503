// The list of conversations: rows follow the log. What the eye or the cursor is on never moves; news waits above.

import { debounced, elements, part, renew, steadyPart } from "./wire.js";

const soon = debounced(80);

export class List {
  constructor(root, words) {
    this.root = root;
    this.words = words;
    this.waiting = new Set();
    root.addEventListener("click", (event) => this.click(event));
  }

  get rows() {
    return this.root.querySelector("#conversations");
  }

  get parameters() {
    return this.root.dataset.parameters;
  }

  /** Something happened to this conversation: show its row as it is now. */
  hear(displayId) {
    soon(displayId, () => this.refresh(displayId));
    soon("counts", () => this.count());
  }

  async refresh(displayId) {
    const old = document.getElementById(`conversation_${displayId}`);
    let row;
    try {
      [row] = await steadyPart(`/conversations/${displayId}/row?${this.parameters}`);
    } catch {
      return;
    }
    if (!row) return this.take(old);
    if (document.querySelector(`#thread[data-display-id="${displayId}"]`)) this.mark(row);
    const isNewer = Number(row.dataset.activity) > this.newest(displayId);
    if (old && (!isNewer || this.isWatched())) renew(old, row);
    else if (this.isWatched()) this.announce(displayId);
    else this.place(row, old);
  }

  place(row, old) {
    old?.remove();
    this.rows.querySelector(".empty")?.remove();
    const after = [...this.rows.querySelectorAll("[data-activity]")].find(
      (other) => Number(other.dataset.activity) < Number(row.dataset.activity),
    );
    if (after) after.before(row);
    else this.rows.querySelector(".list__more") ? this.rows.querySelector(".list__more").before(row) : this.rows.append(row);
  }

  /** A row that no longer belongs here goes, unless it is the one being read. */
  take(row) {
    if (row && !row.querySelector("[aria-current]")) row.remove();
  }

  newest(except) {
    const others = [...this.rows.querySelectorAll("[data-activity]")].filter((row) => row.dataset.displayId !== String(except));
    return Math.max(0, ...others.map((row) => Number(row.dataset.activity)));
  }

  isWatched() {
    return this.rows.scrollTop > 40 || this.rows.matches(":hover") || this.rows.contains(document.activeElement);
  }

  announce(displayId) {
    this.waiting.add(displayId);
    const news = this.root.querySelector("#news");
    news.hidden = false;
    news.querySelector("span").textContent = this.words.news.replace("%(n)s", this.waiting.size);
  }

  async count() {
    const [tabs] = await steadyPart(`/conversations/counts?${this.parameters}`).catch(() => []);
    if (tabs) this.root.querySelector("#tabs")?.replaceWith(tabs);
  }

  /** The whole list anew: after `reset`, or when the person asks for the news. */
  async reload() {
    const [list] = await part(`/conversations/list?${this.parameters}`).catch(() => []);
    if (!list) return;
    this.waiting.clear();
    for (const id of ["tabs", "news", "conversations"]) this.root.querySelector(`#${id}`)?.replaceWith(list.querySelector(`#${id}`));
    this.select(document.getElementById("thread")?.dataset.displayId);
  }

  select(displayId) {
    for (const link of this.rows.querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
    const row = document.getElementById(`conversation_${displayId}`);
    if (row) this.mark(row);
  }

  mark(row) {
    row.classList.remove("conversation-row--unread");
    row.querySelector(".conversation-row__link").setAttribute("aria-current", "true");
  }

  /** The row before or after the one being read. */
  beside(step) {
    const links = [...this.rows.querySelectorAll(".conversation-row__link")];
    const at = links.findIndex((link) => link.hasAttribute("aria-current"));
    return links[at < 0 ? 0 : at + step];
  }

  async click(event) {
    if (event.target.closest("#news")) {
      this.rows.scrollTop = 0;
      return this.reload();
    }
    const more = event.target.closest("[data-more]");
    if (!more) return;
    event.preventDefault();
    const response = await fetch(more.href, { headers: { "X-Part": "true" } });
    if (response.ok) more.closest("li").replaceWith(...elements(await response.text()));
  }
}
