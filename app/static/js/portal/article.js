/* <kp-article data-views="…/views">: the table of contents follows the reader; a page that is looked at counts as read. */
const LOOKED_AT = 3000;

class Article extends HTMLElement {
  connectedCallback() {
    this.fold();
    this.follow();
    this.count();
  }

  disconnectedCallback() {
    this.watcher?.disconnect();
  }

  /** On a narrow screen the contents would stand before the article: there they wait behind their title. */
  fold() {
    const contents = this.querySelector(".toc details");
    if (contents && matchMedia("(width < 60rem)").matches) contents.open = false;
  }

  follow() {
    const links = new Map([...this.querySelectorAll(".toc a")].map((link) => [link.hash.slice(1), link]));
    const headings = [...this.querySelectorAll(".prose :is(h2, h3)[id]")].filter(({ id }) => links.has(id));
    const mark = () => {
      const line = innerHeight / 3;
      const isEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
      const above = headings.filter((heading) => heading.getBoundingClientRect().top < line);
      const current = (isEnd ? headings : above).at(-1);
      for (const [id, link] of links) {
        if (id === current?.id) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    };
    this.watcher = new IntersectionObserver(mark, { rootMargin: "0px 0px -66% 0px" });
    headings.forEach((heading) => this.watcher.observe(heading));
  }

  count() {
    const look = () => document.visibilityState === "visible" && navigator.sendBeacon(this.dataset.views);
    setTimeout(() => {
      if (document.visibilityState === "visible") look();
      else document.addEventListener("visibilitychange", look, { once: true });
    }, LOOKED_AT);
  }
}

customElements.define("kp-article", Article);
