"""Chatwoot's working hours of an inbox, told to its calendar, which is the one truth of them (docs/decisions/0008)."""

from typing import Any

from app.calendars import actions as calendar_actions
from app.calendars import queries as calendar_queries
from app.errors import Invalid
from app.i18n import _
from app.inboxes import queries, wire
from app.inboxes.models import Inbox
from app.inboxes.queries import Times
from app.text import NAME_LIMIT
from app.users import queries as user_queries

Week = list[list[list[str]]]


def tell(
    inbox: Inbox,
    *,
    by: str,
    is_limited: bool | None = None,
    timezone: str | None = None,
    days: list[Any] | None = None,
) -> None:
    """Let the inbox be open as these say from now on; None leaves a thing as it is, and so do days that are not named.

    days: as `wire.working_hours` tells them. A calendar that others work by too is left to them: the inbox gets its own.
    """
    if is_limited is None and timezone is None and days is None:
        return
    times = queries.times(inbox.account_id, [inbox])[inbox.id]
    week = times.week if days is None else _week(days, times)
    if not (times.is_limited if is_limited is None else is_limited):
        calendar_actions.assign(inbox, None, by=by)
        return
    hours: dict[str, Any] = {"timezone": timezone or times.timezone, "week": week}
    mine = calendar_queries.calendar(inbox.account_id, inbox.calendar_id) if inbox.calendar_id is not None else None
    if mine is not None and not _is_shared(inbox):
        calendar_actions.update_calendar(mine, by=by, **hours)
    elif mine is None or (times.timezone, times.week) != (hours["timezone"], week):
        holidays = calendar_queries.latest(mine).holidays if mine else ()
        own = calendar_actions.create_calendar(inbox.account_id, _free_name(inbox), by=by, holidays=holidays, **hours)
        calendar_actions.assign(inbox, own, by=by)


def _week(days: list[Any], times: Times) -> Week:
    """The week with these days in it. A day sent back as it was told keeps its breaks, of which Chatwoot knows nothing."""
    week = [*times.week]
    for told, known in ((day, wire.working_hours(times)) for day in days):
        weekday = told.get("day_of_week") if isinstance(told, dict) else None
        if not isinstance(weekday, int) or isinstance(weekday, bool) or weekday not in range(7):
            raise Invalid("working_hours", _("A day is told by its number, from 0 for Sunday to 6."))
        if not (told.items() >= known[weekday].items()):
            week[(weekday - 1) % 7] = _day(told)
    return week


def _day(told: dict[str, Any]) -> list[list[str]]:
    if told.get("closed_all_day"):
        return []
    if told.get("open_all_day"):
        return [["00:00", "24:00"]]
    opens, closes = (_clock(told.get(f"{word}_hour"), told.get(f"{word}_minutes", 0)) for word in ("open", "close"))
    # the last minute that Chatwoot can say
    return [[opens, "24:00" if closes == "23:59" else closes]]


def _clock(hour: Any, minutes: Any) -> str:
    if hour not in range(24) or minutes not in range(60) or isinstance(hour, bool) or isinstance(minutes, bool):
        raise Invalid("working_hours", _("Hours are whole numbers from 0 to 23, minutes from 0 to 59."))
    return f"{int(hour):02}:{int(minutes):02}"


def _is_shared(inbox: Inbox) -> bool:
    inboxes = {other.calendar_id for other in queries.inboxes(inbox.account_id) if other.id != inbox.id}
    return inbox.calendar_id in inboxes | {team.calendar_id for team in user_queries.teams(inbox.account_id)}


def _free_name(inbox: Inbox) -> str:
    taken = {calendar.name for calendar in calendar_queries.calendars(inbox.account_id)}
    return inbox.name if inbox.name not in taken else f"{inbox.name[: NAME_LIMIT - 20]} ({inbox.id})"
