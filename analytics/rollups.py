# ruff: noqa: S608  the SQL is of our own words alone
"""Sums kept ready, so that most questions need not read what they are sums of.

Beside the marts of a build stand rollups: `rollup.parquet` of everything, and `rollup_<column>.parquet` by one column at a
time, never by two: that would have as many rows as the marts. One row per metric, quarter of an hour (q15, counted from 1970
UTC) and value of the column: n, the sums of span_us and worked_us in whole microseconds, which are exact, and of hits.
`rollup….new.parquet` of an increment holds what to add: what it says of the conversations it touched, less what was said.
"""

import re
from collections.abc import Callable
from pathlib import Path

import duckdb

from analytics.checks import MARTS
from analytics.lake import parquet
from analytics.local_time import QUARTER_US
from analytics.metrics import METRICS, Kind, Metric

# What they are by, each alone; channels are made of inboxes
COLUMNS = ("", "inbox_id", "agent_id", "team_id", "label", "priority", "is_captains", "status")
# Fewer rows are added up as quickly as sums of them are read
WORTH_ROWS = 200_000
SUMS = ("n", "span_us", "worked_us", "hits")


def _is_kept(metric: Metric) -> bool:
    """What it counts must be the same whatever window and clock it is asked with, and of conversations: then an increment can
    say what has changed."""
    words = set(re.findall(r"\w+", metric.sql))
    return "asked" not in words and all(MARTS[name].of_conversations for name in words & MARTS.keys())


# The metrics whose sums are kept
KEPT = tuple(metric for metric in METRICS.values() if _is_kept(metric))


def columns_of(metric: Metric) -> tuple[str, ...]:
    """By which columns its sums are kept; "" for by none."""
    return COLUMNS if metric.kind == Kind.STOCK else COLUMNS[:-1]


def summed(metric: Metric, units: str, keys: tuple[str, ...]) -> str:
    """SQL for the sums of `units`, which is SQL for rows of the metric, by `keys`: columns, label, q15.

    What happens at the very end of a quarter belongs to a stock at that instant.
    """
    n = "sum(delta)" if metric.kind == Kind.STOCK else "count(*)"
    span, worked = ("sum(span_us)", "sum(worked_us)") if metric.kind == Kind.SPAN else ("null", "null")
    hits = "count(*) filter (where is_hit)" if metric.kind == Kind.RATIO else "null"
    dated = "dated_us - 1" if metric.kind == Kind.STOCK else "dated_us"
    made = {"q15": f"({dated}) // {QUARTER_US} as q15"}
    # nobody's label is a label too
    made["label"] = "unnest(case when len(labels) = 0 then [null] else labels end) as label"
    more = "".join(f", {made[key]}" for key in keys if key in made)
    by = ", ".join(keys)
    sums = ", ".join(
        f"cast({value} as bigint) as {name}" for name, value in zip(SUMS, (n, span, worked, hits), strict=True)
    )
    return (
        f"select {by}{',' if by else ''} {sums} from (select *{more} from ({units})) {f'group by {by}' if by else ''}"
    )


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
    for column in COLUMNS:
        if base is not None:
            _file(folder, column).hardlink_to(_file(base, column))
        source = _name(column) if base is None else f"({_settled(column)})"
        target = str(_file(folder, column, ".new" if base is not None else "")).replace("'", "''")
        # in small groups, of which a question needs few
        options = "format parquet, compression snappy, row_group_size 20480"
        memory.execute(
            f"""copy (
                select sums.* replace (cast(metric as varchar) as metric) from {source} as sums order by sums.metric, q15
            ) to '{target}' ({options})"""
        )
        memory.execute(f"drop table {_name(column)}")


def stand_in(marts: Path) -> bool:
    """Whether this folder has rollups: small builds, exports, and what was known at an instant, have none."""
    return _file(marts, "").exists()


def rollup(marts: Path, column: str) -> str:
    """SQL for the rows by this column; one cell may stand there twice, and they add up."""
    whole, newer = _file(marts, column), _file(marts, column, ".new")
    return parquet(whole, *([newer] if newer.exists() else []))


def definition() -> str:
    """Changes whenever the sums may."""
    return "\n".join(
        summed(metric, metric.sql, ("q15", *filter(None, [column]))) for metric in KEPT for column in columns_of(metric)
    )


# Of few values each, so that all three come quickly from the sums by both
_FEW = ("priority", "is_captains")
_TYPES = dict.fromkeys(COLUMNS, "varchar") | {"is_captains": "boolean"}
_TYPES |= dict.fromkeys(("inbox_id", "agent_id", "team_id"), "bigint")


def _add(memory: duckdb.DuckDBPyConnection, stage: Callable[[str], str], sign: str) -> None:
    """Add the sums of the marts that `stage` lays out to the tables, or with `-` take them away."""
    signed = ", ".join(f"{sign}{name}" for name in SUMS)
    with memory.cursor() as side:
        for name, mart in MARTS.items():
            if mart.of_conversations:
                side.execute(stage(name))
        for metric in KEPT:
            side.execute(f"create or replace temp table few as {summed(metric, metric.sql, ('q15', *_FEW))}")
            if not side.execute("select exists (from few)").fetchall()[0][0]:
                continue
            for column in columns_of(metric):
                by = f"q15{f', {column}' if column else ''}"
                if column in ("", *_FEW):
                    sums = f"select {by}, {', '.join(f'sum({name}) as {name}' for name in SUMS)} from few group by {by}"
                else:
                    sums = summed(metric, metric.sql, ("q15", column))
                side.execute(f"insert into {_name(column)} select '{metric.name}', {by}, {signed} from ({sums})")


def _settled(column: str) -> str:
    """What is left when everything is added up."""
    by = f"metric, q15{f', {column}' if column else ''}"
    sums = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in SUMS)
    left = " or ".join(f"{name} <> 0" for name in SUMS)
    return f"select * from (select {by}, {sums} from {_name(column)} group by {by}) where {left}"


def _before(folder: Path, name: str) -> str:
    """What the marts said of the touched conversations when they were derived in one."""
    whole, touched = parquet(folder / f"{name}.parquet"), parquet(folder / "touched.parquet")
    return f"select old.* from ({whole}) as old semi join ({touched}) as touched using (conversation_id)"


def _name(column: str) -> str:
    return f"rollup_{column}" if column else "rollup"


def _file(folder: Path, column: str, more: str = "") -> Path:
    return folder / f"{_name(column)}{more}.parquet"
