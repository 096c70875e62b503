"""Hours and days off as people write them: «09:00–13:00, 14:00–18:00», «22:00–06:00», «9 мая 2027», one date a line."""

import re
from collections.abc import Sequence
from datetime import date
from functools import cache

from babel import Locale

from app.errors import Invalid
from app.i18n import LOCALES, _, format_date, locale

Week = list[list[list[str]]]

_INTERVAL = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s*[-–—]\s*(\d{1,2})(?:[:.](\d\d))?")
_DATES = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)"),
    re.compile(r"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{4})"),
    re.compile(r"(?P<day>\d\d?)\s+(?P<month>[^\W\d]+)\.?\s+(?P<year>\d{4})(?:\s*г\.)?"),
)


def week_of(days: Sequence[str]) -> Week:
    """The week that seven lines say, Monday first. What closes no later than it opens goes on after midnight.

    Invalid("day_3", …) names the line, from 1, that cannot be read.
    """
    week: Week = [[] for _day in range(7)]
    for day, line in enumerate(days):
        for part in filter(None, (part.strip() for part in re.split(r"[,;\n]", line))):
            opens, closes = _interval(part, f"day_{day + 1}")
            if closes > opens:
                week[day].append([opens, closes])
                continue
            week[day] += [[opens, "24:00"]] if opens < "24:00" else []
            week[(day + 1) % 7] += [["00:00", closes]] if closes > "00:00" else []
    return [sorted(day) for day in week]


def written(week: Week) -> list[str]:
    """Seven lines that say the week; a night is written where it begins."""
    nights = [_night(week[day], week[(day + 1) % 7]) for day in range(7)]
    lines = []
    for day in range(7):
        own = [*week[day][1 if nights[day - 1] else 0 :]]
        if night := nights[day]:
            own[-1] = [own[-1][0], night]
        lines.append(", ".join(f"{opens}–{closes}" for opens, closes in own))
    return lines


def dates_of(text: str) -> list[str]:
    """The dates in a text, one a line, as 9 мая 2027, 09.05.2027 or 2027-05-09; what follows a date is a remark."""
    # «День А; День Б» is one remark, «01.01.2027, 07.01.2027» two dates
    return sorted({day_of(line)[0] for line in re.split(r"\n|[,;](?=\s*\d)", text) if line.strip()})


def day_of(line: str) -> tuple[str, str]:
    """(ISO date, remark) that a line says, in whatever language. Invalid when it begins with no date."""
    line = line.strip()
    found = next((found for form in _DATES if (found := form.match(line))), None)
    try:
        if found is None:
            raise ValueError
        day = date(int(found["year"]), _month(found["month"]), int(found["day"]))
    except (KeyError, ValueError):
        raise Invalid(
            "holidays", _("“%(line)s” is no date. Write %(example)s.", line=line[:50], example=example())
        ) from None
    return day.isoformat(), line[found.end() :].strip()


def day_line(day: str, remark: str = "") -> str:
    """The line that says that day, given in ISO, as the language now writes dates: «9 мая 2027», and the remark."""
    return f"{format_date(date.fromisoformat(day), 'd MMMM y')} {remark}".strip()


def example() -> str:
    """A day off, as one may write it."""
    return day_line("2027-01-01")


def public_holidays(country: str, years: Sequence[int]) -> dict[str, str]:
    """{ISO date: name} of a country's public holidays, named in the language now where it can be."""
    import holidays

    if country not in countries():
        raise Invalid("country", _("There is no such country."))
    spoken = holidays.country_holidays(country).supported_languages
    language = next((name for name in spoken if name.split("_")[0] == locale()), None)
    found = holidays.country_holidays(country, years=list(years), language=language)
    return {day.isoformat(): name for day, name in sorted(found.items())}


def countries() -> dict[str, str]:
    """{code: name in the language now} of the countries whose holidays are known, by name."""
    return _countries(locale())


@cache
def _countries(language: str) -> dict[str, str]:
    import holidays

    names = Locale.parse(language).territories
    known = {code: names[code] for code in holidays.list_supported_countries() if len(code) == 2 and code in names}
    return dict(sorted(known.items(), key=lambda pair: pair[1]))


def _night(day: list[list[str]], following: list[list[str]]) -> str:
    """When the night that begins on this day ends; "" when there is none."""
    if not day or not following or day[-1][1] != "24:00" or following[0][0] != "00:00":
        return ""
    closes = following[0][1]
    is_short = closes <= day[-1][0] and closes != "24:00" and day[-1][0] != "00:00"
    return closes if is_short else ""


def _interval(part: str, field: str) -> tuple[str, str]:
    found = _INTERVAL.fullmatch(part)
    if found is None:
        raise Invalid(field, _("“%(part)s” is no interval. Write 09:00–18:00.", part=part[:50]))
    opens, closes = _clock(found[1], found[2]), _clock(found[3], found[4])
    if max(opens, closes) > "24:00":
        raise Invalid(field, _("“%(part)s” is no interval. Write 09:00–18:00.", part=part[:50]))
    return opens, closes


def _clock(hours: str, minutes: str | None) -> str:
    # 9:75 becomes a time nobody can have, so that it is refused
    return f"{int(hours):02d}:{minutes or '00'}" if int(minutes or 0) < 60 else "99:00"


def _month(word: str) -> int:
    """1 to 12, of a number or a name. KeyError for any other word."""
    return int(word) if word.isdigit() else _months()[word.casefold()]


@cache
def _months() -> dict[str, int]:
    """The names of the months in all our languages, in each of their forms: май, мая, may."""
    return {
        name.rstrip(".").casefold(): number
        for language in LOCALES
        for kind in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for number, name in Locale.parse(language).months[kind][width].items()
    }
