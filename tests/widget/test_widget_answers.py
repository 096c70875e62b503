"""What Captain said in the help center comes to people with the visitor: as it was said, once, and from us alone."""

from typing import Any

from flask import Flask
from sqlmodel import select

from app.assist.actions import HELP_CENTER_ANSWER
from app.assist.models import Draft
from app.assist.reactions import DRAFT
from app.conversations.models import Status
from app.conversations.queries import locked, thread
from app.database import transaction
from app.deliveries.models import Delivery
from app.events import log
from app.security import signed
from tests.assist.desk import answering, help_center, said, works
from tests.widget.conftest import Visitor, another
from tests.world import World, globex, replies

SOURCE = {
    "n": 1,
    "article_id": 7,
    "external_id": None,
    "title": "Возврат",
    "url": "http://localhost/hc/a",
    "quote": "Три дня",
}


def test_a_person_sees_the_question_the_answer_and_its_sources(world: World, visitor: Visitor) -> None:
    answering(world)
    found = visitor.ok("POST", "conversations/from_answer", {"answer": _token(world)})
    asked, answer = found["messages"]
    assert (asked["content"], asked["message_type"]) == ("Когда вернут деньги?", 0)
    assert (answer["sender"]["type"], answer["content"]) == ("captain", "Три дня [1]")
    assert answer["content_attributes"]["citations"] == [SOURCE]
    assert 'class="cite"' in answer["content_html"], "the number of a source is a link, and none of it is left as [1]"
    assert "[1]" not in answer["content_html"]
    assert (found["status"], found["is_with_captain"]) == (Status.OPEN, False)
    works(world)
    with transaction(world.account_id):
        conversation = locked(world.account_id, 1)
        notes = [one.content for one in thread(conversation) if one.is_private]
        asked_row = thread(conversation, public_only=True)[0]
        told = [event.data["reason"] for event in log.read(world.account_id, 0, 1000) if event.name.endswith("handoff")]
    assert conversation.waiting_since is not None
    assert told == ["customer_asked"]
    assert len(notes) == 1
    assert "[Возврат](http://localhost/hc/a)" in notes[0]
    assert len(said(asked_row)) == 1, "Captain does not answer the same again"


def test_bringing_it_twice_brings_it_once(world: World, visitor: Visitor) -> None:
    token = _token(world)
    numbers = [visitor.ok("POST", "conversations/from_answer", {"answer": token})["id"] for _again in range(2)]
    assert numbers == [1, 1]
    assert len(visitor.reads()) == 2
    visitor.ok("POST", "conversations/from_answer", {"answer": _token(world, question="А за доставку?")})
    assert len(visitor.reads()) == 4


def test_it_joins_the_conversation_that_is_under_way_and_begins_anew_after_a_resolved_one(
    world: World, visitor: Visitor
) -> None:
    visitor.writes("Здравствуйте")
    assert visitor.ok("POST", "conversations/from_answer", {"answer": _token(world)})["id"] == 1
    visitor.call("GET", "conversations/toggle_status")
    assert visitor.ok("POST", "conversations/from_answer", {"answer": _token(world, question="Ещё?")})["id"] == 2


def test_where_captain_had_no_answer_the_question_comes_alone(world: World, visitor: Visitor) -> None:
    help_center(world)
    found = visitor.ok("POST", "conversations/from_answer", {"answer": _token(world, text="", citations=[])})
    assert [one["content"] for one in found["messages"]] == ["Когда вернут деньги?"]
    works(world)
    with transaction(world.account_id) as current:
        assert current.exec(select(Delivery.state).where(Delivery.kind == DRAFT)).all() == ["done"]
        assert not current.exec(select(Draft)).all(), "he is not asked again"


def test_nobody_can_make_up_what_captain_said(web: Flask, world: World, visitor: Visitor) -> None:
    other = globex()
    stranger = another(web, other.inbox)
    assert stranger.call("POST", "conversations/from_answer", {"answer": _token(world)}).status_code == 422
    forged = [f"x{_token(world)}", "", None, 7, {}, signed("something.else", {"account_id": world.account_id})]
    for answer in forged:
        assert visitor.call("POST", "conversations/from_answer", {"answer": answer}).status_code == 422
    assert visitor.reads() == []


def test_a_person_who_has_answered_goes_on(world: World, visitor: Visitor) -> None:
    answering(world)
    visitor.ok("POST", "conversations/from_answer", {"answer": _token(world)})
    with transaction(world.account_id):
        asked = thread(locked(world.account_id, 1), public_only=True)[0]
    replies(world, asked, "Сейчас посмотрю.")
    works(world)
    assert [one.get("sender", {}).get("type") for one in visitor.reads()] == ["contact", "captain", "user"]


def _token(world: World, **changes: Any) -> str:
    told = {"account_id": world.account_id, "portal_id": 1, "question": "Когда вернут деньги?", "text": "Три дня [1]"}
    return signed(HELP_CENTER_ANSWER, told | {"citations": [SOURCE]} | changes)
