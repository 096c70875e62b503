"""An article cut into passages: small enough to be found by one thought, whole enough to be quoted."""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from captain.text import sanitise, sentences

LENGTH = 300  # characters of a passage: of 900, 500 and 300 the shortest found most facts, and lost no support question
OPENING = 40  # characters of a text's beginning; a title of so many that the text begins with names nothing
WHOLE = 700  # characters of a list, or of a short article, that is quoted in one piece

_BULLET = re.compile(r"^\s*(\d+[.)]|[•·▪‣*\-–—])\s")
_markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@dataclass(frozen=True)
class Passage:
    """A piece of an article. `text` is plain: blocks apart by an empty line, list items begin with `1.` or `•`."""

    heading: str  # headings above it inside the article, joined by " — "
    text: str
    position: int  # 0, 1, 2 … in the article
    content_hash: str  # of all that is embedded: embed again when it changes, and only then
    prefix: str  # "title — heading"
    is_whole: bool  # `text` is all the article says; each of its passages has it, and is read by another part
    read: str  # the part of `text` that is found by
    in_place: tuple[str, ...]  # what the model reads of each sentence of `text`; none where there is but one

    @property
    def sentences_hash(self) -> str:
        """Of `in_place`; empty without any."""
        return _digest("\n".join(self.in_place)) if self.in_place else ""

    @property
    def embedded(self) -> str:
        """What the model reads. Without the title it finds half as much."""
        return f"{self.prefix}\n{self.read}" if self.prefix else self.read


@dataclass(frozen=True)
class Block:
    """A paragraph, list, table or code block as plain text."""

    text: str

    @property
    def is_list(self) -> bool:
        """Whether it stands in lines (items, rows, code) and loses its sense when some are left out."""
        return "\n" in self.text


def passages(title: str, markdown: str) -> list[Passage]:
    """The article's passages in order: ≤ LENGTH characters; ≤ WHOLE for a list with its introduction.

    A passage never crosses a heading, so an edit under one heading leaves the passages of all others as they were.
    An article of one section and ≤ WHOLE characters is quoted whole, by whichever of its parts it is found. An article
    without text has no passages.
    """
    title = sanitise(title)
    sections = list(_sections(title, markdown))
    pieces = [(heading, text) for heading, found in sections for text in _pack(found)]
    title = "" if pieces and _begins(pieces[0][1], title) else title
    whole = "\n\n".join(block.text for block in sections[0][1]) if len(sections) == 1 else ""
    is_whole = 0 < len(whole) <= WHOLE
    first = next((said for _, text in pieces for _, said in told(text)), "")
    return [
        _passage(title, heading, whole if is_whole else read, read, position, first, is_whole=is_whole)
        for position, (heading, read) in enumerate(pieces)
    ]


def told(text: str) -> list[tuple[Block, str]]:
    """The sentences of a passage's text, in order, each with the block it stands in."""
    return [(block, said) for block in blocks(text) for said in sentences(block.text)]


def in_place(prefix: str, said: str, first: str) -> str:
    """A sentence under its title, or after the beginning of the article's `first` one where there is none: alone it
    rarely says what it is about."""
    opening = "" if said == first else first[:OPENING].rpartition(" ")[0]
    return f"{prefix or opening}\n{said}".lstrip()


def _begins(text: str, title: str) -> bool:
    start = title.rstrip(".… ").casefold()
    return len(start) >= OPENING and text.casefold().startswith(start)


def blocks(text: str) -> list[Block]:
    """The blocks of a passage's text, each list together with the line that introduces it."""
    return _introduced(Block(part) for part in text.split("\n\n") if part.strip())


def _passage(title: str, heading: str, text: str, read: str, position: int, first: str, *, is_whole: bool) -> Passage:
    prefix = " — ".join(part for part in (title, heading) if part)
    single = tuple(in_place(prefix, said, first) for _, said in told(text))
    return Passage(
        heading, text, position, _digest(f"{prefix}\n{read}"), prefix, is_whole, read, single if len(single) > 1 else ()
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# -- Markdown to sections of plain blocks


def _sections(title: str, markdown: str) -> Iterator[tuple[str, list[Block]]]:
    """(heading path, blocks) in order, without those that hold nothing. A first heading that repeats the title is none."""
    path: dict[int, str] = {}
    collected: list[Block] = []
    for node in SyntaxTreeNode(_markdown.parse(sanitise(markdown))).children:
        if node.type != "heading":
            collected.extend(_blocks(node))
            continue
        if collected:
            yield _join(path, title), collected
        level, collected = int(node.tag[1]), []
        path = {above: name for above, name in path.items() if above < level} | {level: _inline(node.children[0])}
    if collected:
        yield _join(path, title), collected


def _join(path: dict[int, str], title: str) -> str:
    return " — ".join(name for name in path.values() if name and name.casefold() != title.casefold())


def _blocks(node: SyntaxTreeNode) -> Iterator[Block]:
    if node.type == "blockquote":
        for child in node.children:
            yield from _blocks(child)
        return
    text = "\n".join(line for line in _lines(node) if line.strip())
    if text:
        yield Block(text)


def _lines(node: SyntaxTreeNode) -> Iterator[str]:
    """The plain lines of a block: items numbered or bulleted and indented, code as it is."""
    match node.type:
        case "bullet_list" | "ordered_list":
            yield from _items(node)
        case "fence" | "code_block":
            yield from node.content.rstrip("\n").split("\n")
        case "html_block":
            yield from _visible(node.content)
        case "table":
            yield from _rows(node)
        case "paragraph":
            yield _inline(node.children[0])
        case _:
            for child in node.children:
                yield from _lines(child)


def _items(node: SyntaxTreeNode) -> Iterator[str]:
    first = int(node.attrs.get("start", 1))
    for number, item in enumerate(node.children, first):
        mark = f"{number}." if node.type == "ordered_list" else "•"
        lines = [line for child in item.children for line in _lines(child)] or [""]
        yield f"{mark} {lines[0]}"
        yield from (f"  {line}" for line in lines[1:])


def _rows(table: SyntaxTreeNode) -> Iterator[str]:
    """Each row by itself says what it says: `Пальто: Цена — 2 290; Срок — 5`. Cells that are empty, or a dash, say nothing."""
    columns, *rows = ([_inline_of(cell) for cell in row.children] for part in table.children for row in part.children)
    for row in rows:
        told = [
            f"{column} — {cell}" if column else cell
            for column, cell in zip(columns[1:], row[1:], strict=False)
            if cell.strip("-–— ")
        ]
        yield ": ".join(part for part in (row[0], "; ".join(told)) if part)
    if not rows:
        yield " — ".join(filter(None, columns))


def _inline_of(cell: SyntaxTreeNode) -> str:
    return _inline(cell.children[0]) if cell.children else ""


def _inline(node: SyntaxTreeNode) -> str:
    """Words without markup. Links keep their text, pictures their description; items typed as plain lines stay lines."""
    parts: list[str] = []
    tokens = node.token.children or [] if node.token else []
    for i, token in enumerate(tokens):
        parts.append(_word(token, tokens[i + 1] if i + 1 < len(tokens) else None))
    return re.sub(r"[ \t]+", " ", "".join(parts)).strip()


def _word(token: Token, following: Token | None) -> str:
    if token.type == "hardbreak":
        return "\n"
    if token.type == "softbreak":
        return "\n" if following is not None and _BULLET.match(following.content) else " "
    if token.type == "html_inline":
        return "\n" if token.content.lower().startswith("<br") else ""
    return token.content


def _visible(html: str) -> list[str]:
    """The lines a reader of the HTML sees."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (re.sub(r"\s+", " ", line).strip() for line in "".join(reader.parts).splitlines())
    return [line for line in lines if line]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in ("script", "style")
        if tag in ("p", "br", "div", "li", "tr", "ul", "ol", "h1", "h2", "h3", "h4"):
            self.parts.append("\n• " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style") and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data.replace("\n", " "))


# -- blocks to passages


def _pack(found: list[Block]) -> Iterator[str]:
    """The blocks of one section, joined while they fit; all in one piece when they fit together."""
    whole = "\n\n".join(block.text for block in found)
    if len(whole) <= LENGTH:
        yield whole
        return
    packed = ""
    for piece in (piece for block in _introduced(found) for piece in _cut(block)):
        if packed and len(packed) + 2 + len(piece) > LENGTH:
            yield packed
            packed = ""
        packed = f"{packed}\n\n{piece}" if packed else piece
    yield packed


def _introduced(found: Iterable[Block]) -> list[Block]:
    """Each list together with the line that introduces it ("Чтобы подключить:"), where the two fit."""
    joined: list[Block] = []
    for block in found:
        above = joined[-1] if joined else None
        if above and block.is_list and _introduces(above) and len(above.text) + 2 + len(block.text) <= WHOLE:
            joined[-1] = Block(f"{above.text}\n\n{block.text}")
        else:
            joined.append(block)
    return joined


def _introduces(block: Block) -> bool:
    return not block.is_list and block.text.rstrip().endswith(":")


def _cut(block: Block) -> Iterator[str]:
    """Pieces of a block that is too long: a list between items, prose between sentences, a monster between words."""
    if len(block.text) <= (WHOLE if block.is_list else LENGTH):
        yield block.text
        return
    separator, units = ("\n", _whole_items(block.text)) if block.is_list else (" ", sentences(block.text))
    even = len(block.text) / math.ceil(len(block.text) / LENGTH)  # no last piece of three words
    packed = ""
    for unit in (part for long in units for part in _wrap(long)):
        if packed and (len(packed) + 1 + len(unit) > LENGTH or len(packed) + len(unit) / 2 > even):
            yield packed
            packed = ""
        packed = f"{packed}{separator}{unit}" if packed else unit
    yield packed


def _whole_items(text: str) -> list[str]:
    """The list's items, each with the indented lines under it; the introducing line goes with the first."""
    items: list[str] = []
    for line in text.splitlines():
        if items and (not line.strip() or line.startswith(" ") or items[-1].rstrip().endswith(":")):
            items[-1] += f"\n{line}"
        else:
            items.append(line)
    return items


def _wrap(unit: str) -> Iterator[str]:
    """The unit in parts of at most LENGTH characters, cut at spaces where there are any."""
    while len(unit) > LENGTH:
        cut = unit.rfind(" ", LENGTH // 2, LENGTH) + 1 or LENGTH
        yield unit[:cut].rstrip()
        unit = unit[cut:]
    yield unit
