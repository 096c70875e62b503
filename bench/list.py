"""How long the conversation list takes with a million conversations in the account, in each status and tab.

Asked over HTTP, as the browser does and as programs do, by an administrator and by an agent of three of thirty inboxes.
Beside it: how many queries an answer takes, and which of them read a large table from end to end (EXPLAIN ANALYZE, as
the role the application takes, so under row-level security).
"""

import http.client
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.database import transaction
from app.main import create_app
from bench.crowd import Crowd, crowd
from bench.figures import Figure, percentile, spread
from bench.stage import Stage

STATUSES = ("open", "pending", "snoozed", "resolved", "all")
TABS = ("mine", "unassigned", "assigned", "all")
# What people add to it now and then
MORE = ("&label=refund", "&label=wholesale", "&team={team}", "&q=customer1234", "&before=1700000000_1")
TIMES = 5
# A table smaller than this may well be read from end to end
LARGE_ROWS = 10_000

Statement = tuple[str, Any]


def measure(stage: Stage) -> list[Figure]:
    """Over every combination; the worst one by name."""
    world = crowd()
    figures = []
    for who, cookie in (("administrator", world.team.cookie), ("agent of 3 inboxes", world.agent_cookie)):
        pages = [f"/conversations?status={status}&tab={tab}" for status, tab in itertools.product(STATUSES, TABS)]
        figures += _asked(stage, world, f"list page, {who}", cookie, pages)
        more = [pages[3] + one.format(team=world.team_id) for one in MORE]
        figures += _asked(stage, world, f"  filtered, {who}", cookie, more)
    return figures


def _asked(stage: Stage, world: Crowd, what: str, cookie: str, pages: list[str]) -> list[Figure]:
    taken = {page: timed(stage, page, cookie, TIMES) for page in pages}
    every = [one for times in taken.values() for one in times]
    worst = max(taken, key=lambda page: percentile(taken[page], 0.5))
    counts, scans = _looked_into(world, pages, cookie)
    p50, p95 = spread(what, every, ("", "≤ 50"), f"slowest {worst}: {percentile(taken[worst], 0.5) * 1000:.0f} ms")
    return [
        p50,
        p95,
        Figure(f"{what}, queries", max(counts), "at most", len(pages), "≤ 12"),
        Figure(f"{what}, sequential scans", len(scans), "of > 10k", len(pages), "0", "; ".join(sorted(scans))[:200]),
    ]


def timed(stage: Stage, page: str, cookie: str, times: int) -> list[float]:
    """How long the page takes, in seconds, over one connection, after it was asked once to warm up."""
    connection = http.client.HTTPConnection(stage.host, stage.port, timeout=60)
    taken = []
    for _time in range(times + 1):
        began = time.perf_counter()
        connection.request("GET", page, headers={"Cookie": f"kulpunai_session={cookie}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{page}: {answer.status}")
        taken.append(time.perf_counter() - began)
    connection.close()
    return taken[1:]


def _looked_into(world: Crowd, pages: list[str], cookie: str) -> tuple[list[int], set[str]]:
    """The number of queries of each page, and the large tables that any of them reads from end to end."""
    client = create_app().test_client()
    client.set_cookie("kulpunai_session", cookie)
    counts, scans = [], set()
    for page in pages:
        with _heard() as statements:
            client.get(page)
        counts.append(len(statements))
        scans |= {name for statement in statements for name in _scanned(world.team.account_id, statement)}
    return counts, scans


@contextmanager
def _heard() -> Iterator[list[Statement]]:
    """The statements that this process sends meanwhile."""
    heard: list[Statement] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        # taking a role asks no table
        if "set_config" not in statement:
            heard.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield heard
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def _scanned(account_id: int, statement: Statement) -> set[str]:
    words, parameters = statement
    if not words.lower().startswith("select") or " token " in words:
        return set()
    with transaction(account_id) as current:
        found = current.connection().exec_driver_sql(f"explain (analyze, format json) {words}", parameters).scalar_one()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return {node["Relation Name"] for node in _nodes(plan) if _is_large_scan(node)}


def _is_large_scan(node: dict[str, Any]) -> bool:
    rows = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
    return bool(node["Node Type"] == "Seq Scan" and rows * node.get("Actual Loops", 1) > LARGE_ROWS)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
