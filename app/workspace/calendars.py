"""Calendars: the week, the days off, and who works by them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import available_timezones

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.calendars import actions, queries, writing
from app.calendars.models import OFFICE_WEEK, Calendar
from app.clock import now
from app.doors import own_account, viewer
from app.errors import Invalid
from app.i18n import _, to_zone
from app.inboxes import queries as inbox_queries
from app.inboxes.models import Inbox
from app.policies import policy
from app.users import queries as people
from app.users.models import Team
from app.workspace.blueprint import bp


@bp.get("/settings/calendars")
@policy("administrator")
def calendars() -> ResponseReturnValue:
    """All calendars."""
    account_id = viewer().account_id
    with own_account():
        found = queries.calendars(account_id)
        held = queries.in_force(account_id, {calendar.id for calendar in found})
        places: list[Inbox | Team] = [*inbox_queries.inboxes(account_id), *people.teams(account_id)]
    names = {c.id: [place.name for place in places if place.calendar_id == c.id] for c in found}
    lines = {calendar_id: _together(writing.written(version.week)) for calendar_id, version in held.items()}
    context = {"calendars": found, "held": held, "names": names, "lines": lines}
    return render_template("workspace/settings/calendars.html", **context)


@bp.get("/settings/calendars/new")
@policy("administrator")
def new_calendar() -> ResponseReturnValue:
    """An office week, to begin with."""
    values = {"name": "", "timezone": viewer().account.timezone, "days": writing.written(OFFICE_WEEK), "holidays": []}
    return _page(None, values)


@bp.post("/settings/calendars")
@policy("administrator")
def create_calendar() -> ResponseReturnValue:
    """One more."""
    return _save(None)


@bp.get("/settings/calendars/<int:calendar_id>")
@policy("administrator")
def calendar(calendar_id: int) -> ResponseReturnValue:
    """One calendar, as it will be in the end."""
    with own_account():
        found = queries.calendar(viewer().account_id, calendar_id)
        version = queries.latest(found)
    values = {"name": found.name, "timezone": version.timezone, "days": writing.written(version.week)}
    return _page(found, values | {"holidays": [writing.day_line(day) for day in version.holidays]})


@bp.post("/settings/calendars/<int:calendar_id>")
@policy("administrator")
def update_calendar(calendar_id: int) -> ResponseReturnValue:
    """Other hours, from now on or from a moment that is named."""
    with own_account():
        found = queries.calendar(viewer().account_id, calendar_id)
    return _save(found)


def _save(found: Calendar | None) -> ResponseReturnValue:
    form = request.form
    values: dict[str, Any] = {
        "name": form.get("name", ""),
        "timezone": form.get("timezone", ""),
        "days": [form.get(f"day_{day}", "")[:500] for day in range(1, 8)],
        "holidays": form.get("holidays", "")[:50_000].splitlines(),
        "inboxes": {int(value) for value in form.getlist("inboxes") if value.isdigit()},
        "teams": {int(value) for value in form.getlist("teams") if value.isdigit()},
    }
    try:
        if form.get("add"):
            return _page(found, values | {"holidays": _with_holidays(values["holidays"])})
        saved = _keep(found, values)
    except Invalid as problem:
        return _page(found, values, problem), 422
    return redirect(f"/settings/calendars/{saved.id}?saved=1", 303)


def _keep(found: Calendar | None, values: dict[str, Any]) -> Calendar:
    by, account_id = viewer().user.actor, viewer().account_id
    hours = {
        "timezone": values["timezone"],
        "week": writing.week_of(values["days"]),
        "holidays": writing.dates_of("\n".join(values["holidays"])),
        "since": _since(request.form.get("since", "")),
    }
    with own_account() as current:
        if found is None:
            kept = actions.create_calendar(account_id, values["name"], by=by, **hours)
        else:
            kept = current.get_one(Calendar, (account_id, found.id), with_for_update=True)
            actions.update_calendar(kept, by=by, name=values["name"], **hours)
        for places, wanted in (
            (inbox_queries.inboxes(account_id), values["inboxes"]),
            (people.teams(account_id), values["teams"]),
        ):
            for place in places:
                if place.id in wanted:
                    actions.assign(place, kept, by=by)
                elif place.calendar_id == kept.id:
                    actions.assign(place, None, by=by)
    return kept


def _page(found: Calendar | None, values: dict[str, Any], problem: Invalid | None = None) -> str:
    account_id = viewer().account_id
    with own_account():
        inboxes, teams = inbox_queries.inboxes(account_id), people.teams(account_id)
        told = queries.versions(found) if found else []
    mine: dict[str, Sequence[Inbox | Team]] = {"inboxes": inboxes, "teams": teams}
    chosen = {
        kind: values.get(kind, {place.id for place in places if found and place.calendar_id == found.id})
        for kind, places in mine.items()
    }
    context: dict[str, Any] = {
        "calendar": found,
        "values": values,
        "problem": problem,
        "versions": told[::-1],
        "chosen": chosen,
        **mine,
    }
    context |= {"days": _days(), "countries": writing.countries(), "timezones": sorted(available_timezones())}
    return render_template(
        "workspace/settings/calendar.html", year=to_zone(now()).year, example=writing.example(), **context
    )


def _with_holidays(lines: list[str]) -> list[str]:
    """The days off with a country's added, each with its name."""
    year = request.form.get("year", type=int) or to_zone(now()).year
    named = writing.public_holidays(request.form.get("country", ""), [year])
    own = dict(writing.day_of(line) for line in lines if line.strip())
    return [writing.day_line(day, remark) for day, remark in sorted((own | named).items())]


def _since(value: str) -> datetime | None:
    """The moment, on the reader's clock; None for now."""
    if not value:
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=to_zone(now()).tzinfo)
    except ValueError:
        raise Invalid("since", _("This is not a date.")) from None


def _together(lines: list[str]) -> list[tuple[str, str]]:
    """(Monday – Friday, its line), …: neighbouring days with the same hours as one."""
    together = []
    for line, group in groupby(zip(lines, _days(), strict=True), key=lambda pair: pair[0]):
        names = [name for _line, name in group]
        together.append((names[0] if len(names) == 1 else f"{names[0]} – {names[-1]}", line))
    return together


def _days() -> list[str]:
    return [_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")]
