"""Text that people write: checked at the door, mended when it comes from a provider, rendered safely everywhere."""

import re
from functools import cache
from html import unescape
from typing import Any

import nh3
from markdown_it import MarkdownIt

from app.errors import Invalid
from app.i18n import _, ngettext

CONTENT_LIMIT = 150_000
NAME_LIMIT = 255
ATTRIBUTES_LIMIT = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CITATION = re.compile(r"\[(\d{1,2})\]")
# Nobody wants 300 000 ₽ or 50 % on two lines
_IN_ONE = re.compile(r"(?<=\d) (?=\d{3}(?!\d)|[%₽°])")
_TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "h2", "h3", "h4",
         "table", "thead", "tbody", "tr", "th", "td", "img"}  # fmt: skip


def checked(field: str, value: object, limit: int = CONTENT_LIMIT, *, required: bool = False) -> str:
    """`value` if it is text we can keep, stripped. Invalid when it is not text, too long, empty though `required`, or
    holds NUL or half a character."""
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise Invalid(field, _("This must be text."))
    if "\x00" in value or not _is_whole(value):
        raise Invalid(field, _("This text holds characters that cannot be stored."))
    value = value.strip()
    if len(value) > limit:
        raise Invalid(
            field,
            ngettext(
                "This is too long: %(n)s character at most.", "This is too long: %(n)s characters at most.", limit
            ),
        )
    if required and not value:
        raise Invalid(field, _("This must not be empty."))
    return value


def mended(value: str, limit: int = CONTENT_LIMIT) -> str:
    """What a provider sent, made storable: nothing is refused that a customer wrote."""
    return _CONTROL.sub("", value).encode("utf-8", "replace").decode()[:limit]


def with_room(kept: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """`more` custom attributes, if they find room beside those kept. Invalid when nobody could read them all any more."""
    if len(kept.keys() | more.keys()) > ATTRIBUTES_LIMIT:
        raise Invalid("custom_attributes", _("These are too many attributes."))
    return more


def to_html(markdown: str) -> str:
    """Markdown as safe HTML: known tags, links that open apart and pass nothing on, no scripts, no styles."""
    return _safe(_renderer().render(markdown))


def cited_html(markdown: str, sources: int, prefix: str) -> str:
    """As `to_html`, with each [1] to [`sources`] a link to the source below, whose id is `prefix` and the number."""

    def link(found: re.Match[str]) -> str:
        number = int(found[1])
        return f'<a class="cite" href="#{prefix}{number}">{number}</a>' if 1 <= number <= sources else found[0]

    return _CITATION.sub(link, _IN_ONE.sub("\u00a0", to_html(markdown)))


def article_html(markdown: str) -> str:
    """An article's Markdown: images too, and headings with anchors are the portal's business."""
    return _safe(_article_renderer().render(markdown), _TAGS | {"h1"})


def plain(markdown: str, limit: int | None = None) -> str:
    """The words alone, on one line; cut at `limit` characters with an ellipsis."""
    words = " ".join(unescape(nh3.clean(_renderer().render(markdown), tags=set())).split())
    return words if limit is None or len(words) <= limit else words[: limit - 1].rstrip() + "…"


def folded(value: str) -> str:
    """As we compare and sort: lower case, ё as е."""
    return value.lower().replace("ё", "е")


def _is_whole(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _safe(html: str, tags: set[str] = _TAGS) -> str:
    return nh3.clean(
        html,
        tags=tags,
        attributes={
            "a": {"href", "title"},
            "img": {"src", "alt", "title"},
            "code": {"class"},
            "th": {"align"},
            "td": {"align"},
        },
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )


@cache
def _renderer() -> MarkdownIt:
    return (
        MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
        .enable(["strikethrough"])
        .disable("image")
    )


@cache
def _article_renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
