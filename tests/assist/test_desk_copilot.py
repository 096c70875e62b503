"""Captain beside an agent: he answers from what the agent may see, says where from, and keeps it for this agent alone."""

import pytest
from sqlmodel import select

from app.assist import assistance, copilot
from app.assist.actions import change_assistant
from app.assist.assistants import first_assistant
from app.assist.models import Mode, Suggestion, SuggestionState
from app.contacts.models import Contact
from app.conversations.models import Message
from app.conversations.queries import locked, visible_inbox_ids
from app.database import transaction
from app.erasure.actions import erase
from app.errors import NotFound
from app.events import log
from app.inboxes.actions import set_members
from app.inboxes.queries import inbox
from app.users.models import User
from app.users.queries import membership
from tests.assist.desk import help_center, works
from tests.assist.remembering import SOLVED, remembers
from tests.world import World, acme, asks, replies

pytestmark = pytest.mark.usefixtures("database", "captain")


def test_he_answers_from_the_help_center_with_numbered_sources() -> None:
    world, asked = _ready()
    found = _asks(world, asked, "Сколько файлов можно прикрепить?")
    assert "пятнадцати файлов" in found.content
    assert "[1]" in found.content
    assert found.shown[0]["title"] == "Сколько файлов можно прикрепить"
    assert found.shown[0]["article_id"] > 0


def test_he_answers_from_resolved_conversations_and_names_them() -> None:
    world, asked = _ready()
    (first, *_others) = remembers(world)
    found = _asks(world, asked, "Не приходит письмо для смены пароля, что делать?")
    assert "папку «Спам»" in found.content
    assert [source["conversation_id"] for source in found.shown] == [first.conversation_id]
    assert found.shown[0]["url"].startswith("/conversations/")
    # what goes to a customer holds no number of ours, and no address of another's conversation
    assert copilot.sendable(found) == SOLVED[0][2]


def test_what_to_reply_means_the_customers_question() -> None:
    world, _asked = _ready()
    asked = asks(world, "Здравствуйте! Как отложить диалог?", who="nina")
    assert "Отложить" in _asks(world, asked, "Что ответить клиенту?").content


def test_a_follow_up_leans_on_what_was_asked_before() -> None:
    world, asked = _ready()
    _asks(world, asked, "Сколько файлов можно прикрепить к сообщению?")
    assert "40 МБ" in _asks(world, asked, "а какой у них размер?").content


def test_what_he_does_not_know_he_says_with_the_closest_there_is() -> None:
    world, asked = _ready()
    found = _asks(world, asked, "Можно ли перекрасить самолёт в фиолетовый?")
    assert found.content == ""
    assert len(found.shown) <= copilot.CLOSEST


def test_conversations_the_agent_may_not_see_are_no_source() -> None:
    world, asked = _ready()
    remembers(world)
    with transaction(world.account_id):
        set_members(inbox(world.account_id, world.inbox.id), {world.ada.id}, by=world.ada.actor)
    found = _asks(world, asked, "Не приходит письмо для смены пароля, что делать?", by=world.bo)
    assert "Спам" not in found.content
    assert not copilot.quoted(found)


def test_what_an_agent_asked_is_his_alone() -> None:
    world, asked = _ready()
    found = _asks(world, asked, "Как отложить диалог?")
    with transaction(world.account_id):
        conversation = locked(world.account_id, asked.conversation_id)
        assert [one.id for one in copilot.said(conversation, world.ada.id)] == [found.id]
        assert copilot.said(conversation, world.bo.id) == []
        with pytest.raises(NotFound):
            assistance.suggestion(conversation, found.id, world.bo)


def test_where_captain_is_off_nobody_asks_him() -> None:
    world, asked = _ready()
    with transaction(world.account_id):
        change_assistant(first_assistant(world.account_id), by="system", mode=Mode.OFF)
    with pytest.raises(NotFound):
        _asks(world, asked, "Как отложить диалог?")


def test_an_answer_from_a_deleted_customers_words_goes_with_them() -> None:
    world, asked = _ready()
    (first, *_others) = remembers(world)
    _asks(world, asked, "Не приходит письмо для смены пароля, что делать?")
    with transaction(world.account_id) as current:
        contact_id = locked(world.account_id, first.conversation_id).contact_id
        erase(current.get_one(Contact, (world.account_id, contact_id)), by=world.ada.actor)
    with transaction(world.account_id) as current:
        assert list(current.exec(select(Suggestion))) == []


@pytest.mark.parametrize(
    ("sent", "state"),
    [
        ("", SuggestionState.USED),
        (" Хорошего дня!", SuggestionState.EDITED),
        (None, SuggestionState.DISMISSED),
    ],
)
def test_what_became_of_it_is_told_with_the_distance(sent: str | None, state: SuggestionState) -> None:
    world, asked = _ready()
    found = _asks(world, asked, "Как отложить диалог?")
    offered = copilot.sendable(found)
    written = replies(world, asked, "Нет." if sent is None else offered + sent)
    with transaction(world.account_id):
        conversation = locked(world.account_id, asked.conversation_id)
        for _twice in range(2):
            assistance.note_use(conversation, written, [(found.id, offered)], by=world.ada)
    with transaction(world.account_id) as current:
        kept = current.get_one(Suggestion, (world.account_id, found.id))
        assert (kept.state, kept.sent_message_id) == (state, written.id)
        told = [event for event in log.read(world.account_id, 0, 1000) if event.name == f"captain.suggestion_{state}"]
    assert [event.data["edit_distance"] for event in told] == [kept.edit_distance]
    assert not any("Отложить" in str(event.data) for event in told)


def _ready() -> tuple[World, Message]:
    world = acme()
    help_center(world)
    works(world)
    return world, asks(world, "Добрый день, вопрос про заказ", who="nina")


def _asks(world: World, asked: Message, words: str, by: User | None = None) -> Suggestion:
    user = by or world.ada
    with transaction(world.account_id):
        visible = visible_inbox_ids(membership(world.account_id, user.id))
        conversation = locked(world.account_id, asked.conversation_id)
        wanted = copilot.asked(conversation, user.id, words, visible)
    return copilot.answer(wanted)
