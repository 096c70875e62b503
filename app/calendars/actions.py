"""What can be done to a calendar. Every change is a version with its own beginning, told to the log."""

import re
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Protocol

from app.calendars import queries
from app.calendars.models import OFFICE_WEEK, Calendar, CalendarVersion
from app.clock import now
from app.database import session
from app.errors import Invalid
from app.events.record import record
from app.i18n import _, is_timezone
from app.text import NAME_LIMIT, checked

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
INTERVALS_LIMIT = 12
HOLIDAYS_LIMIT = 2000


class Place(Protocol):
    """An inbox or a team: what a calendar can be given to."""

    calendar_id: int | None

    @property
    def account_id(self) -> int: ...

    def facts(self) -> dict[str, Any]:
        """Its `inbox_id` or `team_id`, among others."""


def create_calendar(
    account_id: int,
    name: str,
    *,
    by: str,
    timezone: str,
    week: Any = OFFICE_WEEK,
    holidays: Any = (),
    since: datetime | None = None,
    external_id: str | None = None,
) -> Calendar:
    """A new calendar, whose first version holds from `since` (now) on and for all the time before."""
    calendar = Calendar(account_id=account_id, external_id=external_id, created_at=now())
    _rename(calendar, name)
    session().add(calendar)
    session().flush()
    _version(calendar, timezone, week, holidays, since, by)
    return calendar


def update_calendar(
    calendar: Calendar,
    *,
    by: str,
    name: object = None,
    timezone: Any = None,
    week: Any = None,
    holidays: Any = None,
    since: datetime | None = None,
) -> None:
    """A new version with what is not None, from `since` (now) on: an earlier one restates what was counted.

    Nothing new is no version. Later versions go on to hold in their time.
    """
    current = queries.latest(calendar)
    before = calendar.name, current.timezone, current.week, list(current.holidays)
    if name is not None:
        _rename(calendar, name)
    wanted = (
        current.timezone if timezone is None else _timezone(timezone),
        current.week if week is None else _week(week),
        list(current.holidays) if holidays is None else _holidays(holidays),
    )
    if before != (calendar.name, *wanted) or since is not None:
        _version(calendar, *wanted, since, by)


def assign(place: Place, calendar: Calendar | None, *, by: str, occurred_at: datetime | None = None) -> None:
    """Let the inbox or team work by this calendar from now on, or around the clock (None)."""
    calendar_id = calendar.id if calendar else None
    if place.calendar_id == calendar_id:
        return
    place.calendar_id = calendar_id
    facts = place.facts()
    ids = {"inbox_id": facts.get("inbox_id"), "team_id": facts.get("team_id")}
    record("calendar.assigned", place, by=by, occurred_at=occurred_at, calendar_id=calendar_id, **ids)


def _version(calendar: Calendar, timezone: Any, week: Any, holidays: Any, since: datetime | None, by: str) -> None:
    made = CalendarVersion(
        account_id=calendar.account_id,
        calendar_id=calendar.id,
        version=queries.last_version(calendar) + 1,
        since=since or now(),
        timezone=_timezone(timezone),
        week=_week(week),
        holidays=_holidays(holidays),
        created_at=now(),
    )
    session().add(made)
    record("calendar.versioned", made, by=by, name=calendar.name)


def _rename(calendar: Calendar, name: object) -> None:
    wanted = checked("name", name, NAME_LIMIT, required=True)
    others = {other.name for other in queries.calendars(calendar.account_id) if other.id != calendar.id}
    if wanted in others:
        raise Invalid("name", _("There is a calendar of this name."))
    calendar.name = wanted


def _timezone(value: Any) -> str:
    if not isinstance(value, str) or not is_timezone(value):
        raise Invalid("timezone", _("There is no such time zone."))
    return value


def _week(value: Any) -> list[list[list[str]]]:
    if not isinstance(value, list) or len(value) != 7 or not all(isinstance(day, list) for day in value):
        raise Invalid("week", _("A week has seven days, each with its intervals."))
    return [_day(day) for day in value]


def _day(intervals: list[Any]) -> list[list[str]]:
    """The intervals in order. Invalid when one is no interval, or two overlap."""
    if len(intervals) > INTERVALS_LIMIT or not all(_is_interval(entry) for entry in intervals):
        raise Invalid("week", _("An interval has two times, such as 09:00 and 18:00."))
    ordered = sorted([str(entry[0]), str(entry[1])] for entry in intervals)
    if any(opens >= closes for opens, closes in ordered):
        raise Invalid("week", _("Closing must be later than opening; split a night at midnight."))
    if any(later[0] < earlier[1] for earlier, later in pairwise(ordered)):
        raise Invalid("week", _("The intervals of a day must not overlap."))
    return ordered


def _is_interval(entry: Any) -> bool:
    return isinstance(entry, list | tuple) and len(entry) == 2 and all(_CLOCK.fullmatch(str(clock)) for clock in entry)


def _holidays(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or len(value) > HOLIDAYS_LIMIT:
        raise Invalid("holidays", _("Days off are a list of dates."))
    try:
        return sorted({date.fromisoformat(str(day)).isoformat() for day in value})
    except ValueError:
        raise Invalid("holidays", _("Write days off as dates, such as 2027-01-01.")) from None
