"""From a history file to the numbers: what happened elsewhere is counted as if it had happened here."""

import json
from pathlib import Path
from typing import Any

import pytest

from analytics import build
from analytics.command import metrics_command
from app.history.importing import import_history
from tests.analytics.test_extract import an_account, bring

OFFICE = [[["09:00", "13:00"], ["14:00", "18:00"]]] * 5 + [[], []]
MONDAY = "2026-03-02T"  # Bishkek is six hours ahead of UTC


def directory() -> list[dict[str, Any]]:
    return [
        {"kind": "agent", "external_id": "a1", "name": "Марат Осмонов", "email": "marat@example.org"},
        {"kind": "agent", "external_id": "a2", "name": "Айпери", "email": "aiperi@example.org"},
        {"kind": "team", "external_id": "t1", "name": "оплата", "members": ["a1"]},
        {
            "kind": "calendar", "external_id": "c1", "name": "Бишкек", "timezone": "Asia/Bishkek",
            "since": "2025-01-01T00:00:00Z", "week": OFFICE, "holidays": [],
        },
        {"kind": "inbox", "external_id": "i1", "name": "Сайт", "channel": "website", "calendar": "c1"},
        {
            "kind": "sla_policy", "external_id": "s1", "name": "Обычная", "first_response_seconds": 3600,
            "resolution_seconds": 7200, "business_time": True, "pause_while": ["pending"],
        },
        {"kind": "contact", "external_id": "p1", "name": "Анна"},
    ]  # fmt: skip


def said(at: str, kind: str, who: str | None = None) -> dict[str, Any]:
    sender = {"kind": kind} | ({"id": who} if who else {})
    direction = "incoming" if kind == "contact" else "outgoing"
    return {"type": "message", "sent_at": MONDAY + at, "direction": direction, "sender": sender, "content": "…"}


def moved(at: str, to: str, by: str, **more: Any) -> dict[str, Any]:
    return {"type": "status", "occurred_at": MONDAY + at, "to": to, "by": by} | more


def conversation(number: int, at: str, *timeline: dict[str, Any]) -> dict[str, Any]:
    told = {"kind": "conversation", "external_id": f"v{number}", "inbox": "i1", "contact": "p1"}
    return told | {"created_at": MONDAY + at, "timeline": list(timeline)}


@pytest.fixture
def acme(database: None, lake: Path) -> int:
    """Two conversations of one Monday. The first is asked in the lunch break; the second Captain has at first."""
    account_id = an_account("Acme")
    lines = directory()
    lines.append(
        conversation(
            1,
            "07:30:00Z",
            said("07:30:00Z", "contact"),  # 13:30 there
            {"type": "sla", "occurred_at": MONDAY + "07:30:00Z", "policy": "s1", "by": "automation"},
            {"type": "assignee", "occurred_at": MONDAY + "07:31:00Z", "to": "a2", "by": "automation"},
            {"type": "team", "occurred_at": MONDAY + "07:32:00Z", "to": "t1", "by": "a2"},
            said("09:00:00Z", "agent", "a1"),  # 15:00: an hour of work
            moved("09:10:00Z", "pending", "a1"),
            said("11:00:00Z", "contact"),  # 17:00
            moved("11:00:00Z", "open", "contact"),
            moved("11:30:00Z", "resolved", "a1"),
            {"type": "rating", "occurred_at": MONDAY + "12:00:00Z", "rating": 5},
        )
    )
    lines.append(
        conversation(
            2,
            "08:00:00Z",
            moved("08:00:00Z", "pending", "captain"),
            said("08:00:00Z", "contact"),
            said("08:00:05Z", "captain"),
            {"type": "handoff", "occurred_at": MONDAY + "08:10:00Z"},
            said("08:15:00Z", "agent", "a2"),
            moved("08:20:00Z", "resolved", "a2"),
        )
    )
    outcome = import_history(account_id, [json.dumps(line).encode() for line in lines])
    assert outcome.problems == []
    bring(account_id, lake)
    assert build.build(lake, account_id)
    return account_id


def numbers(lake: Path, account_id: int, metric: str, **asked: Any) -> list[dict[str, Any]]:
    rows = metrics_command(lake, account_id, metric, since="2026-03-01", until="2026-03-08", **asked)["rows"]
    return [{key: row[key] for key in row if key not in ("mean", "p50", "p90")} for row in rows]


def test_groups_say_the_external_ids(acme: int, lake: Path) -> None:
    (one, two) = numbers(lake, acme, "first_response_human", by="agent")
    assert (one["agent_external_id"], one["agent_name"], one["n"], one["value"]) == ("a1", "Марат Осмонов", 1, 5400)
    assert (two["agent_external_id"], two["value"]) == ("a2", 300)
    (none, team) = sorted(
        numbers(lake, acme, "first_response_human", by="team"), key=lambda row: str(row["team_external_id"])
    )
    assert (none["team"], none["team_external_id"], none["value"]) == (None, None, 300)
    assert (team["team_external_id"], team["value"]) == ("t1", 5400)
    (inbox,) = numbers(lake, acme, "conversations", by="inbox")
    assert (inbox["inbox_external_id"], inbox["value"]) == ("i1", 2)
    (policy,) = numbers(lake, acme, "sla_compliance", by="policy")
    assert policy["policy_external_id"] == "s1"


def test_external_ids_filter(acme: int, lake: Path) -> None:
    assert numbers(lake, acme, "first_response_human", agent=("a2",)) == [{"n": 1, "value": 300}]
    assert numbers(lake, acme, "messages_incoming", team=("t1",)) == [{"n": 1, "value": 1}]
    assert numbers(lake, acme, "messages_incoming", inbox=("i1",)) == [{"n": 3, "value": 3}]


def test_working_hours_are_those_of_the_files_calendar(acme: int, lake: Path) -> None:
    business = {"time": "business"}
    assert numbers(lake, acme, "first_response_human", agent=("a1",), **business) == [{"n": 1, "value": 3600}]
    # 14:00 to 17:30 there
    assert numbers(lake, acme, "full_resolution", agent=("a1",), **business) == [{"n": 1, "value": 3.5 * 3600}]
    assert numbers(lake, acme, "agent_wait", agent=("a1",), **business) == [{"n": 1, "value": 110 * 60}]


def test_promises_ratings_and_captain_are_judged_from_the_file_alone(acme: int, lake: Path) -> None:
    # the answer came exactly when the hour of work was over; 70 + 30 minutes of work to the resolve
    assert numbers(lake, acme, "sla_compliance", by="target") == [
        {"target": "first_response", "n": 1, "value": 1},
        {"target": "resolution", "n": 1, "value": 1},
    ]
    (csat,) = numbers(lake, acme, "csat", by="agent")
    assert (csat["agent_external_id"], csat["n"], csat["value"]) == ("a1", 1, 1)
    assert numbers(lake, acme, "response_rate") == [{"n": 2, "value": 0.5}]
    assert numbers(lake, acme, "captain_involvement") == [{"n": 2, "value": 0.5}]
    assert numbers(lake, acme, "captain_resolution_assumed") == [{"n": 1, "value": 0}]
    assert numbers(lake, acme, "one_touch") == [{"n": 2, "value": 1}]


def test_before_the_import_the_log_knew_nothing(acme: int, lake: Path) -> None:
    assert numbers(lake, acme, "conversations", as_of="2026-03-09") == []
    assert numbers(lake, acme, "conversations", as_of="2100-01-01") == [{"n": 2, "value": 2}]
