"""How many messages a second `kulpunai history import` takes in: past conversations, each with all that happened in it.

The peer is the same messages written into their table by COPY, whole and unread: no conversation, no event, no check.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from app.history.importing import import_history
from bench.figures import Figure
from bench.people import team
from bench.stage import Stage, conninfo

MESSAGES = 20_000
OF_EACH = 8
BEGAN = datetime(2025, 3, 3, 6, tzinfo=UTC)
WORDS = "Здравствуйте! Заказ пришёл вчера, но размер не подошёл: хочу поменять на больший, если он ещё есть на складе. "


def measure(stage: Stage) -> list[Figure]:
    """One file of MESSAGES, streamed; then once more, when all of it is known."""
    account_id, written = team("history").account_id, list(lines())
    busy = stage.busy_seconds("postgres") + time.process_time()
    began = time.perf_counter()
    outcome = import_history(account_id, written)
    taken = time.perf_counter() - began
    busy = stage.busy_seconds("postgres") + time.process_time() - busy
    if outcome.made.get("message") != MESSAGES or outcome.problems:
        raise RuntimeError(f"the import was not whole: {outcome}")
    began = time.perf_counter()
    if import_history(account_id, written).made:
        raise RuntimeError("the import was not idempotent")
    again = time.perf_counter() - began
    bare = _copied(account_id)
    return [
        Figure("messages of the past taken in", MESSAGES / taken, "/s", MESSAGES, "≥ 2,000",
               f"bare COPY: {MESSAGES / bare:,.0f}/s"),
        Figure("  for each second of a core busy", MESSAGES / busy, "/s", MESSAGES),
        Figure("the same file again", MESSAGES / again, "/s", MESSAGES),
    ]  # fmt: skip


def lines() -> Iterator[bytes]:
    """A made-up file: a directory, contacts, conversations of OF_EACH messages from the first question to the rating."""
    told: list[dict[str, Any]] = [
        {"kind": "agent", "external_id": "a1", "name": "Марат", "email": "marat@bench.example"},
        {"kind": "team", "external_id": "t1", "name": "возвраты", "members": ["a1"]},
        {"kind": "inbox", "external_id": "i1", "name": "Сайт прошлого", "channel": "website", "members": ["a1"]},
        {"kind": "sla_policy", "external_id": "s1", "name": "Прошлая", "first_response_seconds": 3600},
    ]
    yield from map(_line, told)
    for number in range(MESSAGES // OF_EACH):
        yield _line(
            {"kind": "contact", "external_id": f"p{number}", "name": "Анна", "email": f"anna{number}@bench.example"}
        )
        yield _line(_conversation(number))


def _conversation(number: int) -> dict[str, Any]:
    began = BEGAN + timedelta(minutes=7 * number)

    def at(minute: int) -> str:
        return (began + timedelta(minutes=minute)).isoformat()

    timeline: list[dict[str, Any]] = [{"type": "sla", "occurred_at": at(0), "policy": "s1", "by": "automation"}]
    for n in range(OF_EACH):
        is_customers = n % 2 == 0
        timeline.append({
            "type": "message", "external_id": f"m{number}-{n}", "sent_at": at(5 * n), "content": WORDS,
            "direction": "incoming" if is_customers else "outgoing",
            "sender": {"kind": "contact"} if is_customers else {"kind": "agent", "id": "a1"},
        })  # fmt: skip
        if n == 0:
            timeline += [
                {"type": "assignee", "occurred_at": at(1), "to": "a1", "by": "automation"},
                {"type": "team", "occurred_at": at(1), "to": "t1", "by": "automation"},
                {"type": "label", "occurred_at": at(2), "added": ["возврат"], "by": "a1"},
            ]
    timeline += [
        {"type": "status", "occurred_at": at(50), "to": "resolved", "by": "a1"},
        {"type": "rating", "occurred_at": at(60), "rating": 5, "comment": "Быстро"},
    ]
    return {"kind": "conversation", "external_id": f"v{number}", "inbox": "i1", "contact": f"p{number}",
            "created_at": at(0), "timeline": timeline}  # fmt: skip


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def _copied(account_id: int) -> float:
    """The seconds that PostgreSQL takes for the rows alone, beside those that are there; they are taken away again."""
    with psycopg.connect(conninfo()) as connection:
        rows = connection.execute(ROWS, [account_id]).fetchall()
        began = time.perf_counter()
        with connection.cursor().copy(COPY) as copy:
            for row in rows:
                copy.write_row(row)
        taken = time.perf_counter() - began
        connection.rollback()
    return taken


ROWS = """select account_id, conversation_id, inbox_id, message_type, sender_type, content, created_at, occurred_at
    from message where account_id = %s"""
COPY = """copy message (account_id, conversation_id, inbox_id, message_type, sender_type, content, created_at, occurred_at)
    from stdin"""
