"""An agent's words worded better, a thread in short, what only a model can: at the doors of the workspace."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import col, select

from app.assist.models import Suggestion, SuggestionKind, SuggestionState
from app.conversations.models import Message
from app.database import transaction
from app.events import log
from app.inboxes.actions import set_members
from app.inboxes.queries import inbox
from tests.entering import signed_in
from tests.surroundings import forget_settings
from tests.world import World, acme, asks, replies

pytestmark = pytest.mark.usefixtures("database")

PART = {"X-Part": "true"}


# the first of all: later ones have started him
def test_while_captain_is_away_the_agent_is_told_calmly_and_nothing_changes() -> None:
    world, _asked, bo = _desk()
    for path, form in (
        ("rewriting", {"content": "Да", "wish": "fix"}),
        ("copilot", {"question": "Что ответить?"}),
        ("similar", {}),
        ("summary", {}),
    ):
        answer = bo.post(f"/conversations/1/{path}", data=form, headers=PART)
        assert answer.status_code == 503
        assert answer.get_json()["error"]
    with transaction(world.account_id) as current:
        assert list(current.exec(select(Suggestion))) == []


@pytest.mark.usefixtures("captain")
def test_slips_are_mended_and_what_was_sent_of_it_is_told() -> None:
    world, _asked, bo = _desk()
    told = bo.post("/conversations/1/rewriting", data={"content": "заказ  готов ,ждём", "wish": "fix"}).get_json()
    assert (told["text"], told["said"]) == ("Заказ готов, ждём", "")
    form = {"content": "Заказ готов, ждём вас", "suggestions": str(told["suggestion"]), "seen_version": "9"}
    assert bo.post("/conversations/1/messages", data=form).status_code == 303
    with transaction(world.account_id) as current:
        (kept,) = current.exec(select(Suggestion))
        assert (kept.kind, kept.state, kept.edit_distance) == (SuggestionKind.REWRITE, SuggestionState.EDITED, 4)
        told_of = [e for e in log.read(world.account_id, 0, 1000) if e.name.startswith("captain.suggest")]
    assert [e.name for e in told_of] == ["captain.suggested", "captain.suggestion_edited"]
    assert told_of[0].data["shown"] == [{"wish": "fix", "by": "rules"}]
    assert not any("аказ" in str(e.data) for e in told_of)


@pytest.mark.usefixtures("captain")
def test_what_needs_nothing_stays_with_a_word() -> None:
    _world, _asked, bo = _desk()
    told = bo.post("/conversations/1/rewriting", data={"content": "Заказ готов.", "wish": "fix"}).get_json()
    assert told["text"] == "Заказ готов."
    assert told["said"]
    assert told["suggestion"] is None


def test_without_a_model_what_only_a_model_can_is_neither_shown_nor_done() -> None:
    _world, asked, bo = _desk()
    page = bo.get("/conversations/1").text
    assert re.findall(r'data-wish="(\w+)"', page) == ["fix", "shorter"]
    assert f"/messages/{asked.id}/translation" not in page
    for wish in ("friendlier", "formal", "translate", "nonsense"):
        assert (
            bo.post("/conversations/1/rewriting", data={"content": "Да", "wish": wish}, headers=PART).status_code == 422
        )
    assert bo.post(f"/conversations/1/messages/{asked.id}/translation", headers=PART).status_code == 422


def test_with_a_model_all_of_it_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    _world, asked, bo = _desk()
    monkeypatch.setenv("CAPTAIN_MODEL", "some@http://127.0.0.1:9/v1")
    forget_settings()
    try:
        page = bo.get("/conversations/1").text
    finally:
        monkeypatch.undo()
        forget_settings()
    assert re.findall(r'data-wish="(\w+)"', page) == ["fix", "shorter", "friendlier", "formal", "translate"]
    assert f"/messages/{asked.id}/translation" in page


@pytest.mark.usefixtures("captain")
def test_a_thread_in_short_is_kept_until_somebody_writes() -> None:
    world, asked, bo = _desk()
    replies(world, asked, "Заказ 4512 приедет завтра до 12:00.")
    for _twice in range(2):
        page = bo.post("/conversations/1/summary", headers=PART).text
        assert f'href="#message_{asked.id}"' in page
        assert "до 12:00" in page
    assert len(_kept(world, SuggestionKind.SUMMARY)) == 1
    asks(world, "А чек пришлёте?")
    bo.post("/conversations/1/summary", headers=PART)
    assert [one.state for one in _kept(world, SuggestionKind.SUMMARY)] == [SuggestionState.STALE, SuggestionState.SHOWN]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "captain/1/another"),
        ("GET", "hints"),
        ("POST", "suggestions/1/use"),
        ("POST", "suggestions/1/dismissal"),
        ("POST", "similar"),
        ("POST", "summary"),
        ("POST", "rewriting"),
        ("POST", "messages/1/translation"),
        ("GET", "assistance"),
        ("POST", "copilot"),
    ],
)
def test_who_is_no_member_of_the_inbox_gets_none_of_it(method: str, path: str) -> None:
    world, _asked, bo = _desk()
    with transaction(world.account_id):
        set_members(inbox(world.account_id, world.inbox.id), {world.ada.id}, by=world.ada.actor)
    form = {"content": "Да", "wish": "fix", "question": "Что ответить?"}
    assert bo.open(f"/conversations/1/{path}", method=method, data=form, headers=PART).status_code == 404


def _desk() -> tuple[World, Message, FlaskClient]:
    """Acme, a customer's question, and Bo at his desk."""
    world = acme()
    asked = asks(world, "Где мой заказ 4512? Обещали вчера, а его нет.")
    return world, asked, signed_in(world.bo, world)


def _kept(world: World, kind: SuggestionKind) -> list[Any]:
    with transaction(world.account_id) as current:
        return [one for one in current.exec(select(Suggestion).order_by(col(Suggestion.id))) if one.kind == kind]
