"""Which working hours a conversation lives by: its team's calendar, or else its inbox's, each while it was assigned.

A schedule is what follows for one inbox and team over all of time. `B(t)`, its open time up to t, is found in `openings` as
analytics/business_time.py tells it of a calendar.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl

from analytics import business_time

# As far as a due time is looked for: what is not used up by then never is. The core looks no farther either.
HORIZON_US = 2100 * 86_400 * 1_000_000
FOREVER_AGO = -(2**62)

Assignment = tuple[int, int | None]
Timeline = tuple[Assignment, ...]

_ASSIGNED = """
    select cast(data ->> '$.inbox_id' as bigint), cast(data ->> '$.team_id' as bigint),
        cast(data ->> '$.calendar_id' as bigint), occurred_us, coalesce(causation = 'history', false)
    from log where name = 'calendar.assigned' order by occurred_us, seq
"""
_VERSIONED = """
    select cast(data ->> '$.calendar_id' as bigint) as calendar_id,
        epoch_us(cast(data ->> '$.since' as timestamptz)) as since, data ->> '$.timezone' as timezone,
        cast(data -> '$.week' as varchar[][][]) as week, cast(data -> '$.holidays' as varchar[]) as holidays
    from log where name = 'calendar.versioned' and data ->> '$.since' is not null order by seq
"""
_PLACES = "select distinct inbox_id, coalesce(team_after, 0) from told order by all"
_EDGES = "select coalesce(min(occurred_us), 0), coalesce(max(occurred_us), 0) from told"


def lay_out(memory: duckdb.DuckDBPyConnection, now_us: int) -> None:
    """Make `schedules` (inbox_id, team_id or 0, schedule_id; none: always open) and `openings` (of each schedule_id: opens,
    closes, open_before) in `memory`, of the `log` and the `told` there."""
    inboxes, teams = _assigned(memory)
    numbers: dict[Timeline, int] = {}
    places: list[tuple[int, int, int]] = []
    for inbox_id, team_id in memory.execute(_PLACES).fetchall():
        timeline = _timeline(inboxes.get(inbox_id, []), teams.get(team_id, []))
        if any(calendar_id is not None for _, calendar_id in timeline):
            places.append((inbox_id, team_id, numbers.setdefault(timeline, len(numbers) + 1)))
    first, last = memory.execute(_EDGES).fetchall()[0]
    openings = _openings(memory, numbers, first, max(last, now_us) + HORIZON_US)
    schedules = pl.DataFrame(
        places, schema=dict.fromkeys(("inbox_id", "team_id", "schedule_id"), pl.Int64), orient="row"
    )
    for name, table in (("schedules", schedules), ("openings", openings)):
        memory.register(f"_{name}", table)
        memory.execute(f"create or replace temp table {name} as from _{name}")
        memory.unregister(f"_{name}")


def _assigned(memory: duckdb.DuckDBPyConnection) -> tuple[dict[int, list[Assignment]], dict[int, list[Assignment]]]:
    """What calendar each inbox and each team had since when, in order of time."""
    inboxes: dict[int, list[Assignment]] = {}
    teams: dict[int, list[Assignment]] = {}
    for inbox_id, team_id, calendar_id, since, is_history in memory.execute(_ASSIGNED).fetchall():
        mine = inboxes.setdefault(inbox_id, []) if inbox_id is not None else teams.setdefault(team_id, [])
        # a history file says which calendar an inbox has, not since when
        mine.append((FOREVER_AGO if is_history and not mine else since, calendar_id))
    return inboxes, teams


def _timeline(inbox: Sequence[Assignment], team: Sequence[Assignment]) -> Timeline:
    """(since, calendar) of a place, changes alone: the team's calendar, or else the inbox's."""
    found: list[Assignment] = []
    for since in sorted({FOREVER_AGO, *(since for since, _ in (*inbox, *team))}):
        calendar_id = _in_force(team, since) or _in_force(inbox, since)
        if not found or found[-1][1] != calendar_id:
            found.append((since, calendar_id))
    return tuple(found)


def _in_force(assignments: Iterable[Assignment], moment: int) -> int | None:
    last = None
    for since, calendar_id in assignments:
        if since <= moment:
            last = calendar_id
    return last


def _openings(memory: duckdb.DuckDBPyConnection, numbers: dict[Timeline, int], begin: int, end: int) -> pl.DataFrame:
    """The openings of every schedule in [begin, end)."""
    schema = dict.fromkeys(("schedule_id", "opens", "closes", "open_before"), pl.Int64)
    if not numbers:
        return pl.DataFrame(schema=schema)
    known = business_time.openings(memory.sql(_VERSIONED).pl(), _moment(begin), _moment(end))
    parts = [
        _opening(known, timeline, begin, end).with_columns(schedule_id=pl.lit(n)) for timeline, n in numbers.items()
    ]
    return (
        pl.concat(parts).select(pl.col(name).cast(kind) for name, kind in schema.items()).sort("schedule_id", "opens")
    )


def _opening(known: pl.DataFrame, timeline: Timeline, begin: int, end: int) -> pl.DataFrame:
    parts = []
    for (since, calendar_id), (until, _) in zip(timeline, (*timeline[1:], (end, None)), strict=True):
        start, stop = max(since, begin), min(until, end)
        if start >= stop:
            continue
        if calendar_id is None:
            parts.append(pl.DataFrame({"opens": [start], "closes": [stop]}))
            continue
        mine = known.filter(calendar_id=calendar_id).select("opens", "closes")
        inside = mine.filter((pl.col("opens") < stop) & (pl.col("closes") > start))
        parts.append(inside.select(pl.all().clip(start, stop)))
    joined = pl.concat(parts).sort("opens")
    length = pl.col("closes") - pl.col("opens")
    return joined.with_columns(open_before=length.cum_sum() - length)


def _moment(instant_us: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=instant_us)
