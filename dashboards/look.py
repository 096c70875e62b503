"""How numbers are written and what colours charts have: the values of app/static/css/tokens.css, and Russian typography."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone_location
from babel.numbers import format_decimal, format_percent

from dashboards.words import say

NBSP = "\u00a0"


@dataclass(frozen=True)
class Palette:
    """One accent a chart, neutrals for the rest. ground: what charts lie on; paper: what floats above."""

    ground: str
    paper: str
    ink: str
    ink_soft: str
    line: str
    neutral: str
    strawberry: str
    ember: str
    sea: str


LIGHT = Palette("#fbf9f7", "#ffffff", "#251d1a", "#615953", "#e4e1dc", "#8f8881", "#c71336", "#b13806", "#00698f")
DARK = Palette("#171412", "#211d1b", "#ece9e5", "#b0aaa3", "#35312e", "#7a736d", "#fa868e", "#f59569", "#6dc8eb")


def number(value: float, locale: str) -> str:
    """1 234 in Russian, 1,234 in English."""
    return str(format_decimal(value, "#,##0", locale=locale))


def percent(share: float, locale: str) -> str:
    """93,4 % in Russian, 93.4% in English; whole percents are written whole."""
    return str(format_percent(round(share, 3), "#,##0.#" + (NBSP if locale == "ru" else "") + "%", locale=locale))


def change(now: float, before: float, locale: str) -> str:
    """+12 %, −8 %: against what it was before."""
    share = now / before - 1
    return ("+" if share > 0 else "−" if share < 0 else "") + percent(abs(share), locale)


def points(now: float, before: float, locale: str) -> str:
    """+3,5 п. п.: two shares compared."""
    by = round((now - before) * 100, 1)
    written = format_decimal(abs(by), "#,##0.#", locale=locale)
    return ("+" if by > 0 else "−" if by < 0 else "") + say("points", locale, points=written)


def duration(seconds: float, locale: str) -> str:
    """The two largest units: 45 с; 12 мин 30 с; 3 ч 20 мин; 2 д 4 ч."""
    left = round(seconds)
    if left >= 3600:
        left = round(left / 60) * 60  # nobody reads the seconds of an hour
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{NBSP}{say(unit, locale)}")
    return " ".join(parts[:2]) or f"0{NBSP}{say('s', locale)}"


def days(first: date, last: date, locale: str) -> str:
    """25 октября — 23 ноября 2026; the first year only where it differs, and one day alone as itself."""
    if first == last:
        return day(first, locale)
    form = "d MMMM" if first.year == last.year else "d MMMM y"
    dash = f"{NBSP}— " if locale == "ru" else " – "
    return dash.join((str(format_date(first, form, locale=locale)).replace(" ", NBSP), day(last, locale)))


def day(of: date, locale: str) -> str:
    """23 ноября 2026."""
    return str(format_date(of, "d MMMM y", locale=locale)).replace(" ", NBSP)


def axis_day(of: date, locale: str) -> str:
    """23.11, 23 Nov: as it stands under a chart."""
    return f"{of:%d.%m}" if locale == "ru" else f"{of.day} {of:%b}"


def place(zone: str, locale: str) -> str:
    """By the clocks of which town: Бишкек, Bishkek; UTC is called so."""
    return str(get_timezone_location(zone, locale=locale, return_city=True)) if "/" in zone else zone


def weekday(number: int, locale: str) -> str:
    """Monday is 1: пн, Mon."""
    return str(format_date(date(2024, 1, number), "EEE", locale=locale))  # that January began on a Monday


def moment(us: int, zone: ZoneInfo, locale: str) -> str:
    """2 марта, 14:05:09 by the clocks of `zone`."""
    when = datetime.fromtimestamp(us / 1e6, zone)
    return str(format_datetime(when, "d MMMM, HH:mm:ss", locale=locale)).replace(" ", NBSP)


def scale(largest_seconds: float) -> tuple[str, float]:
    """The unit in which spans up to this read best, and its seconds."""
    if largest_seconds > 4 * 86_400:
        return "days", 86_400.0
    return ("hours", 3600.0) if largest_seconds > 3 * 3600 else ("minutes", 60.0)
