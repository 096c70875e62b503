"""The reader's language and time zone, for every floor: `_()` in templates, errors, mails and jobs alike.

English is written in the code, Russian in app/translations/ru. A test keeps Russian complete.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, dates, numbers
from babel.support import NullTranslations, Translations

LOCALES = ("ru", "en")
DEFAULT_LOCALE = "ru"
_FOLDER = Path(__file__).parent / "translations"

_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)
_timezone: ContextVar[str] = ContextVar("timezone", default="Europe/Moscow")


@contextmanager
def speaking(locale: str, timezone: str | None = None) -> Iterator[None]:
    """Inside, everything is said in `locale` and dated in `timezone`; unknown ones fall back to the default."""
    tokens = _locale.set(locale if locale in LOCALES else DEFAULT_LOCALE), _timezone.set(timezone or _timezone.get())
    try:
        yield
    finally:
        _locale.reset(tokens[0])
        _timezone.reset(tokens[1])


def speak(locale: str, timezone: str | None = None) -> None:
    """Like `speaking`, for the rest of this request."""
    _locale.set(locale if locale in LOCALES else DEFAULT_LOCALE)
    if timezone and is_timezone(timezone):
        _timezone.set(timezone)


def locale() -> str:
    """The language now."""
    return _locale.get()


def timezone() -> str:
    """The time zone now, by its IANA name."""
    return _timezone.get()


def is_timezone(name: str) -> bool:
    """Whether there is a zone of that IANA name."""
    return name in _zones()


def gettext(message: str, **values: Any) -> str:
    """`message` in the language now, with %(values)s put in."""
    translated = _translations(_locale.get()).gettext(message)
    return translated % values if values else translated


def ngettext(one: str, many: str, n: int, **values: Any) -> str:
    """The right plural for `n`, in the language now; `%(n)s` is the number as it is written there."""
    return _translations(_locale.get()).ngettext(one, many, n) % {"n": format_number(n), **values}


def N_(message: str) -> str:
    """Marks a text for translation where it stands; it is translated where it is shown."""
    return message


_ = gettext


def format_number(value: float) -> str:
    """1 234,5 in Russian."""
    return numbers.format_decimal(value, locale=_locale.get())


def format_date(value: datetime | date, form: str = "long") -> str:
    """«5 января 2026 г.» as dates are written in running text, in the reader's zone."""
    local = to_zone(value) if isinstance(value, datetime) else value
    if _locale.get() == "ru" and form == "long":
        return dates.format_date(local, "d MMMM y", locale="ru")
    return dates.format_date(local, form, locale=_locale.get())


def format_day(value: datetime) -> str:
    """21 нояб., without the year: for lists."""
    return dates.format_date(to_zone(value), "d MMM", locale=_locale.get())


def format_time(value: datetime) -> str:
    """14:05, in the reader's zone."""
    return dates.format_time(to_zone(value), "HH:mm" if _locale.get() == "ru" else "short", locale=_locale.get())


def format_moment(value: datetime) -> str:
    """Date and time together."""
    return f"{format_date(value)}, {format_time(value)}"


def format_wait(seconds: float, style: Literal["long", "short"] = "long") -> str:
    """«5 минут», «2 часа», or short «5 мин», «2 ч»: the largest unit that fits."""
    return dates.format_timedelta(timedelta(seconds=seconds), format=style, locale=_locale.get(), threshold=1.0)


def to_zone(value: datetime) -> datetime:
    """The moment on the reader's clock."""
    return value.astimezone(ZoneInfo(_timezone.get()))


def clock_name() -> str:
    """Whose clock that is: «Бишкек», for people who may live by another."""
    return dates.get_timezone_location(_timezone.get(), locale=_locale.get(), return_city=True)


def language_name(code: str) -> str:
    """«Русский», «English»: each in its own words."""
    return (Locale.parse(code).get_display_name(code) or code).capitalize()


@cache
def _translations(code: str) -> NullTranslations:
    return Translations.load(str(_FOLDER), [code])


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
