"""Chatwoot's reports on its tables in PostgreSQL against ours on the same two years; then larger and fresher questions.

Both take turns, and medians count. Where the definitions meet, they must say the same. Then the first page of the dashboards, as
Chromium shows it. `make bench ARGS=reports=1000000` takes a tenth of the ten million reporting events.
"""

import http.client
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from analytics.lake import manifest
from analytics.read import Query, Time, answer, answers, current
from app.lake import folder as lake_folder
from bench import chatwoot, paint, years
from bench.figures import Figure, spread
from bench.lake import tell
from bench.people import team
from bench.stage import Stage, superuser

REPORTING_EVENTS = 10_000_000
TURNS = 5
ZONE = years.ZONE
# Midnight there, as both dashboards ask for whole days of the account's zone
UNTIL = datetime(2026, 1, 1, tzinfo=ZoneInfo(ZONE))
YEAR, MONTH, WEEK, ALL = 365, 30, 7, (years.UNTIL - years.SINCE).days
# So many copies of the replies are a hundred million
COPIES = 12
SAMPLES = 20
SUMMARY = ("conversations", "messages_incoming", "messages_outgoing", "first_response_human", "first_resolution")
GROUPED = ("conversations", "episode_resolution", "first_response_human", "next_response")


@dataclass(frozen=True)
class Same:
    """That a column of one of their answers is a field of one of ours. is_without_first: theirs are no first responses."""

    theirs: int
    column: int
    ours: int
    field: str
    is_without_first: bool = False


@dataclass(frozen=True)
class Report:
    """One report over the last `days`: what they ask for it, and what we ask."""

    what: str
    days: int
    theirs: tuple[str, ...]
    ours: tuple[Query, ...]
    same: tuple[Same, ...] = ()

    @property
    def window(self) -> dict[str, datetime]:
        """As their columns have it, without a zone."""
        return {"since": _utc(self.ours[0].since), "until": _utc(UNTIL)}


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _asked(metric: str, days: int, by: str | None = None, **more: Any) -> Query:
    return Query(metric, UNTIL - timedelta(days=days), UNTIL, by, ZONE, **({"with_spread": False} | more))


def _series(what: str, days: int, name: str, metric: str, *, value: str = "value", **more: Any) -> Report:
    is_worked = {"time": Time.BUSINESS} if value != "value" else {}
    theirs = "" if "inbox_ids" not in more else "and inbox_id = 1"
    without = name == "reply_time"
    return Report(
        what,
        days,
        chatwoot.averaged(name, value, theirs),
        (_asked(metric, days, "day", **is_worked, **more),),
        (Same(0, 1, 0, "mean", without), Same(1, 1, 0, "n", without)),
    )


def _grouped(by: str, days: int, theirs: tuple[str, ...]) -> Report:
    ours = tuple(_asked(metric, days, by) for metric in GROUPED)
    same = (Same(1, 1, 1, "n"), Same(1, 2, 1, "mean"), Same(1, 3, 2, "mean"), Same(1, 4, 3, "mean", True))
    return Report(f"table by {by}, {days} days", days, theirs, ours, (Same(1, 1, 1, "n"),) if by == "label" else same)


BY_AGENT = chatwoot.grouped("assignee_id", "user_id")
BY_INBOX = chatwoot.grouped("inbox_id", "inbox_id")
OF_TEAM = (chatwoot.averaged("first_response", more=chatwoot.TEAM, by=chatwoot.MONTH)[0],)
REPORTS = (
    _series("first response by day", YEAR, "first_response", "first_response_human"),
    _series("reply time by day", YEAR, "reply_time", "next_response"),
    _series("reply time by day, business hours", YEAR, "reply_time", "next_response", value="value_in_business_hours"),
    _series("reply time by day, 30 days", MONTH, "reply_time", "next_response"),
    _series("resolution by day", YEAR, "conversation_resolved", "first_resolution"),
    _series("reply time by day, one inbox", YEAR, "reply_time", "next_response", inbox_ids=(1,)),
    Report(
        "resolutions by day",
        YEAR,
        chatwoot.counted("conversation_resolved"),
        (_asked("episode_resolution", YEAR, "day"),),
        (Same(0, 1, 0, "n"),),
    ),
    Report(
        "hand-offs by bots by day",
        YEAR,
        chatwoot.counted("conversation_bot_handoff", "count(distinct conversation_id)"),
        (_asked("captain_handoffs", YEAR, "day"),),
        (Same(0, 1, 0, "n"),),
    ),
    Report(
        "summary of seven numbers",
        YEAR,
        chatwoot.SUMMARY,
        (*(_asked(metric, YEAR) for metric in SUMMARY), _asked("episode_resolution", YEAR), _asked("next_response", YEAR)),
        (
            *(Same(number, 0, number, "n") for number in (0, 1, 2, 5)),
            *(Same(number, 0, number, "mean", number == 6) for number in (3, 4, 6)),
        ),
    ),
    _grouped("agent", YEAR, BY_AGENT),
    _grouped("agent", MONTH, BY_AGENT),
    _grouped("inbox", YEAR, BY_INBOX),
    _grouped("inbox", MONTH, BY_INBOX),
    _grouped("team", YEAR, chatwoot.BY_TEAM),
    _grouped("label", YEAR, chatwoot.BY_LABEL),
    Report("heat map, 7 days", WEEK, chatwoot.HEAT, (_asked("conversations", WEEK, "weekday_hour"),), (Same(0, 1, 0, "n"),)),
    Report("heat map, a year", YEAR, chatwoot.HEAT, (_asked("conversations", YEAR, "weekday_hour"),), (Same(0, 1, 0, "n"),)),
    Report(
        "satisfaction",
        YEAR,
        chatwoot.CSAT,
        (_asked("csat", YEAR), _asked("response_rate", YEAR)),
        (Same(0, 0, 0, "n"), Same(2, 0, 1, "n")),
    ),
    Report(
        "first response of a team by month, 24 months",
        ALL,
        OF_TEAM,
        (_asked("first_response_human", ALL, "month", team_ids=(1,)),),
        (Same(0, 1, 0, "mean"),),
    ),
)  # fmt: skip


def measure(stage: Stage, reporting_events: int = REPORTING_EVENTS) -> list[Figure]:
    """All of it, in a folder that is deleted at the end."""
    with tempfile.TemporaryDirectory() as folder:
        marts, built_mb = _alone(_lay_out, Path(folder), reporting_events)
        with superuser() as connection, _filled(connection, marts) as events:
            figures = _compared(connection, marts, events)
        figures += _page(marts)
        figures += paint.measure(Path(folder), manifest(marts).rows["messages"])
        figures += _larger(marts, Path(folder))
        _, read_mb = _alone(_ask_all, marts)
    peaks = [
        Figure("memory at its peak, build", built_mb, "MB", 1),
        Figure("memory at its peak, reports", read_mb, "MB", 1),
    ]
    return [*figures, *_fresh(stage), *peaks]


# -- against Chatwoot


@contextmanager
def _filled(connection: psycopg.Connection[Any], marts: Path) -> Iterator[int]:
    yield chatwoot.fill(connection, marts)
    connection.execute("drop schema chatwoot cascade")


def _compared(connection: psycopg.Connection[Any], marts: Path, events: int) -> list[Figure]:
    figures = []
    for report in REPORTS:
        checked = _check(connection, marts, report)
        theirs, ours = [], []
        for _turn in range(TURNS):
            began = time.perf_counter()
            for statement in report.theirs:
                connection.execute(statement, report.window).fetchall()
            theirs.append(time.perf_counter() - began)
            began = time.perf_counter()
            answers(marts, report.ours)
            ours.append(time.perf_counter() - began)
        peer = f"{median(theirs) * 1000:,.0f} ms against {median(ours) * 1000:,.1f} ms; {checked} numbers equal"
        figures.append(Figure(report.what, median(theirs) / median(ours), "times", TURNS, "≥ 5", peer))
    mean = geometric_mean([figure.value for figure in figures])
    return [Figure(f"geometric mean, {events:,} reporting events", mean, "times", len(figures), "≥ 50"), *figures]


def _check(connection: psycopg.Connection[Any], marts: Path, report: Report) -> int:
    """How many numbers both tell. RuntimeError when one is another."""
    theirs = [connection.execute(statement, report.window).fetchall() for statement in report.theirs]
    checked = 0
    for same in report.same:
        told = _theirs(theirs[same.theirs], same.column)
        known = _ours(marts, report.ours[same.ours], same)
        for key in told.keys() | known.keys():
            # where there is nothing, one says so and the other says nothing
            one, other = told.get(key, 0.0), known.get(key, 0.0)
            if not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6):
                raise RuntimeError(f"{report.what}, {key}: theirs is {one}, ours {other}")
        checked += len(told)
    return checked


def _theirs(rows: Sequence[Sequence[Any]], column: int) -> dict[Any, float]:
    """By group, nobody's left out; of hours, by weekday and hour."""
    if not column:
        return {None: float(rows[0][0])}
    found: dict[Any, float] = defaultdict(float)
    for row in rows:
        if row[0] is not None:
            is_hour = isinstance(row[0], datetime)
            found[(row[0].isoweekday(), row[0].hour) if is_hour else str(row[0])] += float(row[column] or 0)
    return dict(found)


def _ours(marts: Path, query: Query, same: Same) -> dict[Any, float]:
    rows = _by_group(marts, query)
    if not same.is_without_first:
        return {key: row[same.field] for key, row in rows.items()}
    first = _by_group(marts, replace(query, metric="first_response_human"))
    rest = {key: (row, first.get(key, {"n": 0, "mean": 0.0})) for key, row in rows.items()}
    left = {key: row["n"] - less["n"] for key, (row, less) in rest.items()}
    if same.field == "n":
        return {key: n for key, n in left.items() if n}
    return {
        key: (row["n"] * row["mean"] - less["n"] * less["mean"]) / left[key]
        for key, (row, less) in rest.items()
        if left[key]
    }


def _by_group(marts: Path, query: Query) -> dict[Any, dict[str, Any]]:
    keys = ("weekday", "hour") if query.by == "weekday_hour" else (query.by,) if query.by else ()
    rows = answer(marts, query).rows
    return {
        tuple(row[key] for key in keys) if len(keys) > 1 else str(row[keys[0]]) if keys else None: row
        for row in rows
        if not keys or row[keys[0]] is not None
    }


# -- more than that


def _page(marts: Path) -> list[Figure]:
    """What the overview of the dashboards asks for its first paint, percentiles and all, one after the other."""
    totals = (
        *("first_response_human", "full_resolution", "sla_compliance", "csat", "response_rate"),
        *("conversations", "messages_incoming", "messages_outgoing", "backlog"),
    )
    series = ("first_response_human", "conversations", "full_resolution", "backlog")
    figures = []
    for days in (MONTH, YEAR):
        asked = [_asked(metric, days, with_spread=True) for metric in totals]
        asked += [_asked(metric, days, "day", with_spread=True) for metric in series]
        asked.append(_asked("backlog", days, "status"))
        taken = [_timed(marts, asked) for _turn in range(TURNS)]
        messages = manifest(marts).rows["messages"]
        what = f"the overview's answers, {days} days of {messages:,} messages"
        figures.append(Figure(what, median(taken) * 1000, "ms", TURNS, "≤ 2,000"))
    return figures


def _timed(marts: Path, asked: Sequence[Query]) -> float:
    began = time.perf_counter()
    answers(marts, asked)
    return time.perf_counter() - began


def _larger(marts: Path, folder: Path) -> list[Figure]:
    """The replies of two years by day, read so many times, from the rows and from the rollups."""
    query = _asked("next_response", ALL, "day")
    count = manifest(marts).rows["next_responses"] * COPIES
    figures, said = [], []
    for where, goal in (("rows", "≤ 5,000"), ("rollups", "≤ 300")):
        several = _several(marts, folder / where, is_kept=where == "rollups")
        said.append(answer(several, query).rows)
        taken = [_timed(several, [query]) for _turn in range(TURNS)]
        figures.append(Figure(f"by day from {count:,} spans, {where}", median(taken) * 1000, "ms", TURNS, goal))
    if said[0] != said[1] or sum(row["n"] for row in said[0]) > count:
        raise RuntimeError("the rollups say otherwise than the rows")
    return figures


def _several(marts: Path, folder: Path, *, is_kept: bool) -> Path:
    """The same files many times over, as one build: a folder named * stands for all beside it."""
    for name in ("*", *map(str, range(1, COPIES))):
        copy = folder / name
        copy.mkdir(parents=True)
        kept = ("rollup.parquet", "rollup_days.parquet", "rollup_zone.json") if is_kept else ()
        for file in ("manifest.json", "next_responses.parquet", *kept):
            (copy / file).hardlink_to(marts / file)
    return folder / "*"


def _fresh(stage: Stage) -> list[Figure]:
    """How soon a message that was committed stands in a number, in an account with half a million events before it."""
    desk = team("reports")
    tell(desk.account_id, apart=10**9)
    lake = subprocess.Popen([sys.executable, "-m", "app.cli", "work", "lake"])
    try:
        inbox = f"/public/api/v1/inboxes/{desk.inbox.key}/contacts"
        source = _posted(stage, inbox, {"name": "Анна"})["source_id"]
        talks = f"{inbox}/{source}/conversations"
        talk = _posted(stage, talks, {})["id"]
        _wait_for(desk.account_id, "conversations", 1)
        taken = []
        for number in range(1, SAMPLES + 1):
            _posted(stage, f"{talks}/{talk}/messages", {"content": f"Где мой заказ {number}?"})
            began = time.perf_counter()
            _wait_for(desk.account_id, "messages_incoming", number)
            taken.append(time.perf_counter() - began)
    finally:
        lake.terminate()
        lake.wait(60)
    return spread("a message committed until a report counts it", taken, ("", "≤ 10,000"))


def _wait_for(account_id: int, metric: str, n: int, seconds: float = 900) -> None:
    """Until so many of today are in the newest build. RuntimeError when that takes too long."""
    now = datetime.now(years.UNTIL.tzinfo)
    query = Query(metric, now - timedelta(days=1), now + timedelta(days=1))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (lake_folder() / str(account_id) / "current").exists():
            rows = answer(current(lake_folder(), account_id), query).rows
            if rows and rows[0]["n"] >= n:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{metric} does not become {n}")


def _posted(stage: Stage, address: str, body: dict[str, Any]) -> dict[str, Any]:
    connection = http.client.HTTPConnection(stage.host, stage.port, timeout=60)
    connection.request("POST", address, json.dumps(body), {"Content-Type": "application/json"})
    answered = connection.getresponse()
    words = answered.read()
    connection.close()
    if answered.status != 200:
        raise RuntimeError(f"{address}: {answered.status} {words[:300]!r}")
    found: dict[str, Any] = json.loads(words)
    return found


# -- alone, so that its memory is its own


def _alone(work: Any, *arguments: Any) -> tuple[Any, float]:
    """What the work gives, and the most memory it took, in MB."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        found: tuple[Any, float] = process.submit(_watched, work, *arguments).result()
    return found


def _watched(work: Any, *arguments: Any) -> tuple[Any, float]:
    found = work(*arguments)
    # not ru_maxrss, which a child inherits from its parent
    peak_kb = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return found, int(peak_kb[1]) / 1024 if peak_kb else 0.0


def _lay_out(folder: Path, reporting_events: int) -> Path:
    return years.lay_out(folder, reporting_events)


def _ask_all(marts: Path) -> None:
    for report in REPORTS:
        for query in report.ours:
            answer(marts, query)
            answer(marts, replace(query, with_spread=True))
