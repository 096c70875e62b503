# ruff: noqa: S311  dice for a made-up history
"""The metrics by ClickHouse, in this process: whether it says what DuckDB says, and how much longer it takes.

Equality is of every metric by every group, with all and some of it, on a history in which everything happens, and of a made-up
year of half a million events by day; the time is of the latter. chDB is installed when this is asked for, by name alone.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from analytics.bench import DAYS, SINCE, fill, made_up
from analytics.build import build
from analytics.lake import account
from analytics.metrics import METRICS
from analytics.read import Answer, Query, answer, current, groups_of
from bench.figures import Figure
from bench.stage import Stage
from scripts.bootstrap import install
from tests.analytics.parity import everything, is_equal, name_inboxes, questions

EVENTS = 500_000
TIMES = 3


def measure(_stage: Stage) -> list[Figure]:
    """One line per metric: how many times DuckDB's time ClickHouse takes, and whether all answers were equal."""
    if not install("requirements-engines.lock"):
        sys.exit("chDB and sqlglot cannot be installed.")
    with tempfile.TemporaryDirectory() as folder:
        history, year = Path(folder) / "history", Path(folder) / "year"
        name_inboxes(history)
        story = everything(random.Random(5)).build(history)
        home = account(year, 1)
        with home.writing():
            fill(home, made_up(EVENTS))
        build(year, 1)
        return [_compared(metric, story, current(year, 1)) for metric in METRICS]


def _compared(metric: str, story: Path, year: Path) -> Figure:
    from analytics import elsewhere

    asked = list(questions(random.Random(metric), METRICS[metric]))
    unequal = [query for query in asked if not is_equal(answer(story, query), elsewhere.answer(story, query))]
    by = "day" if "day" in groups_of(METRICS[metric]) else None
    query = Query(metric, SINCE, SINCE + timedelta(days=DAYS), by, "Europe/Moscow")
    if not is_equal(answer(year, query), elsewhere.answer(year, query)):
        unequal.append(query)
    ours, theirs = _seconds(answer, year, query), _seconds(elsewhere.answer, year, query)
    verdict = f"UNEQUAL: {unequal[0]}" if unequal else "equal"
    return Figure(metric, theirs / ours, "×", len(asked) + 1, "", f"{verdict}; {ours * 1000:.0f} ms of CPU in DuckDB")


def _seconds(ask: Callable[[Path, Query], Answer], marts: Path, query: Query) -> float:
    """Of the processor, so that others at work count for nothing; the least of a few."""
    found = []
    for _ in range(TIMES):
        began = time.process_time()
        ask(marts, query)
        found.append(time.process_time() - began)
    return min(found)
