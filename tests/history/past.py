"""A small history file, line by line, to be bent by each test."""

import json
from copy import deepcopy
from typing import Any

from sqlalchemy import text

from app.database import session, transaction
from app.events import log
from app.history.actions import Outcome
from app.history.importing import import_history

WEEK = [[["09:00", "13:00"], ["14:00", "18:00"]]] * 5 + [[], []]
DIRECTORY: list[dict[str, Any]] = [
    {"kind": "agent", "external_id": "a1", "name": "Марат Осмонов", "email": "marat@example.org", "role": "agent"},
    {"kind": "agent", "external_id": "a2", "name": "Алсу", "email": "alsu@example.org", "role": "administrator"},
    {"kind": "team", "external_id": "t1", "name": "Оплата", "members": ["a1"]},
    {"kind": "calendar", "external_id": "c1", "name": "Бишкек", "timezone": "Asia/Bishkek",
     "since": "2025-01-01T00:00:00Z", "week": WEEK, "holidays": ["2026-01-01"]},
    {"kind": "inbox", "external_id": "i1", "name": "Сайт магазина", "channel": "website", "calendar": "c1", "members": ["a1"]},
    {"kind": "sla_policy", "external_id": "s1", "name": "Обычная", "first_response_seconds": 3600,
     "next_response_seconds": 7200, "resolution_seconds": 86400, "business_time": True,
     "pause_while": ["pending", "snoozed"]},
    {"kind": "contact", "external_id": "p1", "name": "Анна Петрова", "email": "anna@example.org", "phone": "+996555000111"},
]  # fmt: skip


def at(minute: float) -> str:
    """So many minutes after Monday, 2 March 2026, 10:55 in Bishkek."""
    hours, minutes = divmod(55 + int(minute), 60)
    days, hours = divmod(4 + hours, 24)
    return f"2026-03-{2 + days:02}T{hours:02}:{minutes:02}:00Z"


def says(minute: float, name: str, who: str, words: str = "…", **more: Any) -> dict[str, Any]:
    """A message: by the contact, Captain or another word of the format, or by the agent of that id."""
    is_agent = who not in {"contact", "captain", "bot", "automation", "campaign"}
    return {
        "type": "message",
        "external_id": name,
        "sent_at": at(minute),
        "direction": "incoming" if who == "contact" else "outgoing",
        "sender": {"kind": "agent", "id": who} if is_agent else {"kind": who},
        "content": words,
        **more,
    }


def happens(minute: float, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "occurred_at": at(minute), **more}


def conversation(*timeline: dict[str, Any], name: str = "v1", minute: float = 0, **more: Any) -> dict[str, Any]:
    told = {"kind": "conversation", "external_id": name, "inbox": "i1", "contact": "p1", "created_at": at(minute)}
    return {**told, "timeline": list(timeline), **more}


def whole(name: str = "v1") -> dict[str, Any]:
    """Everything that the format knows, in one conversation."""
    return conversation(
        says(0, f"{name}m1", "contact", "Где мой заказ?"),
        says(1, f"{name}m2", "captain", "Трек-номер приходит по почте."),
        happens(2, "handoff"),
        happens(2, "assignee", to="a1", by="automation"),
        happens(3, "team", to="t1", by="a1"),
        says(4, f"{name}m3", "a1", "Проверю на складе", private=True),
        happens(5, "label", added=["Возврат"], removed=[], by="a1"),
        happens(6, "priority", to="high", by="a1"),
        happens(6, "sla", policy="s1", by="automation"),
        says(7, f"{name}m4", "a1", "Нашли, отправим сегодня."),
        happens(8, "status", to="snoozed", until=at(600), by="a1"),
        happens(600, "status", to="open", by="system"),
        happens(601, "status", to="resolved", by="a1"),
        happens(610, "rating", rating=5, comment="Быстро!"),
        says(700, f"{name}m5", "contact", "Пришло, спасибо"),
        happens(700, "status", to="open", by="contact"),
        name=name,
    )


def file(*lines: dict[str, Any], directory: bool = True) -> list[bytes]:
    """The lines of a file, after those of the directory."""
    told = [*deepcopy(DIRECTORY), *lines] if directory else list(lines)
    return [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in told]


def imports(account_id: int, *lines: dict[str, Any], directory: bool = True) -> tuple[Outcome, dict[int, str]]:
    """What became of them, and which of them were refused: {line number: reason}."""
    refused: dict[int, str] = {}
    outcome = import_history(account_id, file(*lines, directory=directory), report=refused.__setitem__)
    return outcome, refused


def events(account_id: int, name: str | None = None) -> list[log.Event]:
    with transaction(account_id):
        told = log.read(account_id, 0, 100_000)
    return [event for event in told if event.causation == log.HISTORY and name in {None, event.name}]


def rows(account_id: int, query: str) -> list[Any]:
    with transaction(account_id):
        return list(session().connection().execute(text(query)))
