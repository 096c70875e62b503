"""Questions about calendars."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import text
from sqlmodel import col, func, select

from app.calendars import hours
from app.calendars.hours import Hours, Version
from app.calendars.models import Calendar, CalendarVersion
from app.clock import now
from app.database import session
from app.errors import NotFound
from app.events.log import Event
from app.i18n import _


def calendars(account_id: int) -> list[Calendar]:
    """All calendars, by name."""
    query = select(Calendar).where(col(Calendar.account_id) == account_id)
    return list(session().exec(query.order_by(col(Calendar.name))))


def calendar(account_id: int, calendar_id: int) -> Calendar:
    """A calendar of the account. NotFound for any other."""
    found = session().get(Calendar, (account_id, calendar_id))
    if found is None:
        raise NotFound(_("There is no such calendar."))
    return found


def versions(calendar: Calendar) -> list[CalendarVersion]:
    """Its versions as they were told, the oldest first."""
    return _versions(calendar.account_id, {calendar.id})


def last_version(calendar: Calendar) -> int:
    """The number of the version told last; 0 before the first."""
    mine = (col(CalendarVersion.account_id) == calendar.account_id, col(CalendarVersion.calendar_id) == calendar.id)
    return session().exec(select(func.max(CalendarVersion.version)).where(*mine)).one() or 0


def latest(calendar: Calendar) -> CalendarVersion:
    """The version that will hold in the end: what an editor changes."""
    return max(versions(calendar), key=lambda version: (version.since, version.version))


def in_force(
    account_id: int, calendar_ids: Collection[int], moment: datetime | None = None
) -> dict[int, CalendarVersion]:
    """Of each calendar the version that holds at the moment (now); one query."""
    chosen: dict[int, CalendarVersion] = {}
    limit = moment or now()
    for version in sorted(_versions(account_id, calendar_ids), key=lambda version: (version.since, version.version)):
        known = chosen.get(version.calendar_id)
        # before the first one the first holds
        if known is None or version.since <= limit or version.since == known.since:
            chosen[version.calendar_id] = version
    return chosen


def hours_of(account_id: int, calendar_ids: Collection[int | None]) -> dict[int | None, Hours]:
    """The hours of each calendar, past and future, in one query; None is open around the clock."""
    known = {calendar_id for calendar_id in calendar_ids if calendar_id is not None}
    found: dict[int | None, Hours] = {None: None}
    told = _versions(account_id, known)
    for calendar_id in known:
        found[calendar_id] = hours.in_order(_hours(v) for v in told if v.calendar_id == calendar_id)
    return found


def assignments(account_id: int) -> list[Event]:
    """Which calendar was given to which inbox or team, in the order of time: `calendar.assigned` of the log."""
    # as it stands in the index: a parameter would not find it
    is_one = text("event.name = 'calendar.assigned'")
    query = select(Event).where(col(Event.account_id) == account_id, is_one)
    return list(session().exec(query.order_by(col(Event.occurred_at), col(Event.seq))))


def _hours(version: CalendarVersion) -> Version:
    return hours.version(version.since, version.timezone, version.week, version.holidays)


def _versions(account_id: int, calendar_ids: Iterable[int]) -> list[CalendarVersion]:
    wanted = set(calendar_ids)
    if not wanted:
        return []
    query = select(CalendarVersion).where(
        col(CalendarVersion.account_id) == account_id, col(CalendarVersion.calendar_id).in_(wanted)
    )
    return list(session().exec(query.order_by(col(CalendarVersion.version))))
