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
_PLACES = """
    select inbox_id, team_id
    from (select distinct inbox_id from log where conversation_id is not null)
    cross join (
        select 0 as team_id
        union
        select team_id from log
        where conversation_id is not null and name in ('conversation.created', 'team.changed') and team_id is not null
    )
    order by all
"""
_EDGES = (
    "select coalesce(min(occurred_us), 0), coalesce(max(occurred_us), 0) from log where conversation_id is not null"
)
# Two hours: most of them lie in one opening or one pause; the SQL that reads the clock divides by it
SLOT_US = 7_200_000_000
# What stands in a slot of the clock: the openings, the pauses between them, cut where a slot ends
_CLOCK = """
    with edges as (
        select schedule_id, opens as from_us, closes as to_us, open_before, 1 as rate from openings
        union all
        select schedule_id, closes, lead(opens, 1, {end}) over (partition by schedule_id order by opens),
            open_before + closes - opens, 0
        from openings
        union all
        select schedules.schedule_id, {begin}, coalesce(min(opens), {end}), 0, 0
        from schedules left join openings using (schedule_id)
        group by schedules.schedule_id
    ),
    cut as (
        select *, unnest(range(from_us // {slot}, (to_us - 1) // {slot} + 1)) as slot
        from edges where from_us < to_us and from_us <= {last}
    )
    select
        schedule_id, slot, greatest(from_us, slot * {slot}) as from_us, least(to_us, (slot + 1) * {slot}) as to_us, rate,
        open_before + rate * (greatest(from_us, slot * {slot}) - from_us) as open_before
    from cut where slot <= {last} // {slot}
"""


def lay_out(memory: duckdb.DuckDBPyConnection, now_us: int) -> None:
    """Make `schedules` (inbox_id, team_id or 0, schedule_id; none: always open) and `openings` (of each schedule_id: opens,
    closes, open_before) in `memory`, of the `log` there. And `clock` (schedule_id, slot, from_us, to_us, open_before, rate), to
    join by the slot of an instant t: B(t) = open_before + rate × (t − from_us), where from_us <= t < to_us."""
    inboxes, teams = _assigned(memory)
    numbers: dict[Timeline, int] = {}
    places: list[tuple[int, int, int]] = []
    for inbox_id, team_id in memory.execute(_PLACES).fetchall():
        timeline = _timeline(inboxes.get(inbox_id, []), teams.get(team_id, []))
        if any(calendar_id is not None for _, calendar_id in timeline):
            places.append((inbox_id, team_id, numbers.setdefault(timeline, len(numbers) + 1)))
    first, last = memory.execute(_EDGES).fetchall()[0]
    horizon = max(last, now_us) + HORIZON_US
    openings = _openings(memory, numbers, first, horizon)
    schedules = pl.DataFrame(
        places, schema=dict.fromkeys(("inbox_id", "team_id", "schedule_id"), pl.Int64), orient="row"
    )
    for name, table in (("schedules", schedules), ("openings", openings)):
        memory.register(f"_{name}", table)
        memory.execute(f"create or replace temp table {name} as from _{name}")
        memory.unregister(f"_{name}")
    clock = _CLOCK.format(slot=SLOT_US, begin=first, last=last, end=horizon)
    memory.execute(f"create or replace temp table clock as {clock}")


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
