# ruff: noqa: S608  the SQL is of our own words; what people typed is a literal
"""The same metrics by another engine, for an account that outgrows one machine: ClickHouse, as a server or in this process.

Nothing is defined again. `read.py` asks as it asks DuckDB; each question becomes one statement, which sqlglot translates and
which carries all it needs: the Parquet files of the marts, the clocks of the zone. Equal answers are proven by
`make bench ARGS=engines` and tests/analytics/test_elsewhere.py. Needs sqlglot, and chDB to be answered in this process:
the group `engines` of pyproject.toml.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import duckdb
import polars as pl
import pyarrow as pa
import sqlglot
from sqlglot import exp

from analytics.mirror import Store, name_of
from analytics.read import Answer, Query, answer_by

# What makes ClickHouse mean by SQL what everybody else does: https://clickhouse.com/docs/operations/settings/settings
SETTINGS = {
    "aggregate_functions_null_for_empty": 1,
    "data_type_default_nullable": 1,
    "join_use_nulls": 1,
    "prefer_column_name_to_alias": 1,
    "max_query_size": 1 << 30,
}
_TYPES = {pl.Int64: "Nullable(Int64)", pl.String: "Nullable(String)"}

Ask = Callable[[str], pa.Table]
Place = Callable[[str], str]


def answer(marts: Path, query: Query, ask: Ask | None = None, place: Place | None = None) -> Answer:
    """What `read.answer` says, said by ClickHouse. Refused for what cannot be asked.

    ask: sends one statement and gives the table it yields; without it ClickHouse works in this process. place: how that
    ClickHouse finds a file of the marts; without it at its path on the disk.
    """
    engine = _ClickHouse(ask or in_process, place or on_disk)
    return answer_by(cast(duckdb.DuckDBPyConnection, engine), marts, query)


def in_process(statement: str) -> pa.Table:
    """What ClickHouse says inside this process."""
    import chdb

    return chdb.query(statement, "ArrowTable")


def on_disk(path: str) -> str:
    """https://clickhouse.com/docs/sql-reference/table-functions/file"""
    return f"file({_quoted(path)}, Parquet)"


def in_storage(endpoint: str, storage: Store, key: str = "", secret: str = "") -> Place:
    """The files where `mirror` has put them. Without a key the server uses its own.

    https://clickhouse.com/docs/sql-reference/table-functions/s3
    """
    keys = [_quoted(word) for word in (key, secret) if word]

    def place(path: str) -> str:
        address = f"{endpoint.rstrip('/')}/{storage.prefix}/files/{name_of(Path(path))}"
        return f"s3({', '.join([_quoted(address), *keys, _quoted('Parquet')])})"

    return place


class _ClickHouse:
    """As much of a DuckDB connection as reading takes: views, tables given, one question at a time."""

    def __init__(self, ask: Ask, place: Place) -> None:
        self._ask, self._place = ask, place
        self._views: dict[str, str] = {}
        self._rows: list[tuple[Any, ...]] = []

    def register(self, name: str, table: pl.DataFrame) -> None:
        structure = ", ".join(f"{column} {_TYPES[kind.base_type()]}" for column, kind in table.schema.items())
        lines = table.write_csv(include_header=False)
        self._views[name] = f"select * from format(CSV, {_quoted(structure)}, {_quoted(lines)})"

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> "_ClickHouse":
        translated = sqlglot.parse_one(sql, read="duckdb")
        for node in reversed(list(translated.bfs())):
            if (better := self._translated(node, values or {})) is not node:
                node.replace(better)
        if isinstance(translated, exp.Create):
            self._views[translated.this.name] = translated.expression.sql("clickhouse")
            return self
        known = [f"{name} as ({view})" for name, view in self._views.items()]
        known += [view.sql("clickhouse") for view in translated.ctes]
        translated.set("with_", None)
        settings = ", ".join(f"{name} = {value}" for name, value in SETTINGS.items())
        found = self._ask(f"with {', '.join(known)} {translated.sql('clickhouse')} settings {settings}")
        self._rows = [tuple(row.values()) for row in found.to_pylist()]
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows

    def _translated(self, node: exp.Expression, values: Mapping[str, Any]) -> exp.Expression:
        """What sqlglot would leave as DuckDB writes it, or get wrong."""
        match node:
            case exp.Parameter() | exp.Placeholder():
                return exp.convert(values[node.name])
            case exp.ReadParquet():
                paths = [path.name for path in node.expressions[0].expressions]
                rows = " union all ".join(f"select * from {self._place(path)}" for path in paths)
                return sqlglot.parse_one(f"({rows})", read="clickhouse")
            case exp.IntDiv():
                return exp.func("intDiv", node.this, node.expression)
            case exp.GenerateSeries():
                return exp.func("range", node.args["start"], node.args["end"])
            case exp.Length():
                return exp.Anonymous(this="length", expressions=[node.this])
            case exp.ArrayOverlaps():
                return exp.func("hasAny", node.this, node.expression)
            case exp.PercentileCont():
                spread = "quantileExactInclusive"
                return exp.ParameterizedAgg(this=spread, expressions=[node.expression], params=[node.this])
            case exp.Select():
                # a column keeps its own name, also where two tables have one of it
                node.set("expressions", [_named(column) for column in node.expressions])
            case exp.Union():
                node.set("by_name", False)  # marts of one definition have their columns in one order
            case exp.Join() if node.kind == "ANTI":
                node.set("side", "LEFT")
        return node


def _named(column: exp.Expression) -> exp.Expression:
    is_plain = isinstance(column, exp.Column) and column.table and not isinstance(column.this, exp.Star)
    return exp.alias_(column, column.name) if is_plain else column


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
