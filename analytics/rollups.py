# ruff: noqa: S608  the SQL is of our own words alone
"""Sums kept ready, so that most questions need not read what they are sums of.

Beside the marts of a build stand rollups: `rollup.parquet` of everything, and `rollup_<column>.parquet` by one column at a
time, never by two: that would have as many rows as the marts. One row per metric, quarter of an hour (q15, counted from 1970
UTC) and value of the column: n, the sums of span_us and worked_us in whole microseconds, which are exact, and of hits.
`rollup_days….parquet` are the same by days of the account's zone, which `rollup_zone.json` names.
`rollup….new.parquet` of an increment holds what to add: what it says of the conversations it touched, less what was said.

A metric that asks when the window ends is summed as if it never did; read.py mends what would be told otherwise before.
"""

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import duckdb
import polars as pl

from analytics.checks import MARTS
from analytics.lake import parquet
from analytics.local_time import QUARTER_US, Clock, clock, zone
from analytics.metrics import METRICS, Kind, Metric

# What they are by, each alone; channels are made of inboxes
COLUMNS = ("", "inbox_id", "agent_id", "team_id", "label", "priority", "is_captains", "status")
# Fewer rows are added up as quickly as sums of them are read
WORTH_ROWS = 200_000
SUMS = ("n", "span_us", "worked_us", "hits")
# The window that never ends
NEVER_US = 1 << 62


class Level(StrEnum):
    """How finely the sums are cut: the column that says when."""

    QUARTERS = "q15"
    DAYS = "day"


def _is_kept(metric: Metric) -> bool:
    """What it counts must be the same whatever window and clock it is asked with, or be so one day, and of conversations: then
    an increment can say what has changed."""
    words = set(re.findall(r"\w+", metric.sql))
    is_fixed = "asked" not in words or (metric.settled_by and words.isdisjoint({"since_us", "now_us"}))
    return bool(is_fixed) and all(MARTS[name].of_conversations for name in words & MARTS.keys())


# The metrics whose sums are kept
KEPT = tuple(metric for metric in METRICS.values() if _is_kept(metric))


def columns_of(metric: Metric) -> tuple[str, ...]:
    """By which columns its sums are kept; "" for by none."""
    return COLUMNS if metric.kind == Kind.STOCK else COLUMNS[:-1]


def summed(metric: Metric, units: str, keys: Mapping[str, str]) -> str:
    """SQL for the sums of `units`, which is SQL for rows of the metric, by `keys`: each by its name, of the columns, label, q15.

    What happens at the very end of a quarter belongs to a stock at that instant.
    """
    n = "sum(delta)" if metric.kind == Kind.STOCK else "count(*)"
    span, worked = ("sum(span_us)", "sum(worked_us)") if metric.kind == Kind.SPAN else ("null", "null")
    hits = "count(*) filter (where is_hit)" if metric.kind == Kind.RATIO else "null"
    dated = "dated_us - 1" if metric.kind == Kind.STOCK else "dated_us"
    # nobody's label is a label too
    labels = ", unnest(case when len(labels) = 0 then [null] else labels end) as label" if "label" in keys else ""
    sums = ", ".join(
        f"cast({value} as bigint) as {name}" for name, value in zip(SUMS, (n, span, worked, hits), strict=True)
    )
    by = "".join(f"{name}, " for name in keys)
    return f"""select {by} {sums}
        from (select *{cut(keys)} from (select *, ({dated}) // {QUARTER_US} as q15{labels} from ({units})))
        {f"group by {', '.join(keys)}" if keys else ""}"""


def cut(keys: Mapping[str, str]) -> str:
    """What to add to the columns of a select, that it may be grouped by the keys."""
    return "".join(f", {made} as {name}" for name, made in keys.items() if made != name)


def write(memory: duckdb.DuckDBPyConnection, folder: Path, rows: int, base: Path | None = None) -> None:
    """Put the rollups beside the marts in `folder`, which have so many rows, if those are many; of an increment, what to add
    to those of `base`, if it has any."""
    if (rows < WORTH_ROWS) if base is None else not stand_in(base):
        return
    names = ", ".join(sorted(f"'{metric.name}'" for metric in KEPT))
    for column in COLUMNS:
        typed = f", {column} {_TYPES[column]}" if column else ""
        sums = ", ".join(f"{name} bigint" for name in SUMS)
        # as an enum, because a name takes long to sort by
        memory.execute(f"create or replace table {_name(column)} (metric enum ({names}), q15 bigint{typed}, {sums})")
    if base is None:
        _add(memory, lambda name: f"create temp view {name} as {parquet(folder / f'{name}.parquet')}", "")
    else:
        _add(memory, lambda name: f"create temp table {name} as {parquet(folder / f'{name}.new.parquet')}", "")
        _add(memory, lambda name: f"create temp table {name} as {_before(folder, name)}", "-")
    timezone, clocks = _clocks(memory, folder, base)
    for column in COLUMNS:
        source = _name(column) if base is None else f"({_settled(column)})"
        days = f"select {clocks.of_quarters('day', 'q15')['day']} as day, * exclude (q15) from {source}"
        for level, sums in ((Level.QUARTERS, source), (Level.DAYS, f"({_added_up(f'({days})', 'day', column)})")):
            if base is not None:
                _file(folder, level, column).hardlink_to(_file(base, level, column))
            target = str(_file(folder, level, column, ".new" if base is not None else "")).replace("'", "''")
            # in small groups, of which a question needs few
            options = "format parquet, compression snappy, row_group_size 20480"
            memory.execute(
                f"""copy (
                    select sums.* replace (cast(metric as varchar) as metric) from {sums} as sums
                    order by sums.metric, {level}
                ) to '{target}' ({options})"""
            )
        memory.execute(f"drop table {_name(column)}")
    (folder / _ZONE).write_text(timezone)


def stand_in(marts: Path) -> bool:
    """Whether this folder has rollups: small builds, exports, and what was known at an instant, have none."""
    return _file(marts, Level.QUARTERS, "").exists()


def rollup(marts: Path, level: Level, column: str) -> str:
    """SQL for the rows by this column; one cell may stand there twice, and they add up."""
    whole, newer = _file(marts, level, column), _file(marts, level, column, ".new")
    return parquet(whole, *([newer] if newer.exists() else []))


@lru_cache(maxsize=64)
def timezone_of_days(marts: Path) -> str | None:
    """The zone whose days are added up, if its clocks are still thought to have been what they were thought to be then."""
    if not (marts / _ZONE).exists():
        return None
    told = json.loads((marts / _ZONE).read_text())
    known = clock(told["first"], told["last"], zone(told["timezone"])).offsets_s
    return str(told["timezone"]) if [list(step) for step in known] == told["offsets_s"] else None


def definition() -> str:
    """Changes whenever the sums may."""
    return "\n".join(
        summed(metric, metric.sql, _keys("q15", column)) for metric in KEPT for column in columns_of(metric)
    )


# Of few values each, so that all three come quickly from the sums by both
_FEW = ("priority", "is_captains")
_TYPES = dict.fromkeys(COLUMNS, "varchar") | {"is_captains": "boolean"}
_TYPES |= dict.fromkeys(("inbox_id", "agent_id", "team_id"), "bigint")


_ZONE = "rollup_zone.json"


def _keys(*columns: str) -> dict[str, str]:
    return {column: column for column in columns if column}


def _add(memory: duckdb.DuckDBPyConnection, stage: Callable[[str], str], sign: str) -> None:
    """Add the sums of the marts that `stage` lays out to the tables, or with `-` take them away."""
    signed = ", ".join(f"{sign}{name}" for name in SUMS)
    with memory.cursor() as side:
        side.execute(f"create temp view asked as select {NEVER_US} as until_us")
        for name, mart in MARTS.items():
            if mart.of_conversations:
                side.execute(stage(name))
        for metric in KEPT:
            few = summed(metric, metric.sql, _keys("q15", *_FEW))
            side.execute(f"create or replace temp table few as {few}")
            if not side.execute("select exists (from few)").fetchall()[0][0]:
                continue
            for column in columns_of(metric):
                by = f"q15{f', {column}' if column else ''}"
                if column in ("", *_FEW):
                    sums = f"select {by}, {', '.join(f'sum({name}) as {name}' for name in SUMS)} from few group by {by}"
                else:
                    sums = summed(metric, metric.sql, _keys("q15", column))
                side.execute(f"insert into {_name(column)} select '{metric.name}', {by}, {signed} from ({sums})")


def _clocks(memory: duckdb.DuckDBPyConnection, folder: Path, base: Path | None) -> tuple[str, Clock]:
    """What to keep of the zone of the days, and its clocks over all that is there."""
    first, last = memory.execute("select coalesce(min(q15), 0), coalesce(max(q15), 0) + 1 from rollup").fetchall()[0]
    if base is not None:
        kept = (base / _ZONE).read_text()
        return kept, clock(first, last, zone(json.loads(kept)["timezone"]))
    accounts = folder / "accounts.parquet"
    timezone = pl.read_parquet(accounts)["timezone"].item(0) if accounts.exists() else "UTC"
    clocks = clock(first, last, zone(timezone))
    told = {"timezone": timezone, "first": first, "last": last, "offsets_s": clocks.offsets_s}
    return json.dumps(told), clocks


def _settled(column: str) -> str:
    """What is left when everything is added up."""
    left = " or ".join(f"{name} <> 0" for name in SUMS)
    return f"select * from ({_added_up(_name(column), 'q15', column)}) where {left}"


def _added_up(sums: str, when: str, column: str) -> str:
    by = f"metric, {when}{f', {column}' if column else ''}"
    added = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in SUMS)
    return f"select {by}, {added} from {sums} group by {by}"


def _before(folder: Path, name: str) -> str:
    """What the marts said of the touched conversations when they were derived in one."""
    whole, touched = parquet(folder / f"{name}.parquet"), parquet(folder / "touched.parquet")
    return f"select old.* from ({whole}) as old semi join ({touched}) as touched using (conversation_id)"


def _name(column: str) -> str:
    return f"rollup_{column}" if column else "rollup"


def _file(folder: Path, level: Level, column: str, more: str = "") -> Path:
    named = ["rollup", *(["days"] if level == Level.DAYS else []), *([column] if column else [])]
    return folder / f"{'_'.join(named)}{more}.parquet"
