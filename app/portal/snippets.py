"""How an article begins, or where it says what somebody looks for, with those words marked."""

import re

from markupsafe import Markup, escape

from app.help_center.queries import Listed
from app.text import folded, plain

_WORD = re.compile(r"\w+")
_LENGTH, _BEFORE = 200, 60
# What is left of Markdown when it is cut in the middle of a table or of something bold
_NOISE = re.compile(r"[|*]+|:?-{3,}:?|^#+", re.MULTILINE)
# A stem and the longest ending that is still the same word
_ENDING = 6


def snippet(article: Listed, stems: list[str]) -> Markup:
    """A line or two of the article as safe HTML: its beginning, or the place where it has one of the words."""
    beginning = plain(article.beginning, _LENGTH)
    if not article.content or _first(beginning, stems) is not None:
        return marked(beginning, stems)
    hit = _first(article.content, stems)
    if hit is None:
        return marked(beginning, stems)
    # of the Markdown only what is needed becomes text: an article may be long
    start = article.content.rfind("\n", 0, hit) + 1 if hit < _LENGTH else _word_before(article.content, hit - _BEFORE)
    words = plain(_NOISE.sub(" ", article.content[start : start + 3 * _LENGTH]))
    return Markup("{}{}").format("…" if start else "", marked(words, stems, _LENGTH))


def marked(text: str, stems: list[str], limit: int | None = None) -> Markup:
    """The text as safe HTML, cut at `limit` letters, the words that begin with one of `stems` in <mark>."""
    cut = text if limit is None or len(text) <= limit else _whole(text[:limit]) + "…"
    parts, at = [Markup("")], 0
    for found in _WORD.finditer(cut):
        if _begins(found[0], stems):
            parts += [escape(cut[at : found.start()]), Markup("<mark>{}</mark>").format(found[0])]
            at = found.end()
    return Markup("").join([*parts, escape(cut[at:])])


def _whole(text: str) -> str:
    """Without the word that was cut in two, and without what led to it."""
    return (text.rsplit(" ", 1)[0] if " " in text else text[:-1]).rstrip(" ,;:.—–-(«+")


def _first(text: str, stems: list[str]) -> int | None:
    return next((found.start() for found in _WORD.finditer(text) if _begins(found[0], stems)), None)


def _begins(word: str, stems: list[str]) -> bool:
    small = folded(word)
    return any(small.startswith(stem) and len(small) - len(stem) <= _ENDING for stem in stems)


def _word_before(text: str, at: int) -> int:
    space = text.find(" ", at)
    return space + 1 if space >= 0 else at
