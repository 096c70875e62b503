# ruff: noqa: S608  the SQL is of our own words alone
"""The log and the small tables of one account, from PostgreSQL to Parquet, by cursor.

A part is written beside, brought to the disk, then renamed to a name that says which events it holds: a process that dies
at any moment has either added the part or not, and the next one goes on where the last part ends.
"""

import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import duckdb
import polars as pl
import psycopg
from psycopg import sql
from psycopg.rows import dict_row, tuple_row

from analytics.lake import AccountLake, account, replace, settle

# One row group of Parquet, and a part of the lake.
BATCH = 122_880
# Parts smaller than LARGE are put together once there are more than SMALL_PARTS of them.
LARGE = BATCH
SMALL_PARTS = 16

# Differences of numbers, words of few values: half as large, a third less to write, and half to read, than as DuckDB would.
PARQUET = "format parquet, parquet_version v2, compression zstd, compression_level 1, dictionary_size_limit 4096"

STAGING = (Path(__file__).parent / "staging" / "log.sql").read_text()

# Beside the parts: which columns they have. And what tells an event from any other of that number.
COLUMNS_OF = "columns"
SIGNATURE = ["seq", "name", "occurred_us", "recorded_us"]

# Up to which event deleted contacts have been taken out of the parts
ERASED = "erased"
_OF_GONE = """(
    contact_id in (from gone)
    or (actor_kind = 'contact' and actor_id in (from gone))
    or (sender_type = 'contact' and sender_id in (from gone))
    or cast(data ->> '$.merged_contact_id' as bigint) in (from gone)
)"""
_ERASED = f"""
    select * replace (
        case when {_OF_GONE} then null else contact_id end as contact_id,
        case when {_OF_GONE} and actor_kind = 'contact' then 'contact' else actor end as actor,
        case when {_OF_GONE} and actor_kind = 'contact' then null else actor_id end as actor_id,
        case when {_OF_GONE} and sender_type = 'contact' then null else sender_id end as sender_id,
        case
            when {_OF_GONE} then json_merge_patch(
                data,
                case when sender_type = 'contact' then '{{"sender_id": null}}' else '{{}}' end,
                '{{"contact_id": null, "merged_contact_id": null, "contact_change": null}}'
            )::varchar
            else data
        end as data
    )
    from part order by seq
"""

# The log as PostgreSQL gives it
ROW = pl.Schema(
    {
        "seq": pl.Int64,
        "name": pl.String,
        "conversation_id": pl.Int64,
        "actor": pl.String,
        "causation_seq": pl.Int64,
        "causation": pl.String,
        "schema_version": pl.Int32,
        "occurred_us": pl.Int64,
        "recorded_us": pl.Int64,
        "data": pl.String,
    }
)

# A thousand events to a row, a line each: JSON writes no control character, and what else stands in it is our own. This
# costs both sides half of what a COPY of the columns does. date_part is exact to the microsecond until the year 2242.
_SEPARATOR = "\x02"
_EVENTS = sql.SQL(
    """copy (
        select (
            select string_agg(concat_ws({separator}, seq, name, coalesce(conversation_id::text, ''), actor,
                coalesce(causation_seq::text, ''), coalesce(causation, ''), schema_version,
                (date_part('epoch', occurred_at) * 1e6)::bigint, (date_part('epoch', recorded_at) * 1e6)::bigint, data),
                e'\\n' order by seq)
            from event where account_id = {account_id} and seq > after and seq <= least(after + 1000, {last})
        )
        from generate_series({after}::bigint, {last}::bigint - 1, 1000) as after
    ) to stdout (format binary)"""
)
_LAST = "select coalesce((select seq from event where account_id = %s order by seq desc limit 1), 0)"

# Agents' names are the only words about people here; an export leaves them out.
TABLES: dict[str, LiteralString] = {
    "accounts": "select id as account_id, name, timezone, locale from account where id = %s",
    "agents": """select user_id as agent_id, role, coalesce(display_name, name) as name, external_id
        from account_user join app_user on id = user_id where account_id = %s order by user_id""",
    "inboxes": "select id as inbox_id, name, channel, external_id from inbox where account_id = %s order by id",
    "teams": "select id as team_id, name, external_id from team where account_id = %s order by id",
    "labels": "select id as label_id, title from label where account_id = %s order by id",
    "articles": "select id as article_id, title, locale from article where account_id = %s order by id",
    "sla_policies": """select id as sla_policy_id, name, version, first_response_seconds, next_response_seconds,
        resolution_seconds, is_business_time, external_id from sla_policy where account_id = %s order by id""",
}


class LogIsGone(Exception):
    """The log that was there is not to be seen any more. Nothing was forgotten of it."""


class LogIsNotDense(Exception):
    """The log lacks an event or has one twice: a number is missing between two others. Nothing was written."""


def extract(connection: psycopg.Connection[Any], account_id: int, lake: Path) -> int:
    """The newest `seq` in the lake, after bringing there what was new in the log.

    connection: in a transaction that sees this account's rows (row-level security is the caller's). Nothing is written to it.
    LogIsNotDense when a number is missing. LogIsGone when there is no log to see, but a lake made of one.
    """
    home = account(lake, account_id)
    with home.writing():
        _clear(home)
        if not _continues(connection, home, account_id):
            _start_anew(home)
        for name, query in TABLES.items():
            _snapshot(connection, home.tables / f"{name}.parquet", query, account_id)
        last = _last_seq(connection, account_id)
        # one DuckDB for all parts: the pages it was given for one serve the next
        with _typing() as memory:
            for after, upto, rows in _batches(connection, account_id, home.last_seq(), last):
                _add_part(memory, home, rows, after + 1, upto)
        erase(home)
        compact(home)
        return home.last_seq()


def erase(home: AccountLake) -> None:
    """Take contacts that were deleted out of the parts: which events were theirs is known no more, that they were is."""
    marker = home.events / ERASED
    done, last = int(marker.read_text()) if marker.exists() else 0, home.last_seq()
    if done >= last:
        return
    with duckdb.connect() as memory:
        memory.execute("create table gone (contact_id bigint)")
        for part in (part for part in home.parts() if part.last > done):
            memory.read_parquet(str(part.path)).create_view("part", replace=True)
            memory.execute(
                "insert into gone select contact_id from part where name = 'contact.deleted' and seq > ?", [done]
            )
        if memory.execute("select count(*) from gone").fetchall()[0][0]:
            shutil.rmtree(home.past, ignore_errors=True)
            for part in home.parts():
                memory.read_parquet(str(part.path)).create_view("part", replace=True)
                if memory.execute(f"select exists (select 1 from part where {_OF_GONE})").fetchall()[0][0]:
                    _copy(memory, _ERASED, part.path)
    replace(marker, str(last).encode())


def add_part(home: AccountLake, rows: pl.DataFrame, first: int, last: int) -> None:
    """Put events `first` to `last` into the lake. rows: as in ROW. LogIsNotDense unless they are exactly those."""
    with _typing() as memory:
        _add_part(memory, home, rows, first, last)


def _typing() -> duckdb.DuckDBPyConnection:
    """A DuckDB of one thread: beside PostgreSQL a second one types no faster, the two wait for each other, busily."""
    return duckdb.connect(config={"threads": 1})


def _add_part(memory: duckdb.DuckDBPyConnection, home: AccountLake, rows: pl.DataFrame, first: int, last: int) -> None:
    if not rows["seq"].equals(pl.int_range(first, last + 1, eager=True)):
        raise LogIsNotDense(f"events {first} to {last} of the log are not {last - first + 1} in a row")
    memory.register("batch", rows)
    _copy(memory, STAGING, home.part(first, last))


def compact(home: AccountLake) -> None:
    """Put many small parts at the end of the log into one, so that reading stays cheap."""
    parts = home.parts()
    small = [part for part in parts if part.events < LARGE]
    if len(small) <= SMALL_PARTS:
        return
    # only neighbours: everything from the first small one on
    tail = parts[parts.index(small[0]) :]
    with duckdb.connect() as memory:
        memory.read_parquet([str(part.path) for part in tail]).create_view("tail")
        _copy(memory, "select * from tail order by seq", home.part(tail[0].first, tail[-1].last))
    for part in tail:
        part.path.unlink()


def _continues(connection: psycopg.Connection[Any], home: AccountLake, account_id: int) -> bool:
    """Whether the lake is a beginning of this log, in today's columns: not of a database since restored or made anew."""
    marker, cursor = home.events / COLUMNS_OF, home.last_seq()
    if cursor == 0 or not marker.exists() or not marker.read_text().startswith(_columns()):
        return False
    if _last_seq(connection, account_id) == 0:
        raise LogIsGone(f"no event of account {account_id} can be seen, but {cursor} were brought before")
    told = _rows(connection, account_id, cursor - 1, cursor).select(SIGNATURE)
    kept = pl.read_parquet(home.parts()[-1].path, columns=SIGNATURE)[-1]
    return told.equals(kept)


def _start_anew(home: AccountLake) -> None:
    """Forget the parts; the builds made of them are shown until there is a better one."""
    shutil.rmtree(home.events)
    home.events.mkdir()
    # another word each time, so that a build of these parts is not taken for one of the old ones
    replace(home.events / COLUMNS_OF, f"{_columns()} {uuid4()}".encode())


def _columns() -> str:
    """Changes whenever the columns of a part do."""
    return hashlib.sha256(STAGING.encode()).hexdigest()


def _clear(home: AccountLake) -> None:
    """Take away what a process that died left behind."""
    for draft in [*home.events.glob(".*.draft"), *home.tables.glob(".*.draft"), *home.superseded()]:
        draft.unlink()


def _batches(
    connection: psycopg.Connection[Any], account_id: int, begin: int, last: int
) -> Iterator[tuple[int, int, pl.DataFrame]]:
    """The events after `begin`, in order, as (after, upto, rows). While one batch is worked on, the next comes in."""
    edges = list(pairwise([*range(begin, last, BATCH), last]))
    with ThreadPoolExecutor(1) as ahead:
        coming = [ahead.submit(_rows, connection, account_id, *edge) for edge in edges[:1]]
        for place, (after, upto) in enumerate(edges, start=1):
            rows = coming.pop().result()
            coming = [ahead.submit(_rows, connection, account_id, *edge) for edge in edges[place : place + 1]]
            yield after, upto, rows


def _rows(connection: psycopg.Connection[Any], account_id: int, after: int, last: int) -> pl.DataFrame:
    query = _EVENTS.format(separator=_SEPARATOR, account_id=account_id, after=after, last=last)
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        copy.set_types(["bytea"])
        lines = b"\n".join(row[0] for row in copy.rows() if row[0])
    if not lines:
        return ROW.to_frame()
    rows = pl.read_csv(lines, has_header=False, schema=ROW, separator=_SEPARATOR, quote_char=None)
    # here an empty word is not an unknown one
    return rows.with_columns(pl.col("name", "actor").fill_null(""))


def _snapshot(connection: psycopg.Connection[Any], path: Path, query: LiteralString, account_id: int) -> None:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, [account_id]).fetchall()
        names = [column.name for column in cursor.description or []]
    table = pl.DataFrame(rows, schema={name: _kind(name) for name in names})
    if path.exists() and pl.read_parquet(path).equals(table):
        return
    draft = path.with_name(f".{path.name}.draft")
    table.write_parquet(draft, compression="zstd")
    settle(draft, path)


def _kind(column: str) -> type[pl.DataType]:
    if column.startswith("is_"):
        return pl.Boolean
    if column == "external_id":
        return pl.String
    return pl.Int64 if column.endswith(("_id", "_seconds", "version")) else pl.String


def _copy(memory: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    draft = path.with_name(f".{path.name}.draft")
    target = str(draft).replace("'", "''")
    memory.execute(f"copy ({query}) to '{target}' ({PARQUET})")
    settle(draft, path)


def _last_seq(connection: psycopg.Connection[Any], account_id: int) -> int:
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(_LAST, [account_id]).fetchone()
    return int(found[0]) if found else 0


def marker(home: AccountLake) -> str:
    """Changes whenever the log was brought anew."""
    file = home.events / COLUMNS_OF
    return hashlib.sha256(file.read_bytes() if file.exists() else b"").hexdigest()[:16]


def fingerprint(home: AccountLake) -> str:
    """Changes whenever a small table does."""
    files = sorted(home.tables.glob("*.parquet"))
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:16]
