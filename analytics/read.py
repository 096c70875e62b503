# ruff: noqa: S608  the SQL is of our own words; what people typed is bound
"""The one reader of the marts: command line, dashboards, notebooks and exports all ask here, so they cannot differ.

    marts = current(lake, account_id)        # or build.as_known(lake, account_id, moment): as the log knew it then
    answer(marts, Query("first_response_human", since, until, by="day", timezone="Europe/Moscow")).rows
    [{"day": "2026-03-02", "n": 12, "mean": 340.5, "p50": 210.0, "p90": 900.0, "value": 340.5}, …]
    behind(marts, query, {"day": "2026-03-02"})                          # the rows that number was made of
    [{"display_id": 42, "conversation_id": 42, "dated": "2026-03-02T09:00:00+00:00", "value": 300.0, …}, …]
    answer(marts, previous(query))                                       # the same length of time just before
    answers(marts, [query, replace(query, metric="conversations")])      # several at once, which is quicker

Seconds for spans, fractions for ratios; counts stand in both `n` and `value`; empty groups have no row. Rows by inbox, agent
or team say the name too, and the external id where an import gave one.

Percentiles need every span; all else comes of sums, which `rollups.py` keeps ready for most questions. Sums are of whole
microseconds, so the answer is the same to the last bit wherever it comes from.
"""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from analytics import rollups
from analytics.checks import MARTS
from analytics.errors import Refused
from analytics.lake import account, manifest, mart
from analytics.local_time import QUARTER_US, Clock, bucket, clock, dawns, dim_time, quarters, unbucket, us, zone
from analytics.metrics import METRICS, Kind, Metric
from analytics.rollups import Level

MAX_YEARS = 30

# group -> the columns it is made of; those of a calendar come of its clocks
CALENDAR = {
    "day": ("day",),
    "hour": ("hour",),
    "week": ("week",),
    "month": ("month",),
    "weekday_hour": ("weekday", "hour_of_day"),
}
# Those that are of whole days
OF_DAYS = ("day", "week", "month")
DIMENSIONS = {"inbox": "inbox_id", "agent": "agent_id", "team": "team_id", "priority": "priority"}
GROUPS = (*CALENDAR, *DIMENSIONS, "channel", "label", "captain", "status")
# What the marts call the column of a group, where they call it otherwise
COLUMN_OF = DIMENSIONS | {"channel": "inbox_id", "captain": "is_captains"}
# What “as of today” says otherwise than the event
OF_TODAY = ("agent_id", "team_id", "labels", "is_captains")
# Which small table names a group, and by what
NAMED = {"inbox": "inboxes", "agent": "agents", "team": "teams", "policy": "sla_policies", "article": "articles"}

# What a statement gives: the keys of a group, then its numbers
Row = tuple[Any, ...]


class Time(StrEnum):
    """Which seconds a span counts: all of them, or those in working hours."""

    CALENDAR = "calendar"
    BUSINESS = "business"


class Attribution(StrEnum):
    """Whose a thing counted is: as it was at the event, or the conversation's assignee, team, labels as of today."""

    EVENT = "event"
    CURRENT = "current"


@dataclass(frozen=True)
class Query:
    """A metric over [since, until), both aware; days and hours are those of `timezone` (IANA). Empty filters let all pass.

    with_spread: spans say p50 and p90 too, which takes longer; without it these are null.
    """

    metric: str
    since: datetime
    until: datetime
    by: str | None = None
    timezone: str = "UTC"
    inbox_ids: tuple[int, ...] = ()
    agent_ids: tuple[int, ...] = ()
    team_ids: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    time: Time = Time.CALENDAR
    attribution: Attribution = Attribution.EVENT
    with_spread: bool = True


@dataclass(frozen=True)
class Answer:
    """`rows` in order of their group: the group's keys, then n, mean, p50, p90, value (CSAT: low and high as well)."""

    metric: str
    unit: str
    rows: list[dict[str, Any]]


def answer(marts: Path, query: Query) -> Answer:
    """What the marts in this folder say to `query`. Refused, with a sentence, for what cannot be asked."""
    return answers(marts, [query])[0]


def answers(marts: Path, queries: Sequence[Query]) -> list[Answer]:
    """The same of several, in their order: those that differ in their metric alone cost little more than one."""
    rows: dict[Query, list[Row]] = {}
    for together in _together(marts, queries):
        with _engine(marts).cursor() as memory:
            rows |= zip(together, _asked(memory, marts, together), strict=True)
    return [_answer(marts, query, rows[query]) for query in queries]


def answer_by(memory: duckdb.DuckDBPyConnection, marts: Path, query: Query) -> Answer:
    """The same from an engine of one's own with nothing in it: another than DuckDB has to know its SQL, see elsewhere.py."""
    _checked(query)
    return _answer(marts, query, _asked(memory, marts, [query])[0])


def _answer(marts: Path, query: Query, rows: list[Row]) -> Answer:
    metric = METRICS[query.metric]
    told = [_row(metric, query.by, row) for row in rows]
    return Answer(metric.name, metric.unit.value, _named(marts, query.by, told))


def _together(marts: Path, queries: Iterable[Query]) -> Iterable[list[Query]]:
    """What one statement can answer: the same asked of several metrics whose sums are kept."""
    found: dict[Any, list[Query]] = {}
    for query in dict.fromkeys(queries):
        metric = _checked(query)
        is_kept = _is_of_sums(metric, query) and metric.kind != Kind.STOCK and _rollup(marts, metric, query) is not None
        found.setdefault(replace(query, metric="") if is_kept else query, []).append(query)
    return found.values()


def _asked(memory: duckdb.DuckDBPyConnection, marts: Path, queries: Sequence[Query]) -> list[list[Row]]:
    """The rows of each, of queries that go together."""
    query = queries[0]
    metric = METRICS[query.metric]
    if query.by == "channel":
        _name_channels(memory, marts)
    if not _is_of_sums(metric, query):
        return [_of_rows(memory, marts, metric, query)]
    if metric.kind == Kind.STOCK and query.by in CALENDAR:
        return [_stock_by_time(memory, marts, metric, query)]
    return _of_sums(memory, marts, [METRICS[each.metric] for each in queries], query)


def _is_of_sums(metric: Metric, query: Query) -> bool:
    return metric.kind != Kind.SHARE and not (metric.kind == Kind.SPAN and query.with_spread)


def behind(
    marts: Path, query: Query, cell: dict[str, Any] | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """What one number was made of, newest first: {"display_id", "conversation_id", "dated" (RFC 3339), "value"} of each.

    cell: the group's keys of a row of `answer`, as they stand there; none for the whole. limit: of how many at most; all, when
    none is said. value: seconds of a span, whether it is a hit of a ratio, 1 of a count. A conversation may stand there more
    than once: with each of its answers, say.
    """
    metric = _checked(query)
    with _engine(marts).cursor() as memory:
        if query.by == "channel":
            _name_channels(memory, marts)
        _lay_out(memory, marts, [metric], query, "conversations")
        return (
            _stock_behind(memory, metric, query, cell)
            if metric.kind == Kind.STOCK
            else _flow_behind(memory, metric, query, cell, limit)
        )


def previous(query: Query) -> Query:
    """The same question of the period just before, as long by the clocks of the zone: of whole days, so many whole days."""
    where = zone(query.timezone)
    since, until = query.since.astimezone(where), query.until.astimezone(where)
    # by the clock on the wall, so that a day of 23 hours has a whole day before it
    length = until.replace(tzinfo=None) - since.replace(tzinfo=None)
    earlier = (since.replace(tzinfo=None) - length).replace(tzinfo=where)
    return replace(query, since=earlier, until=query.since)


def current(lake: Path, account_id: int) -> Path:
    """The marts of the account's current build. Refused before the first."""
    found = account(lake, account_id).current()
    if found is None:
        raise Refused(
            "There are no numbers for this account yet: the first build has not run.",
            "Для этого аккаунта пока нет чисел: первая сборка ещё не прошла.",
        )
    return found


def table(marts: Path, name: str) -> list[dict[str, Any]]:
    """A small table as it was when this build was made: accounts, agents, inboxes, teams, labels, sla_policies."""
    file = marts / f"{name}.parquet"
    return pl.read_parquet(file).to_dicts() if file.exists() else []


def _checked(query: Query) -> Metric:
    if query.metric not in METRICS:
        names = ", ".join(METRICS)
        raise Refused(
            f"There is no metric “{query.metric}”. There are: {names}.",
            f"Метрики «{query.metric}» нет. Есть: {names}.",
        )
    metric = METRICS[query.metric]
    groups = groups_of(metric)
    if query.by is not None and query.by not in groups:
        raise Refused(
            f"{metric.name} cannot be grouped by “{query.by}”. It can by: {', '.join(groups)}.",
            f"{metric.name} нельзя сгруппировать по «{query.by}». Можно по: {', '.join(groups)}.",
        )
    if query.since.tzinfo is None or query.until.tzinfo is None:
        raise ValueError("a window needs aware times")
    if query.since >= query.until:
        raise Refused(
            "The window is empty: “from” must be before “to”.", "Период пуст: начало должно быть раньше конца."
        )
    if query.until - query.since > timedelta(days=366 * MAX_YEARS):
        raise Refused(f"A window of more than {MAX_YEARS} years.", f"Период длиннее {MAX_YEARS} лет.")
    zone(query.timezone)
    return metric


def groups_of(metric: Metric) -> tuple[str, ...]:
    """What `by` can be for this metric."""
    if metric.only is not None:
        return metric.only
    left_out = "weekday_hour" if metric.kind == Kind.STOCK else "status"
    return (*(group for group in GROUPS if group != left_out), *metric.groups)


@lru_cache(maxsize=4)
def _engine(_marts: Path) -> duckdb.DuckDBPyConnection:
    """An empty DuckDB for this folder, because making one takes longer than asking it; each question has a cursor of its own.

    It remembers the footers of the files it has read, and would of every build there ever was: so there are few of them.
    """
    engine = duckdb.connect(config={"threads": 2})
    engine.execute("set global parquet_metadata_cache = true")
    return engine


def _name_channels(memory: duckdb.DuckDBPyConnection, marts: Path) -> None:
    inboxes = {"inbox_id": pl.Int64, "channel": pl.String}
    rows = [{key: row[key] for key in inboxes} for row in table(marts, "inboxes")]
    memory.register("inboxes", pl.DataFrame(rows, schema=inboxes))


def _lay_out(
    memory: duckdb.DuckDBPyConnection, marts: Path, metrics: Sequence[Metric], query: Query, *more: str
) -> None:
    """The marts that the metrics' rows are of, and those named; the window and the clock."""
    now_us = manifest(marts).as_of_us or time.time_ns() // 1000
    # of constants, so that what lies outside of the window need not be read
    asked = {"since_us": us(query.since), "until_us": us(query.until), "now_us": now_us}
    columns = ", ".join(f"cast({value} as bigint) as {name}" for name, value in asked.items())
    memory.execute(f"create temp view asked as select {columns}")
    words = {*(word for metric in metrics for word in _words(metric)), *more}
    if query.attribution == Attribution.CURRENT:
        words.add("conversations_now")
    for name in words & MARTS.keys():
        memory.execute(f"create temp view {name} as {mart(marts, name)}")


def _words(metric: Metric) -> set[str]:
    return set(re.findall(r"\w+", metric.sql))


def _clock(query: Query) -> Clock:
    return clock(*quarters(query.since, query.until), zone(query.timezone))


# -- from the rows


def _of_rows(memory: duckdb.DuckDBPyConnection, marts: Path, metric: Metric, query: Query) -> list[Row]:
    """What takes every row: percentiles; shares of time."""
    _lay_out(memory, marts, [metric], query)
    source, keys = _source(query)
    chosen, values = _chosen(metric, query, _window(metric, us(query.since), us(query.until)))
    having = "sum(whole_us) > 0" if metric.kind == Kind.SHARE else "count(*) > 0"
    grouped = _grouped(keys, _AGGREGATES[metric.kind], source, having)
    return memory.execute(f"with chosen as ({chosen}) {grouped}", values).fetchall()


def _grouped(keys: tuple[str, ...], aggregates: str, source: str, having: str) -> str:
    groups = ", ".join(keys)
    order = ", ".join(f"{key} nulls last" for key in keys)
    return f"""select {groups}{"," if keys else ""} {aggregates} from {source}
        {f"group by {groups}" if keys else ""} having {having} {f"order by {order}" if keys else ""}"""


def _window(metric: Metric, since_us: int | None, until_us: int) -> str:
    """The condition that it happened in [since, until), or ever before; of a stock, in (since, until]."""
    later = 1 if metric.kind == Kind.STOCK else 0
    begun = f"dated_us >= {since_us + later} and " if since_us is not None else ""
    return f"{begun}dated_us < {until_us + later}"


def _chosen(metric: Metric, query: Query, window: str) -> tuple[str, dict[str, Any]]:
    """SQL for what the metric counts in the window and the filters let pass, and the filters' values."""
    where, values = _filters(query)
    span = ", span_us as counted_us" if query.time == Time.CALENDAR else ", worked_us as counted_us"
    units = f"select units.*{span if metric.kind == Kind.SPAN else ''} from ({metric.sql}) as units"
    if query.attribution == Attribution.CURRENT and metric.kind != Kind.SHARE:
        units = f"""select units.* exclude ({", ".join(OF_TODAY)}), {", ".join(f"today.{name}" for name in OF_TODAY)}
            from ({units}) as units left join conversations_now as today on units.conversation_id = today.conversation_id"""
    return f"select units.* from ({units}) as units where {window} {where}", values


# -- from sums


@dataclass(frozen=True)
class _Window:
    """[since_us, until_us), or all before its end; of a stock, (since_us, until_us]. And what to cut it by: SQL by name, of a
    quarter, and of a day where days can say."""

    since_us: int | None
    until_us: int
    of_quarters: Mapping[str, str]
    of_days: Mapping[str, str] | None


def _of_sums(
    memory: duckdb.DuckDBPyConnection, marts: Path, metrics: Sequence[Metric], query: Query
) -> list[list[Row]]:
    """Of each metric, what happened in the window, or for a stock, what there was at its end: everything up to then, added up."""
    sums, values = _sums(memory, marts, metrics, query, _window_of(marts, metrics[0], query))
    source, keys = _source_of_sums(query.by, f"({sums}) as sums")
    counted = "span_us" if query.time == Time.CALENDAR else "worked_us"
    kinds = {metric.kind for metric in metrics}
    # sums of whole microseconds are exact, so the answer does not depend on the order of the rows
    mean = f"sum({counted}) / (sum(n) * 1e6)" if Kind.SPAN in kinds else "null"
    hits = "cast(sum(hits) as bigint)" if Kind.RATIO in kinds else "null"
    groups = ", ".join(("metric", *keys))
    found = memory.execute(
        f"""select {groups}, cast(sum(n) as bigint) as n, {mean} as mean, {hits} as hits
            from {source} group by {groups} having sum(n) > 0""",
        values,
    ).fetchall()
    rows: dict[str, list[Row]] = {metric.name: [] for metric in metrics}
    for name, *row, n, mean, hits in sorted(found, key=_place):
        more = {Kind.SPAN: (mean, None, None), Kind.RATIO: (hits,)}.get(METRICS[name].kind, ())
        rows[name].append((*row, n, *more))
    return list(rows.values())


def _place(row: Row) -> list[tuple[bool, Any]]:
    """Where it stands among the others: by its groups, nobody's last."""
    return [(part is None, part) for part in row[:-3]]


def _window_of(marts: Path, metric: Metric, query: Query) -> _Window:
    since_us = None if metric.kind == Kind.STOCK and query.by not in CALENDAR else us(query.since)
    if query.by in CALENDAR:
        clocks, is_of_days = _clock(query), query.by in OF_DAYS and rollups.timezone_of_days(marts) == query.timezone
        of_days = clocks.of_days(query.by, "day") if is_of_days else None
        return _Window(since_us, us(query.until), clocks.of_quarters(query.by, "q15"), of_days)
    column = _column(query)
    keys = {column: column} if column else {}
    return _Window(since_us, us(query.until), keys, keys)


def _source_of_sums(by: str | None, sums: str) -> tuple[str, tuple[str, ...]]:
    if by is None:
        return sums, ()
    if by in CALENDAR:
        return sums, CALENDAR[by]
    if by == "channel":
        return f"{sums} left join inboxes using (inbox_id)", ("channel",)
    if by == "captain":
        return f"(select *, {_HELD} as captain from {sums}) as sums", ("captain",)
    return sums, (COLUMN_OF.get(by, by),)


def _stock_by_time(memory: duckdb.DuckDBPyConnection, marts: Path, metric: Metric, query: Query) -> list[Row]:
    """What there was at the end of each part of the window."""
    (key,) = CALENDAR[query.by or ""]
    at_first = {key: "cast(null as bigint)"}
    windows = _Window(None, us(query.since), at_first, at_first), _window_of(marts, metric, query)
    sums, values = _sums(memory, marts, [metric], query, *windows)
    moves = dict(
        memory.execute(f"select {key}, cast(sum(n) as bigint) as n from ({sums}) group by {key}", values).fetchall()
    )
    stock, rows = moves.get(None, 0), []
    for part in _parts_of(query.since, query.until, query.timezone, key):
        stock += moves.get(part, 0)
        rows += [(part, stock)] if stock > 0 else []
    return rows


@lru_cache(maxsize=64)
def _parts_of(since: datetime, until: datetime, timezone: str, key: str) -> list[int]:
    parts: list[int] = dim_time(since, until, zone(timezone))[key].unique().sort().to_list()
    return parts


def _sums(
    memory: duckdb.DuckDBPyConnection, marts: Path, metrics: Sequence[Metric], query: Query, *windows: _Window
) -> tuple[str, dict[str, Any]]:
    """SQL for metric, keys, n, span_us, worked_us and hits of what there is to count, and the filters' values; one group may
    stand there several times. From the rollups, where those can say; what they cannot, from the rows.
    """
    column = _rollup(marts, metrics[0], query)
    parts: list[str] = []
    of_rows: list[tuple[str, Metric, _Window]] = []
    values: dict[str, Any] = {}
    for window in windows:
        whole, rest = _whole_quarters(window) if column is not None else (None, [window])
        if whole is not None and column is not None:
            where, values = _filters(query, column)
            parts += [part + where for part in _kept(marts, metrics, column, whole)]
            for metric in metrics:
                of_rows += [(sign, early, whole) for sign, early in _unsettled(marts, metric, us(query.until))]
        of_rows += [("", metric, part) for part in rest for metric in metrics]
    if of_rows:
        _lay_out(memory, marts, metrics, query)
    for sign, metric, window in of_rows:
        chosen, more = _chosen(metric, query, _window(metric, window.since_us, window.until_us))
        names = "".join(f"{name}, " for name in window.of_quarters)
        sums = ", ".join(f"{sign}{name} as {name}" for name in rollups.SUMS)
        summed = rollups.summed(metric, chosen, window.of_quarters)
        parts.append(f"select '{metric.name}' as metric, {names} {sums} from ({summed})")
        values |= more
    return " union all ".join(parts), values


def _whole_quarters(window: _Window) -> tuple[_Window | None, list[_Window]]:
    """The quarters that lie in the window, if any do, and what is left of it."""
    since_us, until_us = window.since_us, window.until_us // QUARTER_US * QUARTER_US
    begin_us = since_us if since_us is None else -(-since_us // QUARTER_US) * QUARTER_US
    if begin_us is not None and begin_us >= until_us:
        return None, [window]
    left = [replace(window, since_us=until_us)] if until_us < window.until_us else []
    left += [replace(window, until_us=begin_us)] if begin_us is not None and begin_us != since_us else []
    return replace(window, since_us=begin_us, until_us=until_us), left


def _kept(marts: Path, metrics: Sequence[Metric], column: str, window: _Window) -> list[str]:
    """SQL for the sums that are kept of a window of whole quarters: of days, and of the quarters before and after them."""
    first = window.since_us if window.since_us is None else window.since_us // QUARTER_US
    last = window.until_us // QUARTER_US
    levels: list[tuple[Level, int | None, int]] = [(Level.QUARTERS, first, last)]
    timezone = rollups.timezone_of_days(marts)
    if window.of_days is not None and timezone is not None:
        begun = (
            (None, None) if first is None else next(dawn for dawn in dawns(first, zone(timezone)) if dawn[0] >= first)
        )
        ended = [dawn for dawn in dawns(last, zone(timezone)) if dawn[0] <= last][-1]
        if begun[0] is None or begun[0] < ended[0]:
            levels = [(Level.QUARTERS, first, begun[0])] if begun[0] is not None and begun[0] != first else []
            levels += [(Level.DAYS, begun[1], ended[1])]
            levels += [(Level.QUARTERS, ended[0], last)] if ended[0] != last else []
    names = ", ".join(f"'{metric.name}'" for metric in metrics)
    parts = []
    for level, begin, end in levels:
        keys = (window.of_days or {}) if level == Level.DAYS else window.of_quarters
        told = "".join(f"{made} as {name}, " for name, made in keys.items())
        parts.append(
            f"""select metric, {told} {", ".join(rollups.SUMS)} from ({rollups.rollup(marts, level, column)})
                where metric in ({names}) {f"and {level} >= {begin}" if begin is not None else ""} and {level} < {end} """
        )
    return parts


def _unsettled(marts: Path, metric: Metric, until_us: int) -> list[tuple[str, Metric]]:
    """What to add to sums made as if no window ended, and what to take away: the metric of the rows that are told otherwise
    when it ends at `until_us`, as of then and as of never. Mostly there are none."""
    if not metric.settled_by or until_us > _settled_us(marts, metric):
        return []
    (name,) = _words(metric) & MARTS.keys()
    late = f"{name} as (select * from ({mart(marts, name)}) where {metric.settled_by} >= {until_us})"
    return [
        (
            sign,
            replace(metric, sql=f"with {late}, asked as (select cast({ends_us} as bigint) as until_us) {metric.sql}"),
        )
        for sign, ends_us in (("", until_us), ("-", rollups.NEVER_US))
    ]


@lru_cache(maxsize=256)
def _settled_us(marts: Path, metric: Metric) -> int:
    """Until when rows of the metric change."""
    (name,) = _words(metric) & MARTS.keys()
    with _engine(marts).cursor() as memory:
        found = memory.execute(f"select coalesce(max({metric.settled_by}), 0) from ({mart(marts, name)})").fetchall()
    return int(found[0][0])


def _rollup(marts: Path, metric: Metric, query: Query) -> str | None:
    """By which column the rollup is that can answer: "" for by none; None when there is no such."""
    filters = {
        "inbox_id": query.inbox_ids,
        "agent_id": query.agent_ids,
        "team_id": query.team_ids,
        "label": query.labels,
    }
    filtered = {name for name, chosen in filters.items() if chosen}
    column = _column(query)
    wanted = [*(filtered | {column} if column else filtered)]
    if metric not in rollups.KEPT or len(wanted) > 1 or not rollups.stand_in(marts):
        return None
    by = wanted[0] if wanted else ""
    if by not in rollups.columns_of(metric):
        return None
    # a conversation with two labels stands there twice
    if by == "label" and (len(query.labels) > 1 or (query.labels and column == "label")):
        return None
    is_of_today = by in OF_TODAY or by == "label"
    return None if query.attribution == Attribution.CURRENT and is_of_today else by


def _column(query: Query) -> str | None:
    """The column that the marts group this by, where it is one."""
    return COLUMN_OF.get(query.by, query.by) if query.by and query.by not in CALENDAR else None


def _flow_behind(
    memory: duckdb.DuckDBPyConnection, metric: Metric, query: Query, cell: dict[str, Any] | None, limit: int | None
) -> list[dict[str, Any]]:
    source, keys = _source(query)
    chosen, values = _chosen(metric, query, _window(metric, us(query.since), us(query.until)))
    value = {Kind.SPAN: "counted_us / 1e6", Kind.RATIO: "is_hit", Kind.SHARE: "part_us / 1e6"}.get(metric.kind, "1")
    where, wanted = _cell(query.by, keys, cell)
    # one row of a metric may stand in several groups only by its labels, and here one group is asked for
    once = "distinct" if query.by == "label" and not cell else ""
    rows = memory.execute(
        f"""
        with chosen as ({chosen})
        select {once} display_id, found.conversation_id, found.seq, dated_us, {value} as value
        from (select * from {source} where {where}) as found left join conversations
            on found.conversation_id = conversations.conversation_id
        order by dated_us desc, found.seq desc
        {f"limit {limit:d}" if limit is not None else ""}
        """,
        values | wanted,
    ).fetchall()
    return [_told(*row) for row in rows]


def _stock_behind(
    memory: duckdb.DuckDBPyConnection, metric: Metric, query: Query, cell: dict[str, Any] | None
) -> list[dict[str, Any]]:
    until = us(query.until)
    if cell and query.by in CALENDAR:
        clocks = dim_time(query.since, query.until, zone(query.timezone))
        of_part = clocks.filter(pl.col(CALENDAR[query.by][0]) == unbucket(query.by, cell)[0])["q15"].to_list()
        until = min(until, (of_part[-1] + 1) * QUARTER_US)
        query, cell = replace(query, by=None), None
    source, keys = _source(query)
    chosen, values = _chosen(metric, query, _window(metric, None, until))
    where, wanted = _cell(query.by, keys, cell)
    rows = memory.execute(
        f"""
        with chosen as ({chosen}),
        left_over as (
            select conversation_id, max(seq) as seq, max(dated_us) as dated_us, sum(delta) as n
            from (select * from {source}) as found where {where}
            group by conversation_id having sum(delta) > 0
        )
        select display_id, left_over.conversation_id, left_over.seq, dated_us, 1 as value
        from left_over join conversations on left_over.conversation_id = conversations.conversation_id
        order by dated_us desc, left_over.seq desc
        """,
        values | wanted,
    ).fetchall()
    return [_told(*row) for row in rows]


def _cell(by: str | None, keys: tuple[str, ...], cell: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """The condition that a row stands in this group, and its values."""
    if not cell or by is None:
        return "true", {}
    wanted = unbucket(by, cell) if by in CALENDAR else (cell[by],)
    values = {f"cell_{key}": value for key, value in zip(keys, wanted, strict=True) if value is not None}
    words = [
        f"{key} = $cell_{key}" if value is not None else f"{key} is null"
        for key, value in zip(keys, wanted, strict=True)
    ]
    return " and ".join(words), values


def _told(display_id: int | None, conversation_id: int | None, seq: int, dated_us: int, value: Any) -> dict[str, Any]:
    dated = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=dated_us)
    return {
        "display_id": display_id,
        "conversation_id": conversation_id,
        "seq": seq,
        "dated": dated.isoformat(),
        "value": value,
    }


def _named(marts: Path, by: str | None, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each with the name of its inbox, agent, team or policy, and the number an import knew it by."""
    file = marts / f"{NAMED[by]}.parquet" if by in NAMED else None
    if by is None or file is None or not file.exists():
        return rows
    told, of = _names(by, file, file.stat().st_mtime_ns)
    return [{by: row[by]} | of.get(row[by], told) | {key: row[key] for key in row if key != by} for row in rows]


@lru_cache(maxsize=64)
def _names(by: str, file: Path, _written_ns: int) -> tuple[dict[str, None], dict[int, dict[str, Any]]]:
    """What is told of one that the small table does not know, and of each that it does."""
    known = pl.read_parquet(file).to_dicts()
    told = [key for key in ("name", "title", "external_id") if known and key in known[0]]
    if all(row.get("external_id") is None for row in known):
        told = [key for key in told if key != "external_id"]
    of = {
        row[next(key for key in row if key.endswith("_id"))]: {f"{by}_{key}": row[key] for key in told} for row in known
    }
    return dict.fromkeys(f"{by}_{key}" for key in told), of


def _source(query: Query) -> tuple[str, tuple[str, ...]]:
    """Where the rows come from, and the columns they are grouped by."""
    by = query.by
    if by is None:
        return "chosen", ()
    if by in CALENDAR:
        parts = rollups.cut(_clock(query).of_quarters(by, "q15"))
        return f"(select *{parts} from (select *, dated_us // {QUARTER_US} as q15 from chosen)) as chosen", CALENDAR[by]
    if by == "channel":
        return "chosen left join inboxes using (inbox_id)", ("channel",)
    if by == "label":
        labels = "case when len(labels) = 0 then [null] else labels end"
        return f"(select *, unnest({labels}) as label from chosen) as chosen", ("label",)
    if by == "captain":
        return f"(select *, {_HELD} as captain from chosen) as chosen", ("captain",)
    return "chosen", (DIMENSIONS.get(by, by),)


_HELD = "case when is_captains then 'captain' else 'human' end"


def _filters(query: Query, rollup: str | None = None) -> tuple[str, dict[str, Any]]:
    """Conditions to add, and their values. rollup: the column of the rollup they are for."""
    ids = {"inbox_id": query.inbox_ids, "agent_id": query.agent_ids, "team_id": query.team_ids}
    words = [f"and {column} in ({', '.join(str(int(one)) for one in some)})" for column, some in ids.items() if some]
    chosen: dict[str, Any] = {}
    if query.labels:
        chosen["labels"] = list(query.labels)
        words.append("and list_contains($labels, label)" if rollup == "label" else "and list_has_any(labels, $labels)")
    return " ".join(words), chosen


_WILSON_Z = 1.96
_AGGREGATES = {
    Kind.SPAN: """count(*) as n, sum(counted_us) / (count(*) * 1e6) as mean,
        quantile_cont(counted_us, 0.5) / 1e6 as p50, quantile_cont(counted_us, 0.9) / 1e6 as p90""",
    Kind.SHARE: "sum(whole_us) / 1e6 as n, sum(part_us) / sum(whole_us) as share",
}


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Where the true share lies in 95 cases of 100. https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval"""
    share, square = hits / n, _WILSON_Z**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _WILSON_Z * (share * (1 - share) / n + square / (4 * n * n)) ** 0.5 / (1 + square / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _row(metric: Metric, by: str | None, row: Row) -> dict[str, Any]:
    keys = bucket(by, row) if by in CALENDAR else {by: row[0]} if by else {}
    values = row[len(keys) :]
    filled: dict[str, Any] = {**keys, "n": values[0], "mean": None, "p50": None, "p90": None, "value": values[0]}
    if metric.kind == Kind.SPAN:
        filled |= {"mean": values[1], "p50": values[2], "p90": values[3], "value": values[1]}
    if metric.kind == Kind.SHARE:
        filled["value"] = values[1]
    if metric.kind == Kind.RATIO:
        filled["value"] = values[1] / values[0]
    if metric.has_interval:
        filled["low"], filled["high"] = wilson(values[1], values[0])
    return filled
