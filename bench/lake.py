"""How many events a second go from the log to the lake, from there into the marts, and messages into response times.

The peer of the extraction is PostgreSQL handing over the same rows as CSV to somebody who throws them away.
"""

import tempfile
import time
from pathlib import Path

import polars as pl
import psycopg

from analytics import bench_spans
from analytics.bench import made_up
from analytics.build import build
from analytics.extract import extract
from bench.figures import Figure
from bench.people import team
from bench.stage import Stage, conninfo, superuser

EVENTS = 500_000
# `python -m analytics.bench --messages 10000000` measures as many as one wants
MESSAGES = 2_000_000


def measure(stage: Stage) -> list[Figure]:
    """A made-up year of one account, through PostgreSQL."""
    account_id = team("lake").account_id
    tell(account_id)
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(conninfo()) as connection:
        began = time.perf_counter()
        _read_away(connection, account_id)
        bare = time.perf_counter() - began
        began, busy, told = time.perf_counter(), time.process_time(), stage.busy_seconds("postgres")
        extract(connection, account_id, Path(folder))
        taken, cpu = time.perf_counter() - began, time.process_time() - busy
        told = stage.busy_seconds("postgres") - told
        began = time.perf_counter()
        if not build(Path(folder), account_id):
            raise RuntimeError("the build was refused")
        built = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        spans = bench_spans.measured(Path(folder), MESSAGES)
    return [
        Figure("log to Parquet", EVENTS / taken, "events/s", EVENTS, "≥ 700,000",
               f"{100 * bare / taken:.0f} % of bare COPY: {EVENTS / bare:,.0f}/s; {cpu:.1f} s of CPU, PostgreSQL's {told:.1f}"),
        Figure("Parquet to marts, checked", EVENTS / built, "events/s", EVENTS),
        Figure("messages to response times", spans.messages / spans.seconds, "messages/s", spans.messages, "≥ 2,500,000",
               f"{spans.cpu_seconds:.1f} s of CPU; {spans.differences} differences from plain Python"),
        Figure("  peak of memory", spans.peak_mb, "MB", spans.messages, "≤ 1,000"),
    ]  # fmt: skip


def tell(account_id: int, apart: int = 0) -> None:
    """Put the events into the account's log, as if they had happened, instead of the few that are there.

    apart: what to add to the numbers of their conversations, so that others may follow.
    """
    log = made_up(EVENTS).with_columns(pl.col("conversation_id") + apart).write_csv(include_header=False)
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
