"""An article's Markdown as the page shows it: anchors on headings, links that stay in the help center, safe pictures."""

import re
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

from markupsafe import Markup
from slugify import slugify

from app.text import article_html

_HEADINGS = {"h2", "h3"}
# The page's own title is the only h1
_TOP = {"h1": "h2"}
_WORDS_PER_MINUTE = 180
_NEIGHBOUR = re.compile(r"[\w-]+(#[\w-]*)?")


@dataclass(frozen=True)
class Heading:
    """A heading one can link to: level 2 or 3."""

    level: int
    id: str
    words: str


@dataclass(frozen=True)
class Text:
    """The article's HTML, its headings in order, and how many minutes it takes to read."""

    html: Markup
    headings: list[Heading]
    minutes: int


def render(markdown: str, base: str) -> Text:
    """The article for its page; links like `[x](slug)` lead to `base` + slug."""
    page = _Page(base)
    page.feed(article_html(markdown))
    page.close()
    html = "".join(page.parts)
    # what _Page writes beside the safe HTML it reads, it escapes
    return Text(Markup(html), page.headings, max(1, round(len(markdown.split()) / _WORDS_PER_MINUTE)))  # noqa: S704


class _Page(HTMLParser):
    """Reads HTML that is safe already, and writes it again with what a page needs."""

    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=False)
        self.base = base
        self.parts: list[str] = []
        self.headings: list[Heading] = []
        self.heading_at: int | None = None
        self.heading_words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        tag = _TOP.get(tag, tag)
        if tag == "a":
            self.parts.append(self._link(given))
        elif tag == "img":
            self.parts.append(self._picture(given))
        elif tag == "pre":
            self.parts.append('<pre tabindex="0">')
        else:
            self.parts.append(_tag(tag, given))
        if tag in _HEADINGS:
            self.heading_at, self.heading_words = len(self.parts) - 1, []

    def handle_endtag(self, tag: str) -> None:
        tag = _TOP.get(tag, tag)
        if tag in _HEADINGS and self.heading_at is not None:
            self.parts[self.heading_at] = self._heading(tag)
            self.heading_at = None
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._write(data)

    def handle_entityref(self, name: str) -> None:
        self._write(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._write(f"&#{name};")

    def _write(self, html: str) -> None:
        self.parts.append(html)
        if self.heading_at is not None:
            self.heading_words.append(html)

    def _heading(self, tag: str) -> str:
        words = Markup("".join(self.heading_words)).unescape()  # noqa: S704  it is text from now on
        base = slugify(words, max_length=60, word_boundary=True) or "section"
        taken = {heading.id for heading in self.headings}
        anchor = next(name for name in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if name not in taken)
        self.headings.append(Heading(int(tag[1]), anchor, words))
        link = f'<a class="anchor" href="#{anchor}" aria-label="{escape(words)}">#</a>'
        return f'<{tag} id="{anchor}">{link}'

    def _link(self, given: dict[str, str]) -> str:
        href = given.get("href", "")
        is_inside = _NEIGHBOUR.fullmatch(href) is not None
        if is_inside:
            given = {**given, "href": self.base + href}
        if is_inside or href.startswith("#"):
            given.pop("rel", None)
        return _tag("a", given)

    def _picture(self, given: dict[str, str]) -> str:
        source = given.get("src", "")
        is_ours = source.startswith("/") and not source.startswith(("//", "/\\"))
        if not is_ours and not source.startswith("https://"):
            return escape(given.get("alt", ""))
        return _tag("img", {**given, "loading": "lazy", "decoding": "async"})


def _tag(name: str, attributes: dict[str, str]) -> str:
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>"
