"""What can be mended or left out of a reply without understanding it: slips of the hand, and words that say nothing."""

import re

from captain.facts import facts
from captain.letters import english_keys, likely_reading, russian_keys
from captain.text import Script, script, sentences

# Nothing of these is touched: addresses, code, names to be filled in, file names, times
_KEPT = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.-]+|`[^`\n]+`|\{\{.*?\}\}|\b[\w-]+\.(?:ru|com|org|net|io|kg|py|js|pdf|docx?)\b"
    r"|\d+(?:[.,:]\d+)+"
)
_FIRST = "\ue000"  # a private character for each; nobody types one
_SHORT = re.compile(
    r"(?:^|[\s(.])(?:т|е|к|ч|д|г|гг|ул|кв|стр|п|см|руб|сом|тыс|млн|др|пр|им|эт|тел|напр|пн|вт|ср|чт|пт|сб|вс|мин|час"
    r"|e|g|i|mr|mrs|dr|vs|etc|no|[А-ЯЁA-Z])\.$"
)
_TWICE = re.compile(
    r"\b(в|на|и|с|к|по|за|для|что|не|из|от|о|об|у|до|мы|вы|the|a|to|of|in|and|is)\s+\1\b", re.IGNORECASE
)

_RULES = (
    (re.compile(r"[ \t\u00a0]{2,}"), " "),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
    (re.compile(r"\n{3,}"), "\n\n"),
    (re.compile(r",{2,}"), ","),
    (re.compile(r"!{2,}"), "!"),
    (re.compile(r"\?{2,}"), "?"),
    (re.compile(r"!\?"), "?!"),
    (re.compile(r"\.{3,}"), "…"),
    (re.compile(r"(?<!\.)\.\.(?!\.)"), "."),
    (re.compile(r"([,;])(?=[^\W\d_]|[\"«])"), r"\1 "),
    (re.compile(r"[ \t]+([,.;:!?…])(?=\s|$|[)»\"])"), r"\1"),
    (re.compile(r"(?<=[а-яёa-z]{2})([.!?…])(?=[А-ЯЁ])"), r"\1 "),
    (re.compile(r"\(\s+"), "("),
    (re.compile(r"\s+\)"), ")"),
    (_TWICE, r"\1"),
)
_RUSSIAN_RULES = (
    (re.compile(r"(?<=\S) (?:-|--|–) (?=\S)"), " — "),
    (re.compile(r"(?<![\w«])\"([^\"\n]+)\"(?!\w)"), r"«\1»"),
    (re.compile(r"“([^“”\n]+)”"), r"«\1»"),
)
# A sentence that is nothing but courtesy. What asks is none
_FILLERS = (
    r"(?:мы |я )?(?:очень )?наде(?:юсь|емся)\b.*(?:помо|полез|понят|получ).*",
    r"если .{0,60}(?:вопрос|понятн|потреб|понадоб).*(?:обращ|пиши|напиши|сообщ|рад|помо|связ|ответ).*",
    r"(?:ещё раз |еще раз |большое )?(?:спасибо|благодар\w+)(?: вам| вас)? за .*"
    r"(?:обращ|терпен|понима|ожидан|сообщен|интерес).*",
    r"(?:мы |я )?(?:всегда |будем |буду )+(?:рад\w*)\b.*",
    r"обращайтесь\b.*",
    r"(?:желаем|желаю|хорошего|отличного|приятного)\b.*(?:дня|вечера|недел|настроен).*",
    r"(?:мы )?(?:прекрасно |очень |хорошо )?понима(?:ем|ю)\b.*(?:неудобств|ситуац|беспокой|расстро|важно).*",
    r"i hope (?:this|that|it) .*help.*",
    r"(?:please )?(?:feel free|do not hesitate|don't hesitate) to\b.*",
    r"if you have any .*question.*",
    r"thank(?:s| you) for (?:your|contacting|reaching|writing|waiting)\b.*",
    r"have a (?:nice|great|good) .*",
    r"we (?:fully |completely )?understand\b.*(?:inconvenien|frustrat|concern).*",
)
_FILLER = re.compile(rf"(?:{'|'.join(_FILLERS)})", re.IGNORECASE)
_WORDY = (
    (
        r"(?:хот(?:им|ел[аи]? бы|ели бы) |спешу |спешим |рады |рад )?(?:сообщ(?:ить|аем|аю)|информируем|уведомляем)"
        r"(?: вам| вас)?,? (?:о том,? )?что ",
        "",
    ),
    (r"(?:хот(?:им|ел[аи]? бы) отметить|обращаем ваше внимание(?: на то)?|дело в том),? что ", ""),
    (r"(?:please note|please be advised|(?:we|i) would like to inform you|we are happy to inform you) that ", ""),
    (r"\bв случае,? если\b", "если"),
    (r"\bв (?:данный|настоящий) момент\b|\bна (?:данный|текущий) момент\b|\bв настоящее время\b", "сейчас"),
    (r"\bв связи с тем,? что\b", "потому что"),
    (r"\bдля того,? чтобы\b", "чтобы"),
    (r"\bв самое ближайшее время\b|\bв ближайшее время\b", "скоро"),
    (r"\bкаким-либо образом\b", "как-то"),
    (r"\bdue to the fact that\b", "because"),
    (r"\bin order to\b", "to"),
    (r"\bat this (?:point in time|moment)\b", "now"),
)  # fmt: skip


def fixed(text: str) -> str:
    """The text without slips: layout of the keyboard, spaces, doubled marks and words, dashes, quotes, capital letters."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found.group())
        return chr(ord(_FIRST) + len(kept) - 1)

    plain = _KEPT.sub(keep, _right_keys(text))
    for pattern, instead in (*_RULES, *(_RUSSIAN_RULES if script(text) is Script.CYRILLIC else ())):
        plain = pattern.sub(instead, plain)
    plain = re.sub(r"(?<![\w'’])i(?=[\s'’])", "I", plain) if script(text) is Script.LATIN else plain
    return "".join(_restored(letter, kept) for letter in _capitals(plain.strip()))


def shortened(text: str) -> str:
    """The text without courtesies that say nothing and in fewer words where a phrase has a short form; the rest as it is."""
    paragraphs = [_without_fillers(paragraph) for paragraph in re.split(r"\n\s*\n", text.strip())]
    shorter = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    for pattern, instead in _WORDY:
        shorter = re.sub(pattern, instead, shorter, flags=re.IGNORECASE)
    return _capitals(re.sub(r"[ \t]{2,}", " ", shorter).strip())


def _without_fillers(paragraph: str) -> str:
    lines = []
    for line in paragraph.split("\n"):
        said = [sentence for sentence in sentences(line) if not _is_filler(sentence)]
        lines.append(" ".join(said))
    return "\n".join(line for line in lines if line)


def _is_filler(sentence: str) -> bool:
    """Whether nobody would miss it: it asks nothing, and names nothing."""
    return "?" not in sentence and bool(_FILLER.fullmatch(sentence)) and not facts(sentence)


def _right_keys(text: str) -> str:
    """Lines typed in the wrong layout as they were meant; not transliteration, which may be a name."""
    lines = text.split("\n")
    return "\n".join(read if _is_other_layout(line, read := likely_reading(line)) else line for line in lines)


def _is_other_layout(typed: str, read: str) -> bool:
    if typed == read:
        return False
    pairs = zip(re.split(r"(\s+)", typed), re.split(r"(\s+)", read), strict=False)
    return all(meant in {chunk, russian_keys(chunk), english_keys(chunk)} for chunk, meant in pairs)


def _capitals(text: str) -> str:
    """The first letter of each sentence in capitals; a full stop after an abbreviation ends none."""
    whole = re.sub(r"^([«\"(]?)([a-zа-яё])(?=[\w\s])", lambda found: found[1] + found[2].upper(), text)

    def raised(found: re.Match[str]) -> str:
        before = whole[: found.start()] + found[1]
        return found.group() if _SHORT.search(before[-12:]) else found[1] + found[2] + found[3].upper()

    return re.sub(r"([.!?…])(\s+[«\"(]?)([a-zа-яё])", raised, whole)


def _restored(letter: str, kept: list[str]) -> str:
    place = ord(letter) - ord(_FIRST)
    return kept[place] if 0 <= place < len(kept) else letter
