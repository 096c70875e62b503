"""Captain with customers: he answers when he is sure, stops when a person speaks, and gives over what is not his."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app import timers
from app.assist import actions
from app.assist.steps import PER_MINUTE, Kind, Reason, Step, back_at
from app.calendars.actions import assign, create_calendar
from app.clock import now
from app.consumers import TIMERS
from app.conversations.models import Holder, Message, MessageType, Status
from app.conversations.queries import locked, thread
from app.database import across_accounts, transaction
from app.events import log
from app.i18n import speaking
from app.inboxes.models import Inbox
from tests.assist.desk import answering, said, says, works
from tests.world import World, acme, asks, conversation_of, replies

pytestmark = pytest.mark.usefixtures("database")


def test_a_new_conversation_is_captains_at_first_where_he_answers() -> None:
    world = acme()
    before = conversation_of(asks(world, who="early"))
    assert (before.status, before.held_by) == (Status.OPEN, None)
    found = conversation_of(asks(answering(world)))
    assert (found.status, found.held_by) == (Status.PENDING, Holder.CAPTAIN)


@pytest.mark.parametrize("words", ["Позовите оператора!", "can I talk to a human?"])
def test_who_asks_for_a_person_gets_one_with_a_note_for_him(words: str) -> None:
    world = answering(acme())
    asked = says(world, words)
    found = conversation_of(asked)
    assert (found.status, found.held_by) == (Status.OPEN, None)
    assert found.waiting_since is not None
    assert _reasons(world) == [Reason.ASKED]
    assert len(said(asked)) == 1
    assert len(_notes(asked)) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Верните деньги за заказ", Reason.MONEY),
        ("Вы издеваетесь?! Сколько можно!", Reason.ANGER),
        ("Как настроить телепатию?", Reason.NOT_SURE),
    ],
)
def test_what_is_not_for_a_machine_goes_to_people(words: str, reason: Reason) -> None:
    world = answering(acme())
    asked = says(world, words)
    assert conversation_of(asked).status == Status.OPEN
    assert _reasons(world) == [reason]


def test_a_persons_reply_stops_captain_at_once() -> None:
    world = answering(acme())
    asked = asks(world, "Позовите оператора")
    replies(world, asked)
    found = conversation_of(asked)
    assert (found.status, found.held_by, found.waiting_since) == (Status.OPEN, None, None)
    works(world)
    assert said(asked) == []
    assert _reasons(world) == ["human_replied"]


def test_what_captain_was_writing_when_a_person_answered_is_dropped() -> None:
    world = answering(acme())
    asked = asks(world)
    turn = _turn(asked)
    replies(world, asked)
    with transaction(world.account_id):
        assert actions.take_turn(locked(asked.account_id, asked.conversation_id), turn, _answer()) is None
    assert said(asked) == []


def test_a_person_and_captain_at_the_same_moment_never_talk_over_each_other() -> None:
    world = answering(acme())
    for n in range(10):
        asked = asks(world, who=f"guest-{n}")
        turn, barrier = _turn(asked), threading.Barrier(2)

        def captain(asked: Message = asked, turn: actions.Turn = turn, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            with transaction(asked.account_id):
                actions.take_turn(locked(asked.account_id, asked.conversation_id), turn, _answer())

        def person(asked: Message = asked, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            replies(world, asked)

        threads = [threading.Thread(target=captain), threading.Thread(target=person)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        with transaction(asked.account_id):
            found = thread(locked(asked.account_id, asked.conversation_id), public_only=True)
        writers = [message.sender_type for message in found]
        assert writers in (["contact", "user"], ["contact", "captain", "user"])


def test_a_burst_is_answered_once_and_nothing_twice() -> None:
    world = answering(acme())
    for words in ("Здравствуйте", "у меня вопрос", "позовите человека"):
        asked = asks(world, words)
    works(world)
    works(world)
    assert len(said(asked)) == 1
    assert _reasons(world) == [Reason.ASKED]


def test_a_turn_is_taken_once_whoever_repeats_it() -> None:
    world = answering(acme())
    asked = asks(world)
    turn = _turn(asked)
    for _again in range(2):
        with transaction(world.account_id):
            actions.take_turn(locked(asked.account_id, asked.conversation_id), turn, _answer())
    assert len(said(asked)) == 1


def test_thanks_are_not_answered_for_ever() -> None:
    world = answering(acme())
    asked = asks(world)
    _answered(world, asked)
    for words in ("спасибо", "спасибо!", "ок"):
        says(world, words)
    assert [message.content_attributes["captain"] for message in said(asked)] == [Kind.ANSWER, Kind.THANKS]
    assert conversation_of(asked).held_by == Holder.CAPTAIN


def test_his_own_word_that_it_helped_solves_it_and_silence_does_not() -> None:
    world = answering(acme())
    asked = asks(world)
    _answered(world, asked)
    works(world)
    assert conversation_of(asked).status == Status.PENDING
    says(world, "Спасибо, помогло!")
    assert conversation_of(asked).status == Status.RESOLVED
    assert "captain.confirmed" in _told(world)


def test_yes_under_the_answer_solves_it_too() -> None:
    from app.conversations.actions import change_content_attributes

    world = answering(acme())
    asked = asks(world)
    answer, contact_id = _answered(world, asked), conversation_of(asked).contact_id
    with transaction(world.account_id) as current:
        message = current.get_one(Message, (world.account_id, answer.id))
        values = {"submitted_values": [{"name": "helped", "value": "yes"}]}
        change_content_attributes(message, values, by=f"contact:{contact_id}")
    works(world)
    assert conversation_of(asked).status == Status.RESOLVED
    assert _told(world).count("captain.feedback") == 1


def test_two_answers_that_did_not_help_are_enough() -> None:
    world = answering(acme())
    asked = asks(world)
    _answered(world, asked)
    says(world, "не помогло")
    assert conversation_of(asked).held_by == Holder.CAPTAIN
    says(world, "нет, не то")
    assert conversation_of(asked).status == Status.OPEN
    assert _reasons(world) == [Reason.FAILED]


def test_a_resolved_conversation_comes_back_to_captain_and_a_persons_stays_a_persons() -> None:
    world = answering(acme())
    asked = says(world, "Позовите оператора")
    asks(world, "Ау")
    assert conversation_of(asked).held_by is None
    with transaction(world.account_id):
        actions.resolve(locked(asked.account_id, asked.conversation_id), by=world.ada.actor)
    asks(world, "Ещё вопрос")
    assert conversation_of(asked).held_by == Holder.CAPTAIN


def test_captain_who_does_not_answer_gives_it_to_people_with_a_word_and_a_note() -> None:
    from tests.assist.desk import help_center

    world = answering(acme())
    help_center(world)
    asked = says(world, "Сколько файлов можно прикрепить?")
    assert conversation_of(asked).status == Status.OPEN
    assert _reasons(world) == [Reason.AWAY]
    assert (len(said(asked)), len(_notes(asked))) == (1, 1)


def test_captain_switched_off_leaves_nobody_waiting() -> None:
    from app.assist.assistants import first_assistant

    world = answering(acme())
    asked = asks(world)
    with transaction(world.account_id):
        actions.change_assistant(first_assistant(world.account_id), by="system", mode="drafts")
    works(world)
    assert conversation_of(asked).status == Status.OPEN
    with transaction(world.account_id) as current:
        assert not current.get_one(Inbox, (world.account_id, world.inbox.id)).is_held_by_captain


def test_captain_speaks_the_customers_language() -> None:
    world = answering(acme())
    assert "colleague" in said(says(world, "I need a human", who="john"))[0].content
    assert "вам здесь" in said(says(world, "Нужен человек", who="ivan"))[0].content


@pytest.mark.parametrize(
    "words", ["Это автоматический ответ: ваше обращение принято.", "Automatic reply: I am on vacation"]
)
def test_an_automatic_answer_gets_people_and_not_a_word(words: str) -> None:
    world = answering(acme())
    asked = says(world, words)
    assert said(asked) == []
    assert conversation_of(asked).status == Status.OPEN
    assert _reasons(world) == [Reason.MACHINE]
    assert len(_notes(asked)) == 1


def test_who_says_captains_own_words_back_is_a_machine() -> None:
    world = answering(acme())
    asked = asks(world)
    _answered(world, asked)
    says(world, said(asked)[0].content.upper())
    assert len(said(asked)) == 1
    assert _reasons(world) == [Reason.MACHINE]


def test_the_same_words_again_and_again_get_people() -> None:
    world = answering(acme())
    for _again in range(3):
        asked = asks(world, "Ау!")
    works(world)
    assert _reasons(world) == [Reason.TOO_MANY]
    assert len(said(asked)) == 1


def test_two_machines_do_not_talk_for_ever() -> None:
    """However different the words are, so many turns in a minute are nobody's who reads."""
    world = answering(acme())
    asked = asks(world)
    for n in range(PER_MINUTE):
        _answered(world, asks(world, f"Вопрос {n}"))
    for words in ("Как отложить диалог?", "А метки?"):
        says(world, words)
    assert len(said(asked)) == PER_MINUTE + 1
    assert _reasons(world) == [Reason.TOO_MANY]


def test_captain_says_when_people_are_back() -> None:
    world = answering(acme())
    week: list[list[list[str]]] = [[] for _day in range(7)]
    week[(now() + timedelta(days=3)).weekday()] = [["09:00", "18:00"]]
    with transaction(world.account_id) as current:
        night = create_calendar(world.account_id, "Раз в неделю", by=world.ada.actor, timezone="UTC", week=week)
        assign(current.get_one(Inbox, (world.account_id, world.inbox.id)), night, by=world.ada.actor)
    away = said(says(world, "Позовите человека", who="night"))[0].content
    assert "после" in away
    with transaction(world.account_id) as current:
        assign(current.get_one(Inbox, (world.account_id, world.inbox.id)), None, by=world.ada.actor)
    here = said(says(world, "Позовите человека", who="day"))[0].content
    assert "после" not in here


def test_a_week_of_silence_is_no_solution() -> None:
    world = answering(acme())
    asked = asks(world)
    _answered(world, asked)
    with across_accounts() as current:
        current.connection().execute(text("update message set created_at = created_at - interval '7 days'"))
        current.connection().execute(text("update timer set due_at = due_at - interval '8 days'"))
    timers.fire_due(TIMERS)
    works(world)
    assert (conversation_of(asked).status, conversation_of(asked).held_by) == (Status.PENDING, Holder.CAPTAIN)
    assert "captain.confirmed" not in _told(world)


def test_when_people_answer_is_said_by_a_clock_that_is_named() -> None:
    moment = datetime(2026, 3, 2, 20, tzinfo=UTC)
    with speaking("ru", "Asia/Bishkek"):
        assert "сегодня после 09:00 (Бишкек)" in back_at(datetime(2026, 3, 3, 3, tzinfo=UTC), moment)
    with speaking("en", "Europe/Moscow"):
        assert "(Moscow)" in back_at(datetime(2026, 3, 3, 3, tzinfo=UTC), moment)
        assert back_at(None, moment) == "A person will answer you here."


def _turn(asked: Message) -> actions.Turn:
    version = conversation_of(asked).thread_version
    return actions.Turn(asked.id, version, "ru", None, is_first=True)


def _answer() -> Step:
    return Step(Kind.ANSWER, "Уже едет. [1]", confidence=0.95)


def _answered(world: World, asked: Message) -> Message:
    turn = _turn(asked)
    with transaction(world.account_id):
        made = actions.take_turn(locked(asked.account_id, asked.conversation_id), turn, _answer())
    assert made is not None
    return made


def _notes(asked: Message) -> list[Message]:
    with transaction(asked.account_id):
        found = thread(locked(asked.account_id, asked.conversation_id))
    return [m for m in found if m.is_private and m.message_type == MessageType.OUTGOING]


def _reasons(world: World) -> list[str]:
    with transaction(world.account_id):
        found = log.read(world.account_id, 0, 1000)
    return [event.data["reason"] for event in found if event.name == "conversation.bot_handoff"]


def _told(world: World) -> list[str]:
    with transaction(world.account_id):
        return [event.name for event in log.read(world.account_id, 0, 1000)]
