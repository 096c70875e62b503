# ruff: noqa: S608  the SQL is of our own words; what people typed is bound
"""The one reader of the marts: command line, dashboards, notebooks and exports all ask here, so they cannot differ.

    answer(marts, Query("first_response_human", since, until, by="day", timezone="Europe/Moscow")).rows
    [{"day": "2026-03-02", "n": 12, "mean": 340.5, "p50": 210.0, "p90": 900.0, "value": 340.5}, …]

Seconds for spans, fractions for ratios; counts stand in both `n` and `value`; empty groups have no row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from analytics.checks import MARTS
from analytics.errors import Refused
from analytics.lake import account
from analytics.local_time import QUARTER_US, bucket, dim_time, us, zone
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
GROUPS = (*CALENDAR, *DIMENSIONS, "channel", "label", "status")


@dataclass(frozen=True)
class Query:
    """A metric over [since, until), both aware; days and hours are those of `timezone` (IANA). Empty filters let all pass."""

    metric: str
    since: datetime
    until: datetime
    by: str | None = None
    timezone: str = "UTC"
    inbox_ids: tuple[int, ...] = ()
    agent_ids: tuple[int, ...] = ()
    team_ids: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """`rows` in order of their group: the group's keys, then n, mean, p50, p90, value (CSAT: low and high as well)."""

    metric: str
    unit: str
    rows: list[dict[str, Any]]


def answer(marts: Path, query: Query) -> Answer:
    """What the marts in this folder say to `query`. Refused, with a sentence, for what cannot be asked."""
    metric = _checked(query)
    with _engine().cursor() as memory:
        _open(memory, marts, metric, query)
        rows = _stock(memory, metric, query) if metric.kind == Kind.STOCK else _flow(memory, metric, query)
    return Answer(metric.name, metric.unit.value, [_row(metric, query.by, row) for row in rows])


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
    groups = _groups_of(metric)
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


def _groups_of(metric: Metric) -> tuple[str, ...]:
    if metric.kind == Kind.STOCK:
        return tuple(group for group in GROUPS if group != "weekday_hour")
    return tuple(group for group in GROUPS if group != "status")


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One empty DuckDB a process, because making one takes longer than asking it; each question has a cursor of its own."""
    return duckdb.connect(config={"threads": 2})


def _open(memory: duckdb.DuckDBPyConnection, marts: Path, metric: Metric, query: Query) -> None:
    for name in MARTS:
        if f" {name}" in metric.sql:
            file = str(marts / f"{name}.parquet").replace("'", "''")
            memory.execute(f"create temp view {name} as select * from read_parquet('{file}')")
    if query.by == "channel":
        inboxes = {"inbox_id": pl.Int64, "channel": pl.String}
        rows = [{key: row[key] for key in inboxes} for row in table(marts, "inboxes")]
        memory.register("inboxes", pl.DataFrame(rows, schema=inboxes))
    memory.execute("create temp table asked as select ? as since_us, ? as until_us", [us(query.since), us(query.until)])
    if query.by in CALENDAR:
        memory.register("dim_time", dim_time(query.since, query.until, zone(query.timezone)))


def _flow(memory: duckdb.DuckDBPyConnection, metric: Metric, query: Query) -> list[tuple[Any, ...]]:
    """What happened in the window, grouped."""
    window = "dated_us >= since_us and dated_us < until_us"
    return _grouped(memory, metric, query, window, _AGGREGATES[metric.kind], "count(*) > 0")


def _stock(memory: duckdb.DuckDBPyConnection, metric: Metric, query: Query) -> list[tuple[Any, ...]]:
    """What there was at the end of the window, or of each bucket of it: everything that happened up to then, added up."""
    if query.by in CALENDAR:
        return _stock_by_time(memory, metric, query, CALENDAR[query.by][0])
    return _grouped(memory, metric, query, "dated_us <= until_us", "cast(sum(delta) as bigint) as n", "sum(delta) > 0")


def _grouped(
    memory: duckdb.DuckDBPyConnection, metric: Metric, query: Query, window: str, aggregates: str, having: str
) -> list[tuple[Any, ...]]:
    source, keys = _source(query.by)
    where, values = _filters(query)
    groups = ", ".join(keys)
    order = ", ".join(f"{key} nulls last" for key in keys)
    return memory.execute(
        f"""
        with chosen as (select units.* from ({metric.sql}) as units cross join asked where {window} {where})
        select {groups}{"," if keys else ""} {aggregates} from {source}
        {f"group by {groups}" if keys else ""}
        having {having}
        {f"order by {order}" if keys else ""}
        """,
        values,
    ).fetchall()


def _stock_by_time(memory: duckdb.DuckDBPyConnection, metric: Metric, query: Query, key: str) -> list[tuple[Any, ...]]:
    where, values = _filters(query)
    return memory.execute(
        f"""
        with chosen as (select units.* from ({metric.sql}) as units cross join asked where dated_us <= until_us {where}),
        -- what happens at the very end of a bucket belongs to it: the quarter just before counts
        opening as (
            select coalesce(sum(delta), 0) as n from chosen
            where (dated_us - 1) // {QUARTER_US} < (select min(q15) from dim_time)
        ),
        moved as (
            select {key}, sum(coalesce(delta, 0)) as delta
            from dim_time left join chosen on (dated_us - 1) // {QUARTER_US} = q15
            group by {key}
        ),
        stock as (
            select {key}, cast(opening.n + sum(delta) over (order by {key}) as bigint) as n from moved cross join opening
        )
        select {key}, n from stock where n > 0 order by {key}
        """,
        values,
    ).fetchall()


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
    return "chosen", (DIMENSIONS.get(by, by),)


def _filters(query: Query) -> tuple[str, dict[str, Any]]:
    """Conditions to add, and their values."""
    ids = {"inbox_id": query.inbox_ids, "agent_id": query.agent_ids, "team_id": query.team_ids}
    chosen: dict[str, Any] = {column: list(values) for column, values in ids.items() if values}
    words = [f"and list_contains(${column}, {column})" for column in chosen]
    if query.labels:
        chosen["labels"] = list(query.labels)
        words.append("and list_has_any(labels, $labels)")
    return " ".join(words), chosen


_COUNT = "count(*) as n"
_WILSON_Z = 1.96
# Sums of whole microseconds are exact, so the answer does not depend on the order of the rows.
_AGGREGATES = {
    Kind.SPAN: f"""{_COUNT}, sum(span_us) / (count(*) * 1e6) as mean,
        quantile_cont(span_us, 0.5) / 1e6 as p50, quantile_cont(span_us, 0.9) / 1e6 as p90""",
    Kind.RATIO: f"{_COUNT}, count(*) filter (where is_hit) as hits",
    Kind.COUNT: _COUNT,
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
    if metric.kind == Kind.RATIO:
        filled["value"] = values[1] / values[0]
    if metric.has_interval:
        filled["low"], filled["high"] = wilson(values[1], values[0])
    return filled
