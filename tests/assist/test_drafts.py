"""Captain beside the agent: one draft a message, decided once, out of date when somebody answers."""

from typing import Any

import pytest
from sqlmodel import col, select

from app.assist import actions
from app.assist.actions import Proposal, edit_distance, sendable
from app.assist.models import Draft, DraftState, Passage
from app.assist.queries import draft_for
from app.conversations.models import Message
from app.conversations.queries import locked
from app.database import transaction
from app.deliveries.models import Delivery
from app.events import log
from app.help_center.actions import create_article, create_category, create_portal, unpublish
from app.help_center.models import Article
from tests.world import World, acme, asks, everyone_reads, replies

pytestmark = pytest.mark.usefixtures("database")

SOURCE = {
    "n": 1,
    "title": "Возврат",
    "url": "https://acme.example/hc/a/ru/articles/refund#:~:text=x",
    "quote": "за пять дней",
}


def test_a_customers_message_owes_a_draft_and_an_answered_one_owes_none() -> None:
    world = acme()
    asks(world)
    everyone_reads(world)
    assert _owed(world) == 1


def test_an_accepted_draft_is_sent_once_with_its_source_and_told() -> None:
    world = acme()
    asked = asks(world)
    draft = _proposed(world, asked)
    for _ in range(2):
        with transaction(world.account_id):
            actions.accept(locked(world.account_id, asked.conversation_id), draft.id, by=world.ada)
    told = _told(world)
    assert [name for name in told if name in {"captain.drafted", "captain.draft_accepted"}] == [
        "captain.drafted",
        "captain.draft_accepted",
    ]
    assert told.count("message.created") == 2
    with transaction(world.account_id) as current:
        sent = current.get_one(
            Message, (world.account_id, current.get_one(Draft, (world.account_id, draft.id)).sent_message_id)
        )
    assert sent.content.startswith("Деньги приходят за пять дней.")
    assert "[1]" not in sent.content
    assert sent.content.endswith("https://acme.example/hc/a/ru/articles/refund")


def test_an_edited_draft_is_told_with_its_distance() -> None:
    world = acme()
    asked = asks(world)
    draft = _proposed(world, asked)
    with transaction(world.account_id) as current:
        found = locked(world.account_id, asked.conversation_id)
        words = sendable(current.get_one(Draft, (world.account_id, draft.id)))
        message = actions.reply(found, actions.by_user(world.ada), actions.Writing(words + "!"))
        actions.note_reply(found, message, by=world.ada, proposed_id=draft.id)
    with transaction(world.account_id):
        edited = [e for e in log.read(world.account_id, 0) if e.name == "captain.draft_edited"]
    assert [event.data["edit_distance"] for event in edited] == [1]


def test_a_draft_is_out_of_date_once_somebody_has_answered() -> None:
    world = acme()
    asked = asks(world)
    _proposed(world, asked)
    replies(world, asked)
    everyone_reads(world)
    with transaction(world.account_id):
        assert draft_for(locked(world.account_id, asked.conversation_id)) is None


def test_captain_says_nothing_to_a_thread_that_has_gone_on() -> None:
    world = acme()
    asked = asks(world)
    replies(world, asked)
    with transaction(world.account_id):
        assert actions.propose(locked(world.account_id, asked.conversation_id), asked, _proposal()) is None
    assert "captain.abstained" in _told(world)


def test_a_rejected_draft_does_not_come_back() -> None:
    world = acme()
    asked = asks(world)
    draft = _proposed(world, asked)
    with transaction(world.account_id):
        actions.reject(locked(world.account_id, asked.conversation_id), draft.id, by=world.ada)
    again = _proposed(world, asked)
    assert again.id == draft.id
    assert again.state == DraftState.REJECTED


def test_an_unpublished_article_is_gone_from_captains_sight_at_once() -> None:
    from app.assist.courier import _cut

    world = acme()
    with transaction(world.account_id):
        portal = create_portal(world.account_id, "acme", "Acme", by=world.ada.actor)
        shelf = create_category(portal, "ru", "Основы", by=world.ada.actor)
        article = create_article(
            portal, "ru", "Возврат", "Деньги приходят.", by=world.ada.actor, category=shelf, status="published"
        )
    everyone_reads(world)
    with transaction(world.account_id) as current:
        owed = current.exec(select(Delivery).where(col(Delivery.kind) == "captain.embed")).first()
        unread = _cut(owed)
        assert len(unread.texts) == 2
        assert len(list(current.exec(select(Passage)))) == 2
        found = current.get_one(Article, (world.account_id, article.id))
        unpublish(found, by=world.ada.actor)
        assert _cut(owed) is None
        assert list(current.exec(select(Passage))) == []


@pytest.mark.parametrize(
    ("one", "other", "distance"), [("", "", 0), ("кот", "кит", 1), ("кот", "", 3), ("abc", "xabcy", 2)]
)
def test_edit_distance(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == distance


def _proposal() -> Proposal:
    return Proposal("Деньги приходят за пять дней. [1]", [SOURCE], 0.93, [1], [2.0], {}, True)


def _proposed(world: World, asked: Message) -> Draft:
    with transaction(world.account_id):
        draft = actions.propose(locked(world.account_id, asked.conversation_id), asked, _proposal())
    assert draft is not None
    return draft


def _owed(world: World) -> int:
    with transaction(world.account_id) as current:
        return len(list(current.exec(select(Delivery).where(col(Delivery.kind) == "captain.draft"))))


def _told(world: World) -> list[Any]:
    with transaction(world.account_id):
        return [event.name for event in log.read(world.account_id, 0, 1000)]
