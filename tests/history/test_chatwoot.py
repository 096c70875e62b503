"""A running Chatwoot becomes a history."""

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.config import settings
from app.errors import Problem
from app.history import chatwoot
from app.history import lines as format
from tests.history.fake_chatwoot import TOKEN, FakeChatwoot
from tests.history.past import rows
from tests.world import acme


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> FakeChatwoot:
    monkeypatch.setattr(settings(), "egress_allow_cidrs", (ipaddress.ip_network("127.0.0.0/8"),))
    monkeypatch.setattr(chatwoot, "_PATIENCE", 0.0)
    return FakeChatwoot()


@pytest.fixture
def url(there: FakeChatwoot) -> Iterator[str]:
    with there.running() as address:
        yield address


def test_every_line_keeps_to_the_format_and_every_conversation_comes_once(url: str) -> None:
    told = list(chatwoot.lines(url, TOKEN))
    for line in told:
        format.read(json.dumps(line).encode())
    names = [line["external_id"] for line in told if line["kind"] == "conversation"]
    assert names == [f"chatwoot:{n}" for n in range(1, 61)]


def test_people_words_and_endings_are_those_of_the_other_side(url: str) -> None:
    told = list(chatwoot.lines(url, TOKEN))
    first, second = (
        line for line in told if line["external_id"] in {"chatwoot:1", "chatwoot:2"} and "timeline" in line
    )
    said = [entry for entry in first["timeline"] if entry["type"] == "message"]
    assert [entry["sender"] for entry in said] == [
        {"kind": "contact"}, {"kind": "automation"}, {"kind": "agent", "id": "chatwoot:1"},
        {"kind": "agent", "id": "chatwoot:9"}, {"kind": "bot"},
    ]  # fmt: skip
    assert [entry["private"] for entry in said] == [False, False, True, False, False]
    assert said[3]["content"] == "Вот чек\nhttps://x.example/c.pdf"
    assert [(entry["to"], entry["by"]) for entry in first["timeline"] if entry["type"] == "status"] == [
        ("resolved", "chatwoot:2")
    ]
    assert first["timeline"][-1]["rating"] == 4
    # more messages than one answer holds; written after it was resolved, which it still is
    assert sum(entry["type"] == "message" for entry in second["timeline"]) == 155
    calendar = next(line for line in told if line["kind"] == "calendar")
    assert calendar["week"][0] == [["09:00", "18:30"]]
    assert calendar["week"][5:] == [[["00:00", "24:00"]], []]
    last = told[-1]
    assert last["timeline"][-1]["to"] == "snoozed"
    assert last["contact"] == "chatwoot:8"


def test_it_asks_again_when_the_other_side_is_busy(there: FakeChatwoot, url: str) -> None:
    there.failures = [429, 503, 500]
    assert next(chatwoot.lines(url, TOKEN))["kind"] == "agent"


def test_a_token_that_is_refused_is_told_at_once(url: str) -> None:
    with pytest.raises(Problem, match="401"):
        list(chatwoot.lines(url, "wrong"))


def test_a_private_address_is_called_only_with_leave(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "egress_allow_cidrs", ())
    with pytest.raises(Problem, match="EGRESS_ALLOW_CIDRS"):
        list(chatwoot.lines(url, TOKEN))


@pytest.mark.usefixtures("database")
def test_it_is_imported_twice_and_there_once(url: str, tmp_path: Path) -> None:
    world = acme()
    kept = tmp_path / "past.jsonl"

    def imports(*more: str) -> Result:
        where = ["--account", str(world.account_id)]
        return CliRunner().invoke(main, ["history", "import-chatwoot", url, TOKEN, *where, *more])

    said = imports("--out", str(kept))
    assert said.exit_code == 0, said.output
    assert "conversation 60" in said.output
    assert len(kept.read_bytes().splitlines()) == 3 + 1 + 1 + 1 + 2 + 60
    before = rows(world.account_id, "select count(*), max(seq) from event")
    assert imports().exit_code == 0
    assert rows(world.account_id, "select count(*), max(seq) from event") == before
    statuses = rows(world.account_id, "select status, count(*) from conversation group by 1 order by 1")
    assert [tuple(row) for row in statuses] == [("resolved", 59), ("snoozed", 1)]
