"""What a text must still say when it has been worded anew: its numbers, dates, addresses, names, and whether it denies."""

import re
from collections.abc import Iterable

from captain.text import Script, script, sentences, stems

_ADDRESS = re.compile(r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.-]*\w|\{\{.*?\}\}|@\w+", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_CAPITAL = re.compile(r"\b[A-ZА-ЯЁ][\w-]+")
_LATIN = re.compile(r"\b[A-Za-z][\w.+-]+\b")
_QUOTED = re.compile(r"[«“\"]([^«»“”\"\n]{2,60})[»”\"]")
_NOT = re.compile(r"\b(не|нет|нельзя|никогда|невозможно|without|not|no|never|cannot|\w+n't)\b", re.IGNORECASE)
_KIND_WORDS = re.compile(
    r"\bне (стесняйтесь|волнуйтесь|беспокойтесь|переживайте|сомневайтесь)|\b(don't|do not) (hesitate|worry)",
    re.IGNORECASE,
)
_COUNTED = frozenset(
    stem
    for words in (
        "ноль один одна два две три четыре пять шесть семь восемь девять десять сто тысяча полтора",
        "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
        "понедельник вторник среда четверг пятница суббота воскресенье сегодня завтра послезавтра вчера",
        "zero two three four five six seven eight nine ten hundred thousand january february march april june july august",
        "september october november december monday tuesday wednesday thursday friday saturday sunday today tomorrow",
    )
    for stem in stems(words)
)
ENDING = 2  # letters by which a Russian name may differ: Ада, Аде


def changed(before: str, after: str) -> list[str]:
    """The facts that one text has and the other has not, as they are written; none when both say the same."""
    lost = [fact for fact in facts(before) if not _is_in(fact, after)]
    new = [fact for fact in facts(after) if not _is_in(fact, before)]
    if _denies(before) != _denies(after):
        found = _NOT.search(_KIND_WORDS.sub("", before)) or _NOT.search(_KIND_WORDS.sub("", after))
        lost += [found.group()] if found else []
    return list(dict.fromkeys([*lost, *new]))


def changed_abroad(before: str, after: str) -> list[str]:
    """As `changed`, for a translation: names and words look otherwise there, numbers and addresses do not."""
    mine, theirs = _plain(before), _plain(after)
    return list(dict.fromkeys([*(fact for fact in mine if fact not in theirs), *(f for f in theirs if f not in mine)]))


def facts(text: str) -> list[str]:
    """What must not change, in order: addresses, numbers, counted words and dates, quoted words, names."""
    bare = _ADDRESS.sub(" ", text)
    found: list[str] = [*_plain(text), *_QUOTED.findall(bare)]
    found += [word for word in re.findall(r"[^\W\d_]+", bare) if _COUNTED & set(stems(word))]
    for sentence in sentences(bare):
        found += [name for name in _CAPITAL.findall(sentence) if not sentence.startswith(name)]
    if script(text) is Script.CYRILLIC:
        found += _LATIN.findall(bare)
    return list(dict.fromkeys(found))


def _plain(text: str) -> list[str]:
    addresses = [address.rstrip(".,;:!?)»") for address in _ADDRESS.findall(text)]
    return [*addresses, *_NUMBER.findall(_ADDRESS.sub(" ", text))]


def _is_in(fact: str, text: str) -> bool:
    if _ADDRESS.fullmatch(fact) or _NUMBER.fullmatch(fact):
        return fact in _plain(text)
    if fact.lower() in text.lower():
        return True
    return all(_is_like(stem, stems(text)) for stem in stems(fact))


def _is_like(stem: str, others: Iterable[str]) -> bool:
    """Whether it is among them, or a word of the same beginning: a name in another case."""
    least = max(3, len(stem) - ENDING)
    return any(stem == other or (len(stem) > 3 and other[:least] == stem[:least]) for other in others)


def _denies(text: str) -> bool:
    return bool(_NOT.search(_KIND_WORDS.sub("", text)))
