"""How many events a second go from the log to the lake, and from there into the marts.

The peer of the extraction is PostgreSQL handing over the same rows as CSV to somebody who throws them away.
"""

import tempfile
import time
from pathlib import Path

import psycopg

from analytics.bench import made_up
from analytics.build import build
from analytics.extract import extract
from bench.figures import Figure
from bench.people import team
from bench.stage import Stage, conninfo, superuser

EVENTS = 500_000


def measure(_stage: Stage) -> list[Figure]:
    """A made-up year of one account, through PostgreSQL."""
    account_id = team("lake").account_id
    _tell(account_id)
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(conninfo()) as connection:
        began = time.perf_counter()
        _read_away(connection, account_id)
        bare = time.perf_counter() - began
        began = time.perf_counter()
        extract(connection, account_id, Path(folder))
        taken = time.perf_counter() - began
        began = time.perf_counter()
        if not build(Path(folder), account_id):
            raise RuntimeError("the build was refused")
        built = time.perf_counter() - began
    return [
        Figure("log to Parquet", EVENTS / taken, "events/s", EVENTS, "",
               f"{100 * bare / taken:.0f} % of bare COPY: {EVENTS / bare:,.0f}/s"),
        Figure("Parquet to marts, checked", EVENTS / built, "events/s", EVENTS),
    ]  # fmt: skip


def _tell(account_id: int) -> None:
    """Put the events into the account's log, as if they had happened, instead of the few that are there."""
    log = made_up(EVENTS).write_csv(include_header=False)
    with superuser() as connection:
        connection.execute("delete from event where account_id = %s", [account_id])
        connection.execute(TOLD)
        with connection.cursor().copy("copy told from stdin (format csv)") as copy:
            copy.write(log)
        connection.execute(LOG, {"account": account_id})
        # nobody is to follow them: the readers would work through the whole year
        connection.execute(READ, {"account": account_id, "events": EVENTS})
        connection.execute(
            "update counter set value = %s where account_id = %s and kind = 'event'", [EVENTS, account_id]
        )
        connection.execute("vacuum analyze event")


def _read_away(connection: psycopg.Connection[tuple[object, ...]], account_id: int) -> None:
    with connection.cursor().copy(AWAY, [account_id]) as copy:
        for _part in copy:
            pass


AWAY = "copy (select * from event where account_id = %s order by seq) to stdout (format csv)"
TOLD = """
    create temp table told (seq bigint, name text, conversation_id bigint, actor text, causation_seq bigint,
        causation text, schema_version int, occurred_us bigint, recorded_us bigint, data jsonb)
"""
LOG = """
    insert into event (account_id, seq, name, conversation_id, actor, causation_seq, schema_version, occurred_at, recorded_at,
        data)
    select %(account)s, seq, name, conversation_id, actor, causation_seq, schema_version,
        to_timestamp(occurred_us / 1e6), to_timestamp(recorded_us / 1e6), data
    from told
"""
READ = """
    insert into cursor (account_id, reader, seq)
    select %(account)s, reader, %(events)s from unnest(array['automation', 'sla', 'surveys', 'assist']) reader
    on conflict (account_id, reader) do update set seq = excluded.seq
"""
