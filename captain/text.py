"""What people type, made readable: clean text, script, stems, sentences, the kind of answer wanted. No model."""

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import snowballstemmer
from razdel import sentenize

from captain.letters import likely_reading

QUERY_LIMIT = 1000  # characters; a model reads no more of a question than that, and more costs seconds
LEANING_WORDS = 3  # content words; a question with more stands alone even when it says "это"

_UNPRINTABLE = {code: None for code in [*range(9), 11, 12, *range(14, 32), 127, 0xAD, *range(0x200B, 0x2010), 0xFEFF]}
_WORD = re.compile(r"[^\W_]+")
_CYRILLIC, _LATIN = re.compile("[а-яё]+"), re.compile("[a-z]+")
_DIGIT = re.compile(r"\d")
_DATE = re.compile(
    r"\b\d{1,2}[./]\d{1,2}\b|\b(1\d|20)\d\d\b|\b(январ|феврал|март|апрел|ма[йея]\b|июн|июл|август|сентябр|октябр|ноябр"
    r"|декабр|январ|понедельник|вторник|сред[ау]|четверг|пятниц|суббот|воскресень|век[еа]?\b|january|february|march|april"
    r"|june|july|august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
    r"|\d\s*(час|минут|секунд|дн|день|сут|недел|месяц|год|лет|hour|minute|second|day|week|month|year)",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)(?<![.!?…«»\"] )\b[А-ЯЁA-Z][\w-]+")

# Said before the question begins; a model takes it for a part of what is asked.
_COURTESY = re.compile(
    r"^((здравствуй(те)?|здрав?ствуйте|приветствую|привет(ик)?|доброго времени суток|доброго дня|добрый (день|вечер)"
    r"|доброе утро|подскажите|скажите|не подскажете|помогите|будьте добры|пожалуйста|плиз|уважаемая поддержка"
    r"|у меня (такой |следующий )?вопрос|такой вопрос|вопрос такой"
    r"|hello|hi( there)?|hey|good (day|morning|evening|afternoon)|could you (please )?tell me|please)\b[\s,.!:;…—–)-]*)+",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\b(как|где|куда|когда|почему|зачем|сколько|какой|какая|какие|how|where|when|why|which)\b")
_POINTS_BACK = re.compile(
    r"^(а|и|но|and|but|what about)\b|\b(это|этого|этому|этим|этот|эту|эта|эти|он|она|оно|они|его|ее|их|им|ней|ним|нем|там"
    r"|туда|тогда|такой|такая|такое|it|its|this|that|they|them|there)\b"
)

# Words that ask or glue but name nothing. Stems of what remains are what a question is about.
_STOP = frozenset(Path(__file__).with_name("stop_words.txt").read_text("utf-8").split())

_STEPS = re.compile(r"^\s*\d+[.)]\s", re.MULTILINE)
_KINDS = (
    ("number", r"\b(сколько|скольк\w+|сколькими|how (much|many|long|often)|каков\w* (цена|стоимость|размер|лимит))\b"),
    ("date", r"\b(когда|в каком (году|веке|месяце)|с какого|до какого|во сколько|when|what (year|time|date))\b"),
    ("name", r"\b(кто|кем|кого|кому|где|куда|откуда|who|whom|whose|where)\b"),
    (
        "steps",
        r"\b(как|каким образом|инструкци\w+|how (do|can|to|should))\b(?! (долго|часто|много|long|often|much|many))",
    ),
)


class Script(StrEnum):
    CYRILLIC = "cyrillic"
    LATIN = "latin"
    NONE = "none"


class AnswerType(StrEnum):
    """What a right answer must hold: a number, a time, a name, numbered steps; or anything."""

    NUMBER = "number"
    DATE = "date"
    NAME = "name"
    STEPS = "steps"
    ANY = "any"


def sanitise(raw: str, limit: int | None = None) -> str:
    """The text without NUL (it silently truncates in C), lone surrogates and invisible characters; at most `limit` long.

    TypeError if it is no string.
    """
    if not isinstance(raw, str):
        raise TypeError(f"text must be a string, not {type(raw).__name__}")
    shorter = raw if limit is None else raw[: limit * 4]
    whole = shorter.encode("utf-8", "ignore").decode("utf-8").translate(_UNPRINTABLE).strip()
    return whole if limit is None else whole[:limit].rstrip()


def for_model(text: str) -> str:
    """What a model reads: clean, ё as е on both sides, because customers rarely type ё."""
    return sanitise(text).replace("ё", "е").replace("Ё", "Е")


def question(raw: str, context: Sequence[str] = ()) -> str:
    """The question to search for: clean, at most QUERY_LIMIT characters, layout slips and translit repaired.

    A question that leans on what was said before ("а сколько это стоит?") takes the customer's last message along.
    """
    asked = _readable(raw)
    if not _leans(asked):
        return asked
    before = next((said for said in map(_readable, reversed(context)) if content(said)), "")
    return f"{before[: QUERY_LIMIT - len(asked) - 1]} {asked}".strip()


def _readable(raw: str) -> str:
    asked = likely_reading(sanitise(raw, QUERY_LIMIT))
    return _COURTESY.sub("", asked).strip() or asked


def _leans(question: str) -> bool:
    """Whether it says too little alone: a bare question word, or few words that begin with "а" or point backwards."""
    flat = question.lower().replace("ё", "е")
    if not content(question):
        return bool(_ASKS.search(flat))
    return len(content(question)) <= LEANING_WORDS and bool(_POINTS_BACK.search(flat))


@lru_cache(maxsize=8192)
def script(text: str) -> Script:
    """The script it is written in. A third of Cyrillic letters makes it Cyrillic: the rest are names and code."""
    flat = text.lower()
    cyrillic, latin = (sum(map(len, letters.findall(flat))) for letters in (_CYRILLIC, _LATIN))
    if not cyrillic and not latin:
        return Script.NONE
    return Script.CYRILLIC if 2 * cyrillic >= latin else Script.LATIN


def language(text: str) -> str:
    """`ru` or `en`, by script. A text without letters is Russian: most of our customers are."""
    return "en" if script(text) is Script.LATIN else "ru"


@lru_cache(maxsize=8192)
def stems(text: str) -> tuple[str, ...]:
    """Snowball stems of all words in order, lower case, ё as е, stop words included."""
    return tuple(_stem(word) for word in words(text))


@lru_cache(maxsize=8192)
def counts(text: str) -> Counter[str]:
    """How often it says each stem."""
    return Counter(map(_stem, words(text)))


@lru_cache(maxsize=8192)
def meanings(text: str) -> Counter[int]:
    """How often it says something of each group of synonyms."""
    said, meant = counts(text), Counter[int]()
    for stem in said.keys() & _concepts().keys():
        for group in concepts(stem):
            meant[group] += said[stem]
    return meant


@lru_cache(maxsize=8192)
def content(text: str) -> tuple[str, ...]:
    """The distinct stems that say what the text is about, in order: no question words, no glue, no courtesies."""
    return tuple(dict.fromkeys(_stem(word) for word in words(text) if word not in _STOP))


def words(text: str) -> list[str]:
    """Its words, lower case, ё as е, without accents."""
    flat = unicodedata.normalize("NFKC", text).replace("\u0301", "").lower().replace("ё", "е")
    return _WORD.findall(flat)


@lru_cache(maxsize=65536)
def concepts(stem: str) -> tuple[int, ...]:
    """Numbers of the groups of synonyms.txt that a word with this stem belongs to: "наличка" and "наличные" share one."""
    return _concepts().get(stem, ())


@lru_cache(maxsize=1)
def _concepts() -> dict[str, tuple[int, ...]]:
    lines = Path(__file__).with_name("synonyms.txt").read_text("utf-8").splitlines()
    groups: dict[str, list[int]] = {}
    for number, line in enumerate(line for line in lines if not line.startswith("#")):
        for stem in {_stem(word) for word in words(line)}:
            groups.setdefault(stem, []).append(number)
    return {stem: tuple(numbers) for stem, numbers in groups.items()}


_stemmers = {language: snowballstemmer.stemmer(language) for language in ("russian", "english")}
_stemming = threading.Lock()  # a Snowball stemmer keeps the word it works on in itself


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    # `script` remembers texts, and words would crowd them out
    written = script.__wrapped__(word)
    with _stemming:
        return str(_stemmers["english" if written is Script.LATIN else "russian"].stemWord(word))


@lru_cache(maxsize=65536)
def trigrams(text: str) -> frozenset[str]:
    """Letter trigrams as pg_trgm takes them: each word with two spaces before and one after."""
    return frozenset(
        padded[i : i + 3] for word in words(text) for padded in (f"  {word} ",) for i in range(len(word) + 1)
    )


def similarity(one: str, other: str) -> float:
    """Shared trigrams ÷ all trigrams, in [0, 1]. https://www.postgresql.org/docs/current/pgtrgm.html"""
    mine, theirs = trigrams(one), trigrams(other)
    shared = len(mine & theirs)
    return shared / (len(mine) + len(theirs) - shared or 1)


def most_alike(word: str, others: Iterable[str]) -> tuple[float, str]:
    """(similarity, that one) of the other most like the word; (0, "") where none shares a trigram with it."""
    mine, best = trigrams(word), (0.0, "")
    for other in others:
        theirs = trigrams(other)
        if not mine.isdisjoint(theirs):
            shared = len(mine & theirs)
            best = max(best, (shared / (len(mine) + len(theirs) - shared), other))
    return best


def sentences(text: str) -> list[str]:
    """Its sentences in order. A line break ends one too."""
    lines = (line.strip() for line in text.splitlines())
    return [piece.text for line in lines if line for piece in sentenize(line)]


def answer_type(question: str) -> AnswerType:
    """What kind of answer the question asks for."""
    asked = question.lower().replace("ё", "е")
    return AnswerType(next((kind for kind, words in _KINDS if re.search(words, asked)), "any"))


def holds(text: str, wanted: AnswerType) -> bool:
    """Whether the text holds something of the kind that is wanted."""
    pattern = _HOLDS.get(wanted)
    return pattern is None or bool(pattern.search(text))


_HOLDS = {
    AnswerType.NUMBER: _DIGIT,
    AnswerType.DATE: _DATE,
    AnswerType.NAME: _NAME,
    AnswerType.STEPS: _STEPS,
}
