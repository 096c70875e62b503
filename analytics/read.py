# ruff: noqa: S608  the SQL is of our own words; what people typed is bound
"""The one reader of the marts: command line, dashboards, notebooks and exports all ask here, so they cannot differ.

    marts = current(lake, account_id)        # or build.as_known(lake, account_id, moment): as the log knew it then
    answer(marts, Query("first_response_human", since, until, by="day", timezone="Europe/Moscow")).rows
    [{"day": "2026-03-02", "n": 12, "mean": 340.5, "p50": 210.0, "p90": 900.0, "value": 340.5}, …]
    behind(marts, query, {"day": "2026-03-02"})                          # the rows that number was made of
    [{"display_id": 42, "conversation_id": 42, "dated": "2026-03-02T09:00:00+00:00", "value": 300.0, …}, …]
    answer(marts, previous(query))                                       # the same length of time just before

Seconds for spans, fractions for ratios; counts stand in both `n` and `value`; empty groups have no row. Rows by inbox, agent
or team say the name too, and the external id where an import gave one.

Percentiles need every span; all else comes of sums, which `rollups.py` keeps ready for most questions. Sums are of whole
microseconds, so the answer is the same to the last bit wherever it comes from.
"""

import re
import time
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
from analytics.local_time import QUARTER_US, bucket, dim_time, unbucket, us, zone
from analytics.metrics import METRICS, Kind, Metric

MAX_YEARS = 30

# group -> the columns it is made of; those of a calendar come from dim_time
CALENDAR = {
    "day": ("day",),
    "hour": ("hour",),
    "week": ("week",),
    "month": ("month",),
    "weekday_hour": ("weekday", "hour_of_day"),
}
DIMENSIONS = {"inbox": "inbox_id", "agent": "agent_id", "team": "team_id", "priority": "priority"}
GROUPS = (*CALENDAR, *DIMENSIONS, "channel", "label", "captain", "status")
# What the marts call the column of a group, where they call it otherwise
COLUMN_OF = DIMENSIONS | {"channel": "inbox_id", "captain": "is_captains"}
# What “as of today” says otherwise than the event
OF_TODAY = ("agent_id", "team_id", "labels", "priority", "is_captains")
# Which small table names a group, and by what
NAMED = {"inbox": "inboxes", "agent": "agents", "team": "teams", "policy": "sla_policies", "article": "articles"}


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
    with _engine(marts).cursor() as memory:
        return answer_by(memory, marts, query)


def answer_by(memory: duckdb.DuckDBPyConnection, marts: Path, query: Query) -> Answer:
    """The same from an engine of one's own with nothing in it: another than DuckDB has to know its SQL, see elsewhere.py."""
    metric = _checked(query)
    _open(memory, marts, metric, query)
    if metric.kind == Kind.STOCK and query.by in CALENDAR:
        rows = _stock_by_time(memory, marts, metric, query)
    elif metric.kind == Kind.SHARE or (metric.kind == Kind.SPAN and query.with_spread):
        rows = _of_rows(memory, marts, metric, query)
    else:
        rows = _of_sums(memory, marts, metric, query)
    return Answer(
        metric.name, metric.unit.value, _named(marts, query.by, [_row(metric, query.by, row) for row in rows])
    )


def behind(marts: Path, query: Query, cell: dict[str, Any] | None = None, limit: int = 1000) -> list[dict[str, Any]]:
    """What one number was made of, newest first: {"display_id", "conversation_id", "dated" (RFC 3339), "value"} of each.

    cell: the group's keys of a row of `answer`, as they stand there; none for the whole. value: seconds of a span, whether it
    is a hit of a ratio, 1 of a count. A conversation may stand there more than once: with each of its answers, say.
    """
    metric = _checked(query)
    with _engine(marts).cursor() as memory:
        _open(memory, marts, metric, query)
        _lay_out(memory, marts, metric, query, "conversations")
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


def _open(memory: duckdb.DuckDBPyConnection, marts: Path, metric: Metric, query: Query) -> None:
    if query.by == "channel":
        inboxes = {"inbox_id": pl.Int64, "channel": pl.String}
        rows = [{key: row[key] for key in inboxes} for row in table(marts, "inboxes")]
        memory.register("inboxes", pl.DataFrame(rows, schema=inboxes))
    clock = manifest(marts).as_of_us or time.time_ns() // 1000
    # of constants, so that what lies outside of the window need not be read
    asked = {"since_us": us(query.since), "until_us": us(query.until), "now_us": clock}
    columns = ", ".join(f"cast({value} as bigint) as {name}" for name, value in asked.items())
    memory.execute(f"create temp view asked as select {columns}")
    if query.by in CALENDAR:
        memory.register("dim_time", _clocks(query.since, query.until, query.timezone))


def _lay_out(memory: duckdb.DuckDBPyConnection, marts: Path, metric: Metric, query: Query, *more: str) -> None:
    """The marts that the metric's rows are of, and those named."""
    words = {*re.findall(r"\w+", metric.sql), *more}
    if query.attribution == Attribution.CURRENT:
        words.add("conversations_now")
    for name in words & MARTS.keys():
        memory.execute(f"create temp view {name} as {mart(marts, name)}")


@lru_cache(maxsize=32)
def _clocks(since: datetime, until: datetime, timezone: str) -> pl.DataFrame:
    return dim_time(since, until, zone(timezone))


# -- from the rows


def _of_rows(memory: duckdb.DuckDBPyConnection, marts: Path, metric: Metric, query: Query) -> list[tuple[Any, ...]]:
    """What takes every row: percentiles; shares of time."""
    _lay_out(memory, marts, metric, query)
    source, keys = _source(query.by)
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


def _of_sums(memory: duckdb.DuckDBPyConnection, marts: Path, metric: Metric, query: Query) -> list[tuple[Any, ...]]:
    """What happened in the window, or for a stock, what there was at its end: everything up to then, added up."""
    sums, values = _sums(memory, marts, metric, query)
    counted = "span_us" if query.time == Time.CALENDAR else "worked_us"
    aggregates = {
        # sums of whole microseconds are exact, so the answer does not depend on the order of the rows
        Kind.SPAN: f", sum({counted}) / (sum(n) * 1e6) as mean, null as p50, null as p90",
        Kind.RATIO: ", cast(sum(hits) as bigint) as hits",
    }
    found = f"cast(sum(n) as bigint) as n{aggregates.get(metric.kind, '')}"
    source, keys = _source_of_sums(query.by)
    return memory.execute(f"with sums as ({sums}) {_grouped(keys, found, source, 'sum(n) > 0')}", values).fetchall()


def _source_of_sums(by: str | None) -> tuple[str, tuple[str, ...]]:
    if by is None:
        return "sums", ()
    if by in CALENDAR:
        return "sums join dim_time using (q15)", CALENDAR[by]
    if by == "channel":
        return "sums left join inboxes using (inbox_id)", ("channel",)
    if by == "captain":
        return f"(select *, {_HELD} as captain from sums) as sums", ("captain",)
    return "sums", (COLUMN_OF.get(by, by),)


def _stock_by_time(
    memory: duckdb.DuckDBPyConnection, marts: Path, metric: Metric, query: Query
) -> list[tuple[Any, ...]]:
    """What there was at the end of each part of the window."""
    (key,), (sums, values) = CALENDAR[query.by or ""], _sums(memory, marts, metric, query)
    return memory.execute(
        f"""
        with sums as ({sums}),
        opening as (
            select coalesce(sum(n), 0) as n from sums where q15 < (select min(q15) from dim_time)
        ),
        moved as (
            select {key}, sum(coalesce(n, 0)) as delta from dim_time left join sums using (q15) group by {key}
        ),
        stock as (
            select {key}, cast(opening.n + sum(delta) over (order by {key}) as bigint) as n from moved cross join opening
        )
        select {key}, n from stock where n > 0 order by {key}
        """,
        values,
    ).fetchall()


def _sums(memory: duckdb.DuckDBPyConnection, marts: Path, metric: Metric, query: Query) -> tuple[str, dict[str, Any]]:
    """SQL for n, span_us, worked_us and hits of what there is to count, by the column of the group or by q15, and the filters'
    values; one group may stand there several times. From the rollups, where those can say; what they cannot, from the rows.
    """
    column = COLUMN_OF.get(query.by, query.by) if query.by and query.by not in CALENDAR else None
    keys = ("q15",) if query.by in CALENDAR else (column,) if column else ()
    since_us = None if metric.kind == Kind.STOCK else us(query.since)
    until_us = us(query.until)
    # whole quarters of the window; a stock counts from the beginning on
    first, last = -(-(since_us or 0) // QUARTER_US), until_us // QUARTER_US
    by = _rollup(marts, metric, query, column)
    parts: list[str] = []
    values: dict[str, Any] = {}
    windows = [(since_us, until_us)]
    if by is not None and (since_us is None or first < last):
        where, values = _filters(query, by)
        begun = f"q15 >= {first} and" if since_us is not None else ""
        parts = [
            f"""select {", ".join((*keys, *rollups.SUMS))} from ({rollups.rollup(marts, by)})
            where metric = '{metric.name}' and {begun} q15 < {last} {where}"""
        ]
        windows = [(last * QUARTER_US, until_us)]
        windows += [(since_us, first * QUARTER_US)] if since_us is not None else []
    windows = [(begin, end) for begin, end in windows if begin is None or begin < end]
    if windows:
        _lay_out(memory, marts, metric, query)
    for begin, end in windows:
        chosen, more = _chosen(metric, query, _window(metric, begin, end))
        parts.append(rollups.summed(metric, chosen, keys))
        values |= more
    return " union all ".join(parts), values


def _rollup(marts: Path, metric: Metric, query: Query, column: str | None) -> str | None:
    """By which column the rollup is that can answer: "" for by none; None when there is no such."""
    filters = {
        "inbox_id": query.inbox_ids,
        "agent_id": query.agent_ids,
        "team_id": query.team_ids,
        "label": query.labels,
    }
    filtered = {name for name, chosen in filters.items() if chosen}
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


def _flow_behind(
    memory: duckdb.DuckDBPyConnection, metric: Metric, query: Query, cell: dict[str, Any] | None, limit: int
) -> list[dict[str, Any]]:
    source, keys = _source(query.by)
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
        limit {int(limit)}
        """,
        values | wanted,
    ).fetchall()
    return [_told(*row) for row in rows]


def _stock_behind(
    memory: duckdb.DuckDBPyConnection, metric: Metric, query: Query, cell: dict[str, Any] | None
) -> list[dict[str, Any]]:
    until = us(query.until)
    if cell and query.by in CALENDAR:
        key = CALENDAR[query.by][0]
        last = memory.execute(
            f"select max(q15) from dim_time where {key} = ?", list(unbucket(query.by, cell))
        ).fetchall()
        until = min(until, (last[0][0] + 1) * QUARTER_US)
        query, cell = replace(query, by=None), None
    source, keys = _source(query.by)
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
    known = table(marts, NAMED[by]) if by in NAMED else []
    if by is None or not known:
        return rows
    of = {row[next(key for key in row if key.endswith("_id"))]: row for row in known}
    told = [key for key in ("name", "title", "external_id") if key in known[0]]
    if all(row.get("external_id") is None for row in known):
        told = [key for key in told if key != "external_id"]
    return [
        {by: row[by]}
        | {f"{by}_{key}": of.get(row[by], {}).get(key) for key in told}
        | {key: value for key, value in row.items() if key != by}
        for row in rows
    ]


def _source(by: str | None) -> tuple[str, tuple[str, ...]]:
    """Where the rows come from, and the columns they are grouped by."""
    if by is None:
        return "chosen", ()
    if by in CALENDAR:
        return f"chosen join dim_time on dated_us // {QUARTER_US} = q15", CALENDAR[by]
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
    chosen: dict[str, Any] = {column: list(values) for column, values in ids.items() if values}
    words = [f"and list_contains(${column}, {column})" for column in chosen]
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


def _row(metric: Metric, by: str | None, row: tuple[Any, ...]) -> dict[str, Any]:
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
