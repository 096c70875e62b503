"""An agent's answer on its way to Telegram, and what he is told of it."""

import pytest
from sqlmodel import col, select

from app import consumers
from app.accounts.models import Account
from app.contacts.actions import identify
from app.conversations import actions
from app.conversations.models import Conversation, Message, MessageStatus
from app.database import transaction
from app.deliveries.courier import deliver_next, recover
from app.deliveries.models import Delivery
from app.inboxes.models import Inbox
from tests.channels.fake_telegram import CUT, TOKEN, Refusal
from tests.kernel.conftest import account, inbox_of
from tests.kernel.test_courier import let_time_pass


@pytest.fixture
def inbox(database: None) -> Inbox:
    return inbox_of(account("Acme"), TOKEN)


@pytest.fixture
def conversation(inbox: Inbox) -> Conversation:
    with transaction(inbox.account_id):
        return actions.start(inbox, identify(inbox, "5001"), by="system")


def answer(conversation: Conversation, words: str) -> int:
    with transaction(conversation.account_id):
        return actions.reply(conversation, actions.CAPTAIN, actions.Writing(words)).id


def send_all() -> None:
    while deliver_next(consumers.DELIVERIES):
        pass


def message(conversation: Conversation, message_id: int) -> Message:
    with transaction(conversation.account_id) as current:
        return current.get_one(Message, (conversation.account_id, message_id))


def test_an_answer_arrives_and_is_known_by_telegrams_number(conversation, outside):
    first, second = answer(conversation, "Добрый день!"), answer(conversation, "Чем помочь?")
    assert message(conversation, first).status == MessageStatus.SENDING
    send_all()
    assert outside.texts("5001") == ["Добрый день!", "Чем помочь?"]
    assert [(m.status, m.source_id) for m in (message(conversation, first), message(conversation, second))] == [
        (MessageStatus.SENT, "5001:1001"),
        (MessageStatus.SENT, "5001:1002"),
    ]


@pytest.mark.parametrize(("locale", "words"), [("ru", "Telegram не даёт"), ("en", "Telegram does not let us")])
def test_what_went_wrong_is_told_in_the_accounts_language(conversation, outside, locale, words):
    with transaction(conversation.account_id) as current:
        current.get_one(Account, conversation.account_id).locale = locale
    number = answer(conversation, "Добрый день!")
    outside.next_sends.append(Refusal(403, "Forbidden: bot was blocked by the user"))
    send_all()
    assert words in message(conversation, number).error


def test_who_is_blocked_learns_why(conversation, outside):
    number = answer(conversation, "Добрый день!")
    outside.next_sends.append(Refusal(403, "Forbidden: bot was blocked by the user"))
    send_all()
    assert message(conversation, number).status == MessageStatus.FAILED
    assert "bot was blocked by the user" in message(conversation, number).error


def test_what_may_have_arrived_is_said_to_be_so_and_sent_again_only_by_a_person(conversation, outside):
    number = answer(conversation, "Добрый день!")
    outside.next_sends.append(CUT)
    send_all()
    let_time_pass(conversation.account_id)
    recover(consumers.DELIVERIES)
    send_all()
    assert outside.texts() == ["Добрый день!"]
    assert message(conversation, number).status == MessageStatus.UNKNOWN
    with transaction(conversation.account_id) as current:
        actions.send_again(current.get_one(Message, (conversation.account_id, number)), by="user:1")
    send_all()
    assert outside.texts() == ["Добрый день!"] * 2
    assert message(conversation, number).status == MessageStatus.SENT


def test_when_telegram_is_busy_the_next_answer_waits_for_the_first(conversation, outside):
    first, second = answer(conversation, "Первое"), answer(conversation, "Второе")
    outside.next_sends.append(Refusal(429, "Too Many Requests", {"retry_after": 5}))
    send_all()
    assert outside.texts() == []
    assert message(conversation, first).status == message(conversation, second).status == MessageStatus.SENDING
    let_time_pass(conversation.account_id)
    send_all()
    assert outside.texts() == ["Первое", "Второе"]


def test_a_long_answer_refused_halfway_goes_on_where_it_stopped(conversation, outside):
    words = "\n".join(f"{number}. Шаг, который нужно сделать." for number in range(400))
    number = answer(conversation, words)
    outside.next_sends.extend(["ok", Refusal(429, "Too Many Requests", {"retry_after": 5})])
    send_all()
    let_time_pass(conversation.account_id)
    send_all()
    assert "\n".join(outside.texts()) == words
    assert message(conversation, number).source_id == "5001:1001"
    with transaction(conversation.account_id) as current:
        assert set(current.exec(select(col(Delivery.state)))) == {"done"}
