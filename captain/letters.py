"""Two slips of the keyboard undone: the wrong layout (`ghbdtn`) and Russian in Latin letters (`privet`).

A reading wins only when its letters follow each other as they do in the language, and those of the text as typed do
not. How often letters follow each other stands in `letters.json`, counted by `captain.fit` over our own articles.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

MARGIN = 0.45  # nats a letter by which the other reading must be likelier
PLAUSIBLE = -4.0  # nats a letter; a reading less likely than that is no word,
NO_WORD = 0.5  # and costs as much
LENIENCE = 1.0  # nats a letter that a word may look worse when the rest of its sentence is a slip
ODD_LETTER = 4.5  # nats; a letter at the end of a word that costs more is rather a comma or a full stop
SURE_LETTERS = 4  # fewer letters prove nothing

_QWERTY = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`" + 'QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>~'
_JCUKEN = "йцукенгшщзхъфывапролджэячсмитьбюё" + "ЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮЁ"
_TO_RUSSIAN = str.maketrans(_QWERTY, _JCUKEN)
_TO_ENGLISH = str.maketrans(_JCUKEN, _QWERTY)

_SOUNDS: dict[str, str] = dict(
    re.findall(
        r"(\S+)=(\S+)",
        "shch=щ sch=щ sh=ш ch=ч zh=ж kh=х ts=ц tz=ц yu=ю ju=ю iu=ю ya=я ja=я yo=е jo=е ye=е je=е yy=ый iy=ий ij=ий yj=ый"
        " ck=к a=а b=б c=ц d=д e=е f=ф g=г h=х i=и j=й k=к l=л m=м n=н o=о p=п q=к r=р s=с t=т u=у v=в w=в x=кс y=ы z=з"
        " '=ь",
    )
)
_SHORT_I = re.compile(r"(?<=[aeou])[yi](?![aeou])")  # moy, est'i no: "moya" is мо-я
_SOUND = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
_A_WORD = re.compile(r"[(«\"]*[^\W\d_]+([-'’][^\W\d_]+)*[^\w]*$")
_UNTOUCHABLE = re.compile(r"\d|@|//|www\.|_|\w\.(com|ru|org|net|io)\b", re.IGNORECASE)

_ENGLISH = re.compile(
    r"\b(the|how|what|is|are|and|of|with|for|can|not|that|this|have|why|where|when|does|you|will|from)\b", re.IGNORECASE
)

Reading = Callable[[str], str]


@lru_cache(maxsize=1024)
def likely_reading(text: str) -> str:
    """The text as it was most likely meant; the text itself when in doubt, and what is not a slip stays as it is."""
    chunks = re.split(r"(\s+)", text)
    latin = [i for i, chunk in enumerate(chunks) if _LATIN.search(chunk) and not _CYRILLIC.search(chunk)]
    cyrillic = [i for i, chunk in enumerate(chunks) if _CYRILLIC.search(chunk) and not _LATIN.search(chunk)]
    if latin and _ENGLISH.search(text):
        return text
    if latin:
        readings = [_read(chunks, latin, reading, "ru") for reading in (russian_keys, _russian_sounds)]
    else:
        readings = [_read(chunks, cyrillic, english_keys, "en")]
    gain, best = max(readings)
    return "".join(best) if gain >= MARGIN else text


def _read(chunks: list[str], places: list[int], reading: Reading, meant: str) -> tuple[float, list[str]]:
    """(nats gained a letter, the chunks with the slips among them read anew). No gain when most of them are no slips."""
    is_loud = "".join(chunks).isupper()
    doubtful = [i for i in places if not _UNTOUCHABLE.search(chunks[i]) and (is_loud or not chunks[i].isupper())]
    gains = {i: _gain(chunks[i], reading, meant) for i in doubtful}
    slips = {i for i in doubtful if gains[i] > -LENIENCE * len(chunks[i]) or len(chunks[i]) < SURE_LETTERS}
    letters = sum(len(chunks[i]) for i in slips)
    if letters < max(SURE_LETTERS, sum(len(chunks[i]) for i in places) / 2):
        return 0.0, chunks
    gained = sum(gains[i] for i in slips) / (letters + len(slips))
    if reading is not russian_keys and len(slips) == 1:
        gained /= 3  # one word alone is rather a name (Slack, Google), and most Russian words are no slips
    return gained, [reading(chunk) if i in slips else chunk for i, chunk in enumerate(chunks)]


@lru_cache(maxsize=8192)
def _gain(chunk: str, reading: Reading, meant: str) -> float:
    """Nats by which the reading is likelier in the language meant than the chunk in the one it seems typed in."""
    read = reading(chunk)
    gain = _likelihood(read, meant) - _likelihood(chunk, "en" if meant == "ru" else "ru")
    is_word = len(set(chunk)) > 2 and _A_WORD.match(read) and _likelihood(read, meant) >= PLAUSIBLE * (len(read) + 1)
    return gain if is_word else min(gain, -NO_WORD * len(chunk))


def russian_keys(chunk: str) -> str:
    """What these keys type on the Russian layout."""
    return _keys(chunk, _TO_RUSSIAN, "ru")


def english_keys(chunk: str) -> str:
    """What these keys type on the English layout."""
    return _keys(chunk, _TO_ENGLISH, "en")


def _keys(chunk: str, table: dict[int, int], meant: str) -> str:
    """The same keys on the other layout. A comma or full stop at the end may be a mark, or the letter б or ю."""
    core = chunk.rstrip(".,?!;:")
    letters, marks = chunk.translate(table), core.translate(table) + chunk[len(core) :]
    return marks if _likelihood(marks, meant) - _likelihood(letters, meant) > ODD_LETTER else letters


def _russian_sounds(chunk: str) -> str:
    return spelled_russian(chunk).capitalize() if chunk[:1].isupper() else spelled_russian(chunk)


@lru_cache(maxsize=8192)
def spelled_russian(latin: str) -> str:
    """Latin letters as a Russian ear writes them, lower case: telegram → телеграм."""
    return _SOUND.sub(lambda sound: _SOUNDS[sound.group()], _SHORT_I.sub("j", latin.lower()))


def _likelihood(chunk: str, language: str) -> float:
    """Log of how likely the letters follow each other so in one word of the language, edges included."""
    known = _pairs()[language]
    edged = f"^{chunk.lower().replace('ё', 'е').strip('.,?!;:«»()')}$"
    return sum(known.get(edged[i : i + 2], known["never"]) for i in range(len(edged) - 1))


@lru_cache(maxsize=1)
def _pairs() -> dict[str, dict[str, float]]:
    return dict(json.loads(Path(__file__).with_name("letters.json").read_text("utf-8")))
