"""How fast the pipeline is on this machine: `python -m analytics.bench [--events 1000000] [--messages 1000000]`.

On made-up logs, prints events/s of staging (JSON to typed Parquet) and of the build (story, marts, checks), each metric's
answer time, messages/s of response times in working hours (see `bench_spans`), and the peaks of memory. Nothing stays behind.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import duckdb
import polars as pl

from analytics import bench_spans, build, extract
from analytics.lake import AccountLake, account
from analytics.metrics import METRICS
from analytics.read import Query, answer, current, groups_of

SINCE = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 365
# What happens in every made-up conversation: name, seconds after its beginning, what differs in the data.
STEPS = (
    ("conversation.created", 0, "{}"),
    ("message.created", 0, '{"message_type": "incoming", "sender_type": "contact"}'),
    ("assignee.changed", 2, '{"assignee_change": [null, 7]}'),
    ("message.created", 240, '{"message_type": "outgoing", "sender_type": "user", "sender_id": 7}'),
    ("message.created", 900, '{"message_type": "incoming", "sender_type": "contact"}'),
    ("message.created", 1000, '{"message_type": "outgoing", "sender_type": "user", "sender_id": 7}'),
    ("conversation.labels_changed", 1100, '{"added": ["refund"]}'),
    ("conversation.status_changed", 1200, '{"status_change": ["open", "resolved"], "status": "resolved"}'),
    ("csat.sent", 1201, '{"status": "resolved", "resolver_id": 7}'),
    ("csat.answered", 2000, '{"status": "resolved", "rating": 5}'),
)
LOG = """
    select
        row_number() over (order by occurred_us, conversation_id, step) as seq,
        name, conversation_id, 'user:' || (7 + conversation_id % 20) as actor, null::bigint as causation_seq,
        null::varchar as causation,
        1::integer as schema_version, occurred_us, occurred_us as recorded_us,
        json_merge_patch(json_object(
            'conversation_id', conversation_id, 'display_id', conversation_id, 'inbox_id', conversation_id % 5 + 1,
            'contact_id', conversation_id % 9999, 'status', 'open', 'held_by', null,
            'assignee_id', case when step > 2 then 7 + conversation_id % 20 end,
            'team_id', conversation_id % 3 + 1, 'labels', case when step > 6 then ['refund'] else []::varchar[] end,
            'priority', null, 'message_id', conversation_id * 10 + step, 'is_private', false, 'survey_id', conversation_id
        ), more)::varchar as data
    from (
        select *, ? + conversation_id * ? + (later + conversation_id % 97 * step) * 1000000 + conversation_id % 997 as occurred_us
        from range(?) as talks(conversation_id) cross join steps
    )
    order by seq
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--messages", type=int, default=1_000_000)
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), wanted.events // len(STEPS) * len(STEPS))
    with tempfile.TemporaryDirectory() as folder:
        made = bench_spans.measured(Path(folder), wanted.messages)
    print(
        f"{'first and next responses':35} {made.seconds * 1000:8.0f} ms  {made.cpu_seconds * 1000:8.0f} ms of CPU"
        f"  {made.messages / made.seconds:10,.0f} messages/s, peak {made.peak_mb} MB, "
        f"{made.differences} differences from plain Python in {made.sampled} conversations"
    )


def measure(lake: Path, events: int) -> None:
    """Fill an empty lake with so many events, build it, and ask it everything; print how long each took."""
    home = account(lake, 1)
    log = made_up(events)
    with timed("staging", events), home.writing():
        fill(home, log)
    # in a process of its own, so that its memory is its own
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        alone.submit(build_alone, lake, events).result()
    marts = current(lake, 1)
    for metric, found in METRICS.items():
        for by in (None, *({"day"} & set(groups_of(found)))):
            with timed(f"{metric} by {by}"):
                answer(marts, Query(metric, SINCE, SINCE + timedelta(days=DAYS), by, "Europe/Moscow"))


def build_alone(lake: Path, events: int) -> None:
    """Build, and print the most memory it took."""
    with timed("build", events):
        build.build(lake, 1)
    # not ru_maxrss, which a child inherits from its parent
    peak_kb = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    print(f"{'build, peak of memory':35} {int(peak_kb[1]) // 1024 if peak_kb else 0:8d} MB", flush=True)


def made_up(events: int) -> pl.DataFrame:
    """A log of so many events over a year, as PostgreSQL would give it."""
    talks = events // len(STEPS)
    with duckdb.connect() as memory:
        steps = [(place, *step) for place, step in enumerate(STEPS)]
        memory.register("steps", pl.DataFrame(steps, schema=["step", "name", "later", "more"], orient="row"))
        apart_us = DAYS * 86_400 * 1_000_000 // max(talks, 1)
        log: pl.DataFrame = memory.sql(LOG, params=[int(SINCE.timestamp()) * 1_000_000, apart_us, talks]).pl()
    return log.cast(dict(extract.ROW.items()))


def fill(home: AccountLake, log: pl.DataFrame) -> None:
    """Put the log into the lake, in the batches of an extraction."""
    for first in range(0, len(log), extract.BATCH):
        batch = log[first : first + extract.BATCH]
        extract.add_part(home, batch, first + 1, first + len(batch))
    extract.compact(home)


@contextmanager
def timed(what: str, events: int = 0) -> Iterator[None]:
    """Print the time by the clock and by the processors: the second one counts where others work too."""
    began, busy = time.perf_counter(), time.process_time()
    yield
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    rate = f"  {events / seconds:10,.0f} events/s" if events else ""
    print(f"{what:35} {seconds * 1000:8.0f} ms  {cpu * 1000:8.0f} ms of CPU{rate}", flush=True)


if __name__ == "__main__":
    main()
