"""Texts out of files and web pages, as Markdown: what a reader sees, nothing that is hidden from him.

Whoever puts words into a page that no eye sees (white on white aside) speaks to machines: those words are left out.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from html import unescape
from pathlib import PurePath
from urllib.parse import urldefrag, urljoin, urlsplit

from app.errors import Invalid
from app.i18n import _
from app.text import mended, plain

TEXT_LIMIT = 500_000  # characters of one document
PAGES_LIMIT = 1000  # of a PDF
UNPACKED_LIMIT = 200 * 1024 * 1024  # bytes of an unpacked DOCX
_HIDDEN = (
    "//script|//style|//noscript|//template|//iframe|//*[@hidden]|//*[@aria-hidden='true']"
    "|//*[contains(translate(@style,'ABCDEFGHIJKLMNOPQRSTUVWXYZ ','abcdefghijklmnopqrstuvwxyz'),'display:none')]"
    "|//*[contains(translate(@style,'ABCDEFGHIJKLMNOPQRSTUVWXYZ ','abcdefghijklmnopqrstuvwxyz'),'visibility:hidden')]"
    "|//*[contains(translate(@style,'ABCDEFGHIJKLMNOPQRSTUVWXYZ ','abcdefghijklmnopqrstuvwxyz'),'font-size:0')]|//comment()"
)


@dataclass(frozen=True)
class Text:
    """A title and Markdown."""

    title: str
    content: str


def of_file(data: bytes, name: str) -> Text:
    """The text of a PDF, DOCX, Markdown or plain text file. Invalid when it is something else, broken, or holds no words."""
    suffix = PurePath(name).suffix.lower()
    try:
        if data.startswith(b"%PDF"):
            content = _pdf(data)
        elif suffix == ".docx":
            content = _docx(data)
        elif suffix in {".md", ".markdown", ".txt", ""}:
            content = _decoded(data)
        else:
            raise Invalid("file", _("Captain reads PDF, DOCX, Markdown and text files."))
    except Invalid:
        raise
    except Exception as broken:
        raise Invalid("file", _("This file cannot be read: it is broken, or locked by a password.")) from broken
    content = mended(content, TEXT_LIMIT).strip()
    if not content:
        raise Invalid("file", _("There are no words in this file: perhaps it holds pictures of pages."))
    return Text(_heading(content) or PurePath(name).stem, content)


def of_page(data: bytes, url: str) -> Text | None:
    """The article of a web page without what stands around it; None when there is none."""
    # here, so that processes that read no pages do not load it
    import lxml.html
    import trafilatura

    if not data.strip():
        return None
    parser = lxml.html.HTMLParser(encoding=_charset(data))  # type: ignore[no-untyped-call]
    tree = lxml.html.document_fromstring(data, parser=parser)  # type: ignore[no-untyped-call]
    for element in tree.xpath(_HIDDEN):
        element.drop_tree()
    title = " ".join((tree.findtext(".//h1") or tree.findtext(".//title") or "").split())
    seen = lxml.html.tostring(tree, encoding="unicode")  # type: ignore[no-untyped-call]
    # the careful way keeps lists as lists; where it finds too little, the one that takes all in
    content = trafilatura.extract(seen, url=url, output_format="markdown", include_comments=False, favor_precision=True)
    if len(content or "") < len(title) + 80:
        content = trafilatura.extract(
            seen, url=url, output_format="markdown", include_comments=False, favor_recall=True
        )
    content = mended(content or "", TEXT_LIMIT).strip()
    return Text(mended(title, 255) or url, content) if content else None


def addresses(sitemap: bytes, base: str) -> tuple[list[str], list[str]]:
    """(pages, further sitemaps) that a sitemap names on its own host, in order, each once. https://www.sitemaps.org/"""
    words = sitemap.decode("utf-8", "replace")
    found = [
        urldefrag(urljoin(base, unescape(one.strip()))).url for one in re.findall(r"<loc>([^<]{1,2048})</loc>", words)
    ]
    near = [one for one in dict.fromkeys(found) if urlsplit(one).hostname == urlsplit(base).hostname]
    return ([], near) if "<sitemapindex" in words else (near, [])


def _pdf(data: bytes) -> str:
    from pypdf import PdfReader

    pages = PdfReader(io.BytesIO(data)).pages
    texts, size = [], 0
    for page in pages[:PAGES_LIMIT]:
        texts.append(_joined(page.extract_text()))
        size += len(texts[-1])
        if size > TEXT_LIMIT:
            break
    return "\n\n".join(texts)


def _joined(page: str) -> str:
    """Lines of a printed page as paragraphs: a line that ends a sentence, or is short, ends one."""
    paragraphs: list[str] = []
    for line in (line.strip() for line in page.splitlines()):
        before = paragraphs[-1] if paragraphs else ""
        goes_on = before and line and not re.search(r"[.!?:;]$", before) and not re.match(r"([•·▪–—-]|\d+[.)])\s", line)
        if goes_on and len(before) > 40:
            paragraphs[-1] = before[:-1] + line if before.endswith("\u00ad") else f"{before} {line}"
        elif line:
            paragraphs.append(line)
    return "\n\n".join(paragraphs)


def _docx(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > UNPACKED_LIMIT:
            raise Invalid("file", _("This file is too large."))
    from docx import Document
    from docx.table import Table

    lines: list[str] = []
    for block in Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(block, Table):
            lines += [" — ".join(dict.fromkeys(cell.text.strip() for cell in row.cells)) for row in block.rows]
            continue
        style, words = (block.style.name or "") if block.style else "", block.text.strip()
        level = re.match(r"(?:Heading|Заголовок) (\d)", style)
        if words and (level or style == "Title"):
            words = "#" * (int(level[1]) if level else 1) + " " + words
        elif words and style.startswith("List"):
            words = f"{'1.' if 'Number' in style else '-'} {words}"
        lines.append(words)
    return "\n\n".join(lines).replace("\n\n- ", "\n- ").replace("\n\n1. ", "\n1. ")


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1251"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid("file", _("This is not a text file."))


def _charset(data: bytes) -> str | None:
    """What the page says of itself; None leaves it to the parser, which takes UTF-8 for what is."""
    said = re.search(rb"charset=[\"']?([\w-]{3,20})", data[:4096])
    if said is not None:
        return said[1].decode()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _heading(markdown: str) -> str:
    found = re.match(r"#{1,3} (.+)", markdown)
    return plain(found[1], 255) if found else ""
