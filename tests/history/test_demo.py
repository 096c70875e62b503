"""The demo shop's past: believable, the same each time, and there once."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app import demo
from app.database import across_accounts
from app.demo_history import DAYS, NEWEST, lines
from app.history import lines as format
from tests.history.past import rows

END = datetime(2026, 11, 23, 6, tzinfo=UTC)


def test_it_is_made_up_the_same_each_time_and_keeps_to_the_format() -> None:
    told = list(lines(END))
    assert told == list(lines(END))
    for line in told:
        format.read(json.dumps(line).encode())
    conversations = [line for line in told if line["kind"] == "conversation"]
    assert len(conversations) >= 3_000
    assert conversations[-1]["external_id"] == NEWEST
    began = [datetime.fromisoformat(line["created_at"]) for line in conversations]
    assert began == sorted(began)
    assert timedelta(days=DAYS - 2) < END - began[0] < timedelta(days=DAYS + 2)
    assert "{" not in json.dumps([entry.get("content") for line in conversations for entry in line["timeline"]])


@pytest.mark.usefixtures("database")
def test_it_is_imported_into_the_demo_world_once() -> None:
    demo.build()
    made = demo.recall().made
    assert made["conversation"] >= 3_000
    # everybody and everything but the customers was here
    assert made.keys() == {"contact", "conversation", "message"}
    with across_accounts() as current:
        account_id = current.connection().exec_driver_sql("select min(id) from account").scalar_one()
    last = rows(account_id, "select max(seq) from event")
    assert demo.recall().made == {}
    demo.build()
    assert rows(account_id, "select max(seq) from event") == last
