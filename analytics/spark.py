# ruff: noqa: S608  the SQL is of our own words alone
"""The marts of a log that outgrows one machine, derived by Spark: `python -m analytics.spark LAKE ACCOUNT`.

Nothing is defined again. The SQL of staging, marts and checks, and what schedules.py and assistants.py ask, is translated by
sqlglot when it is run; the build is published as any other, and DuckDB goes on from it by increments. Equal marts, to the last
bit, are proven by `make bench ARGS=engines` and tests/analytics/test_spark.py. Needs pyspark and sqlglot: the group `engines`
of pyproject.toml, here alone: Spark's workers run no Python. They see the lake under the path it has here.
"""

import shutil
import sys
import time
from pathlib import Path
from typing import Any, cast

import duckdb
import polars as pl
import sqlglot
from pyspark.sql import DataFrame, SparkSession
from sqlglot import exp

from analytics import assistants, checks, rollups, schedules
from analytics import build as by_duckdb
from analytics.checks import MARTS
from analytics.lake import AccountLake, LakeError, Manifest, Problems, account

# What makes Spark refuse what DuckDB refuses, and read a time without a zone as everywhere here
SETTINGS = {"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC"}
_TYPES: dict[Any, str] = {pl.Int64: "bigint", pl.Boolean: "boolean"}


def build(session: SparkSession, lake: Path, account_id: int) -> bool:
    """Whether a new build is shown now: all of the log, derived anew. False when the checks refused it; then `problems.json`
    says why. LakeError when there is no log. Compare `build.build`, which does it on this machine alone."""
    home = account(lake, account_id)
    if not home.parts():
        raise LakeError(f"there are no events in {home.events}")
    with home.writing():
        seq, version, now_us = home.last_seq(), by_duckdb.version_of(home), time.time_ns() // 1000
        shutil.rmtree(home.spill, ignore_errors=True)
        spark = derive(session, home, home.spill, now_us)
        if failures := checks.failures(cast(duckdb.DuckDBPyConnection, spark), seq):
            home.refuse(Problems(seq, now_us, version, failures))
            return False
        recorded_us = spark.execute("select coalesce(max(recorded_us), 0) from whole_log").fetchall()[0][0]
        name = by_duckdb.name_of(seq, now_us)
        draft = home.marts / f".{name}"
        rows = _gather(home, draft)
        by_duckdb.show(home, draft, Manifest(name, seq, recorded_us, now_us, version, rows, base_seq=seq))
        by_duckdb.forget_old(home)
        return True


def derive(session: SparkSession, home: AccountLake, folder: Path, now_us: int) -> "_Spark":
    """Every mart of the account as `<folder>/<mart>/part-….parquet`, one file each, and answers to SQL about them.

    folder: to be made by Spark; everything it needs meanwhile lies there too.
    """
    for name, value in SETTINGS.items():
        session.conf.set(name, value)
    spark = _Spark(session, folder)
    session.read.parquet(*(str(part.path) for part in home.parts())).createOrReplaceTempView("whole_log")
    memory = cast(duckdb.DuckDBPyConnection, spark)
    spark.execute("create view log as from whole_log")
    schedules.lay_out(memory, now_us)
    assistants.lay_out(memory)
    by_duckdb.stage(memory, "policies")
    for of_conversations in (True, False):
        where = "where conversation_id is not null" if of_conversations else ""
        spark.execute(f"create or replace view log as from whole_log {where}")
        for name in by_duckdb.STAGES if of_conversations else ():
            by_duckdb.stage(memory, name)
        for name in (name for name, mart in MARTS.items() if mart.of_conversations == of_conversations):
            spark.execute(f"create table {name} as {(by_duckdb.HERE / 'marts' / f'{name}.sql').read_text()}")
    return spark


def _gather(home: AccountLake, draft: Path) -> dict[str, int]:
    """Put what Spark has made into `draft`, as readers expect a build; rows by mart."""
    draft.mkdir()
    for name in MARTS:
        (made,) = (home.spill / name).glob("part-*.parquet")
        made.rename(draft / f"{name}.parquet")
    for table in home.tables.glob("*.parquet"):
        shutil.copyfile(table, draft / table.name)
    rows = {name: pl.scan_parquet(draft / f"{name}.parquet").select(pl.len()).collect().item() for name in MARTS}
    with by_duckdb.connect(home) as memory:
        rollups.write(memory, draft, sum(rows.values()))
    return rows


class _Spark:
    """As much of a DuckDB connection as deriving and checking take: views, tables, tables given, one question at a time."""

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self._session, self._folder = session, folder
        self._said: DataFrame = session.range(0)

    def register(self, name: str, table: pl.DataFrame) -> None:
        schema = ", ".join(f"{column} {_TYPES[kind]}" for column, kind in table.schema.items())
        self._session.createDataFrame(table.rows(), schema).createOrReplaceTempView(name)

    def unregister(self, name: str) -> None:
        self._session.catalog.dropTempView(name)

    def execute(self, sql: str) -> "_Spark":
        asked = sqlglot.parse_one(sql, read="duckdb")
        for node in reversed(list(asked.bfs())):
            if (better := _translated(node)) is not node:
                node.replace(better)
        if isinstance(asked, exp.Create):
            name = asked.this.name
            self._keep(name, self._found(asked.expression, name), is_settled=asked.kind == "TABLE")
        else:
            self._said = self._found(asked, "asked")
        return self

    sql = execute

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._said.collect()]

    def pl(self) -> pl.DataFrame:
        return pl.DataFrame(self.fetchall(), self._said.columns, orient="row", infer_schema_length=None)

    def _found(self, query: exp.Expression, name: str) -> DataFrame:
        """What a query says. A part of it that is read more than once is worked out once; Spark would do it each time."""
        ctes = query.ctes
        query.set("with_", None)
        for place, cte in enumerate(ctes, start=1):
            parts = [*(later.this for later in ctes[place:]), query]
            readers = [table for part in parts for table in part.find_all(exp.Table) if table.name == cte.alias]
            known = f"{name}__{cte.alias}"
            for table in readers:
                table.replace(exp.to_table(known, alias=table.alias_or_name))
            self._keep(known, self._session.sql(cte.this.sql("spark")), is_settled=len(readers) > 1)
        return self._session.sql(query.sql("spark"))

    def _keep(self, name: str, found: DataFrame, *, is_settled: bool) -> None:
        """Let `name` be what was found, if it is settled as a file: then nothing has to be worked out again."""
        if is_settled:
            path = str(self._folder / name)
            (found.coalesce(1) if name in MARTS else found).write.parquet(path, compression="zstd")
            found = self._session.read.parquet(path)
        found.createOrReplaceTempView(name)


def _translated(node: exp.Expression) -> exp.Expression:
    """What sqlglot would leave as DuckDB writes it, or get wrong."""
    match node:
        case exp.Join() if node.method == "ASOF":
            return _latest(node)
        case exp.Window(this=exp.Filter(this=counted, expression=where)):
            # here only a group may be filtered
            value = exp.convert(1) if isinstance(counted.this, exp.Star) else counted.this
            counted.set("this", exp.case().when(where.this, value))
            node.set("this", counted)
        case exp.ArgMax() | exp.ArgMin():
            # DuckDB passes over null
            is_known = exp.Where(this=node.this.copy().is_(exp.null()).not_())
            return exp.Filter(this=node.copy(), expression=is_known)
        case exp.Length():
            return exp.Anonymous(this="size", expressions=[node.this])
        case exp.Anonymous() if node.name.lower() == "epoch_us":
            return exp.func("unix_micros", *node.expressions)
    return node


def _latest(join: exp.Join) -> exp.Join:
    """An ASOF join in plain words: each row that is joined holds from its own instant until the next of its kind."""
    name, conditions = join.this.alias_or_name, list(join.args["on"].flatten())
    (begun,) = (each for each in conditions if isinstance(each, exp.GTE))
    sides = [side for each in conditions if isinstance(each, exp.EQ) for side in (each.this, each.expression)]
    kind, since = ", ".join(side.name for side in sides if side.table == name), begun.expression.name
    rows = f"select *, lead({since}) over (partition by {kind} order by {since}) as held_until from {join.this.name}"
    until = exp.column("held_until", name)
    join.set("this", sqlglot.parse_one(rows).subquery(name))
    join.set("method", None)
    return join.on(exp.or_(exp.LT(this=begun.this.copy(), expression=until), until.copy().is_(exp.null())))


if __name__ == "__main__":
    folder, number = sys.argv[1:]
    if not build(SparkSession.builder.appName("kulpunai").getOrCreate(), Path(folder).resolve(), int(number)):
        sys.exit(f"The checks refused the build: see problems.json in {folder}/{number}.")
