# ruff: noqa: S311  dice for a made-up history
"""The marts by Spark and the metrics by ClickHouse, on this machine: whether they are DuckDB's, and how much more they take.

Equality is of every mart, and of every metric by every group, with all and some of it, on a history in which everything
happens; and of a made-up year of half a million events, there by day. The times of metrics are of the latter, and so is Spark's
second; most of its time goes into planning, which a longer log does not lengthen. Both engines are installed when this is asked
for, by name alone.
"""

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from analytics.bench import DAYS, SINCE, fill, made_up
from analytics.build import build
from analytics.lake import account, manifest
from analytics.metrics import METRICS
from analytics.read import Answer, Query, answer, current, groups_of
from bench.figures import Figure
from bench.stage import Stage
from scripts.bootstrap import install
from tests.analytics.parity import everything, is_equal, name_inboxes, questions, unequal

EVENTS = 500_000
TIMES = 3


def measure(_stage: Stage) -> list[Figure]:
    """Two lines for Spark, then one per metric: how many times DuckDB's time they take, and whether all was equal."""
    if not install("requirements-engines.lock"):
        sys.exit("Spark, chDB and sqlglot cannot be installed.")
    with tempfile.TemporaryDirectory() as folder:
        history, year = Path(folder) / "history", Path(folder) / "year"
        name_inboxes(history)
        story = everything(random.Random(5)).build(history)
        home = account(year, 1)
        with home.writing():
            fill(home, made_up(EVENTS))
        build(year, 1)
        return _derived(history, year) + [_compared(metric, story, current(year, 1)) for metric in METRICS]


def _derived(*lakes: Path) -> list[Figure]:
    from analytics import spark
    from tests.analytics import local_spark

    figures = []
    with local_spark.session() as session:
        for lake in lakes:
            anew, theirs = (lake.with_name(f"{lake.name} by {engine}") for engine in ("DuckDB", "Spark"))
            for copy in (anew, theirs):
                shutil.copytree(lake, copy, ignore=shutil.ignore_patterns("marts", "current"))
            seconds, busy = _took(lambda copy=anew: build(copy, 1))
            their_seconds, their_busy = _took(lambda copy=theirs: spark.build(session, copy, 1))
            differ = ", ".join(unequal(current(lake, 1), current(theirs, 1)))
            told = f"{seconds:.1f} s, {busy:.1f} of CPU, and {their_seconds:.0f} s, {their_busy:.0f} of CPU"
            events = manifest(current(lake, 1)).seq
            verdict = f"UNEQUAL: {differ}" if differ else "equal"
            figures.append(
                Figure(f"marts of the {lake.name}", their_busy / busy, "×", events, "", f"{verdict}; {told}")
            )
    return figures


def _took(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the clock, and of the processors: in this process and in Spark's."""
    here = psutil.Process()
    both = [here, *(child for child in here.children() if child.name() == "java")]
    before = sum(sum(one.cpu_times()[:2]) for one in both)
    began = time.monotonic()
    work()
    return time.monotonic() - began, sum(sum(one.cpu_times()[:2]) for one in both) - before


def _compared(metric: str, story: Path, year: Path) -> Figure:
    from analytics import elsewhere

    asked = list(questions(random.Random(metric), METRICS[metric]))
    different = [query for query in asked if not is_equal(answer(story, query), elsewhere.answer(story, query))]
    by = "day" if "day" in groups_of(METRICS[metric]) else None
    query = Query(metric, SINCE, SINCE + timedelta(days=DAYS), by, "Europe/Moscow")
    if not is_equal(answer(year, query), elsewhere.answer(year, query)):
        different.append(query)
    ours, theirs = _seconds(answer, year, query), _seconds(elsewhere.answer, year, query)
    verdict = f"UNEQUAL: {different[0]}" if different else "equal"
    return Figure(metric, theirs / ours, "×", len(asked) + 1, "", f"{verdict}; {ours * 1000:.0f} ms of CPU in DuckDB")


def _seconds(ask: Callable[[Path, Query], Answer], marts: Path, query: Query) -> float:
    """Of the processor, so that others at work count for nothing; the least of a few."""
    found = []
    for _ in range(TIMES):
        began = time.process_time()
        ask(marts, query)
        found.append(time.process_time() - began)
    return min(found)
