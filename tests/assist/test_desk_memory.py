"""Resolved conversations that Captain shows beside a new one: those the agent may see, and nothing of who is gone."""

from typing import Any

import pytest
from sqlmodel import select

from app.assist import assistance, memory
from app.assist.models import Memory, Suggestion, SuggestionKind
from app.contacts.models import Contact
from app.conversations.actions import reopen, resolve
from app.conversations.models import Message
from app.conversations.queries import locked, thread, visible_inbox_ids
from app.database import transaction
from app.erasure.actions import erase
from app.events import log
from app.inboxes.actions import create_inbox, set_members
from app.inboxes.models import Channel
from app.users.models import User
from app.users.queries import membership
from tests.assist.desk import works
from tests.assist.remembering import SOLVED, remembers, solves
from tests.world import World, acme, asks, everyone_reads, globex, replies

pytestmark = pytest.mark.usefixtures("database", "captain")

ASKED = "Здравствуйте! Письмо для смены пароля не приходит"


def test_an_alike_conversation_is_found_with_the_answer_that_solved_it() -> None:
    world = acme()
    first = remembers(world)[0]
    found = _found(world, asks(world, ASKED, who="nina"), world.ada)
    assert [one["conversation_id"] for one in found.shown] == [first.conversation_id]
    assert _answers_of(world, found) == [SOLVED[0][2]]


def test_a_conversation_is_not_shown_to_itself_nor_compared_with_what_another_model_read() -> None:
    world = acme()
    first = remembers(world)[0]
    with transaction(world.account_id) as current:
        row = current.exec(select(Memory).where(Memory.conversation_id == first.conversation_id)).one()

        def near(model: str, but: int) -> list[int]:
            found = memory.alike(world.account_id, row.embedding, model, inbox_ids=None, but=but, limit=5)
            return [one.conversation_id for one in found]

        assert first.conversation_id in near(row.model, but=0)
        assert first.conversation_id not in near(row.model, but=first.conversation_id)
        assert near("another", but=0) == []


def test_an_answer_that_was_given_twice_is_shown_once() -> None:
    world = acme()
    remembers(world)
    solves(world, "lena", SOLVED[0][1], SOLVED[0][2])
    works(world)
    with transaction(world.account_id) as current:
        assert len(current.exec(select(Memory)).all()) == len(SOLVED) + 1
    assert _answers_of(world, _found(world, asks(world, ASKED, who="nina"), world.ada)) == [SOLVED[0][2]]


def test_what_is_like_nothing_shows_nothing_and_the_agent_is_told_so() -> None:
    world = acme()
    remembers(world)
    assert _found(world, asks(world, "Можно ли покрасить самолёт?", who="nina"), world.ada).shown == []


def test_the_log_is_told_of_numbers_and_not_of_words() -> None:
    world = acme()
    first = remembers(world)[0]
    _found(world, asks(world, ASKED, who="nina"), world.ada)
    with transaction(world.account_id):
        told = [event for event in log.read(world.account_id, 0, 1000) if event.name == "captain.suggested"]
    (one,) = [event for event in told if event.data["kind"] == "similar"]
    assert one.data["shown"][0]["conversation_id"] == first.conversation_id
    assert "Спам" not in str(one.data)
    assert "парол" not in str(one.data)


def test_an_agent_sees_nothing_of_inboxes_he_is_no_member_of() -> None:
    world = acme()
    remembers(world)
    with transaction(world.account_id):
        closed = create_inbox(world.account_id, Channel.WEBSITE, "Юристам", by=world.ada.actor)
        set_members(closed, {world.ada.id}, by=world.ada.actor)
    own = World(world.account_id, world.ada, world.bo, closed)
    secret = solves(
        own, "lena", "Письмо для смены пароля не приходит никак", "Проверьте отдельный ящик юриста, письмо там."
    )
    everyone_reads(world)
    with transaction(world.account_id):
        memory.remember_past(world.account_id)
    works(world)
    asked = asks(world, ASKED, who="nina")
    assert secret.conversation_id in [one["conversation_id"] for one in _found(world, asked, world.ada).shown]
    for_bo = _found(world, asked, world.bo)
    assert for_bo.shown
    assert secret.conversation_id not in [one["conversation_id"] for one in for_bo.shown]


def test_nothing_is_found_in_another_account() -> None:
    mine, theirs = acme(), globex()
    remembers(theirs)
    assert _found(mine, asks(mine, ASKED), mine.ada).shown == []


def test_a_reopened_conversation_is_no_solution() -> None:
    world = acme()
    first = remembers(world)[0]
    with transaction(world.account_id):
        reopen(locked(world.account_id, first.conversation_id), by=world.ada.actor)
    assert _found(world, asks(world, ASKED, who="nina"), world.ada).shown == []


def test_nothing_is_left_of_a_customer_who_was_deleted() -> None:
    world = acme()
    first = remembers(world)[0]
    asked = asks(world, ASKED, who="nina")
    assert _found(world, asked, world.ada).shown
    with transaction(world.account_id) as current:
        contact_id = locked(world.account_id, first.conversation_id).contact_id
        erase(current.get_one(Contact, (world.account_id, contact_id)), by=world.ada.actor)
    with transaction(world.account_id) as current:
        assert first.conversation_id not in [one.conversation_id for one in current.exec(select(Memory))]
        assert list(current.exec(select(Suggestion))) == []
    assert _found(world, asked, world.ada).shown == []


def test_a_question_nobody_answered_is_remembered_and_never_shown() -> None:
    world = acme()
    said = asks(world, ASKED, who="olga")
    with transaction(world.account_id):
        resolve(locked(world.account_id, said.conversation_id), by=world.ada.actor)
        memory.remember_past(world.account_id)
    works(world)
    with transaction(world.account_id) as current:
        (kept,) = current.exec(select(Memory))
    assert kept.answer_ids == []
    assert kept.model
    assert _found(world, asks(world, ASKED, who="nina"), world.ada).shown == []


def test_the_answer_is_the_one_that_says_most() -> None:
    world = acme()
    asked = asks(world, "Здравствуйте! Сколько стоит доставка в Ош?")
    replies(world, asked, "Добрый день! Сейчас посмотрю. Какой у вас адрес?")
    asks(world, "Улица Курманжан Датки, 5")
    answer = replies(world, asked, "Доставка в Ош стоит 350 сомов, привезём за три дня, с десяти до шести.")
    asks(world, "Спасибо!")
    replies(world, asked, "Пожалуйста!")
    with transaction(world.account_id):
        found = memory.exchange(thread(locked(world.account_id, asked.conversation_id), public_only=True))
    assert found is not None
    assert found.answer_ids == (answer.id,)
    assert "Сколько стоит доставка в Ош?" in found.question


def _found(world: World, asked: Message, user: User) -> Suggestion:
    """What is shown to that agent beside the conversation."""
    with transaction(world.account_id):
        question = assistance.question(locked(world.account_id, asked.conversation_id))
        member = membership(world.account_id, user.id)
        visible = visible_inbox_ids(member)
    found = assistance.find_alike(question, user, visible)
    assert found.kind == SuggestionKind.SIMILAR
    return found


def _answers_of(world: World, found: Suggestion) -> list[Any]:
    with transaction(world.account_id):
        pairs = [memory.pair(world.account_id, one["message_ids"]) for one in found.shown]
    return [pair[1] for pair in pairs if pair]
