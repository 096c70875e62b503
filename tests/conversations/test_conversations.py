"""What conversations promise."""

import itertools
import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app import clock, timers
from app.consumers import TIMERS
from app.contacts.actions import block
from app.contacts.models import Contact
from app.conversations import actions, queries
from app.conversations.actions import Writing, by_user
from app.conversations.models import Conversation, Holder, Message, MessageRevision, Priority, Status
from app.conversations.queries import locked
from app.database import session, transaction
from app.errors import Invalid, Stale
from app.events import log
from tests.world import World, acme, asks, conversation_of, replies

pytestmark = pytest.mark.usefixtures("database")


def test_a_customer_who_repeats_himself_is_heard_once() -> None:
    world = acme()
    first = asks(world, client_id="same")
    again = asks(world, client_id="same")
    assert again.id == first.id
    with transaction(world.account_id):
        assert len(queries.thread(locked(world.account_id, first.conversation_id))) == 1


def test_the_same_click_from_twenty_hands_writes_one_reply() -> None:
    """T06: the agent's button is pressed again and again while the line is slow."""
    world = acme()
    asked = asks(world)

    def click() -> None:
        with transaction(world.account_id):
            found = locked(world.account_id, asked.conversation_id)
            actions.reply(found, by_user(world.ada), Writing("Уже едет.", client_message_id="click"))

    together([click] * 20)
    with transaction(world.account_id):
        thread = queries.thread(locked(world.account_id, asked.conversation_id))
    assert [message.content for message in thread] == ["Где мой заказ?", "Уже едет."]


def test_fifty_first_messages_at_once_make_one_conversation_each() -> None:
    """T03: a visitor's first messages arrive together."""
    world = acme()
    people = [f"visitor-{n}" for n in range(10)]
    together([lambda who=who, n=n: asks(world, f"вопрос {n}", who) for who in people for n in range(5)])  # type: ignore[misc]
    with transaction(world.account_id):
        found = queries.page(queries.Filter(world.account_id, world.ada.id), limit=100)
        assert len(found) == len(people)
        assert all(len(queries.thread(conversation)) == 5 for conversation in found)
        assert sorted(c.display_id for c in found) == list(range(1, len(people) + 1))


def test_threads_of_several_come_with_one_query_the_newest_public_messages_of_each_in_order() -> None:
    world = acme()
    talks = [asks(world, f"{who} 0", who).conversation_id for who in ("мика", "рио")]
    for who in ("мика", "рио"):
        for n in range(1, 4):
            asks(world, f"{who} {n}", who)
    with transaction(world.account_id):
        actions.write_note(locked(world.account_id, talks[0]), by_user(world.ada), Writing("не для всех"))
        silent = max(talks) + 1
        told = queries.threads(world.account_id, [*talks, silent], limit=3)
    words = {number: [message.content for message in thread] for number, thread in told.items()}
    assert words == {talks[0]: ["мика 1", "мика 2", "мика 3"], talks[1]: ["рио 1", "рио 2", "рио 3"]}


def test_a_reply_to_a_thread_that_has_grown_is_held_back() -> None:
    world = acme()
    asked = asks(world)
    seen = conversation_of(asked).thread_version
    asks(world, "Всё, нашёлся, спасибо!")
    with transaction(world.account_id):
        found = locked(world.account_id, asked.conversation_id)
        with pytest.raises(Stale):
            actions.reply(found, by_user(world.ada), Writing("Сейчас поищу"), seen_version=seen)
    assert len(thread_of(asked)) == 2


def test_a_note_is_no_answer() -> None:
    world = acme()
    asked = asks(world)
    with transaction(world.account_id):
        actions.write_note(
            locked(world.account_id, asked.conversation_id), by_user(world.bo), Writing("Посмотрю склад")
        )
    found = conversation_of(asked)
    assert found.waiting_since is not None
    assert found.first_replied_at is None
    assert found.thread_version == 1


def test_waiting_ends_with_an_answer_and_begins_with_the_next_question() -> None:
    world = acme()
    asked = asks(world)
    began = conversation_of(asked).waiting_since
    asks(world, "Ау?")
    assert conversation_of(asked).waiting_since == began
    replies(world, asked)
    assert conversation_of(asked).waiting_since is None
    asks(world, "А когда?")
    assert conversation_of(asked).waiting_since is not None


@pytest.mark.parametrize(
    ("status", "holder", "muted", "then"),
    [
        (Status.RESOLVED, None, False, Status.OPEN),
        (Status.SNOOZED, None, False, Status.OPEN),
        (Status.PENDING, None, False, Status.OPEN),
        (Status.PENDING, Holder.CAPTAIN, False, Status.PENDING),
        (Status.RESOLVED, None, True, Status.RESOLVED),
    ],
)
def test_what_a_customers_message_does_to_the_status(
    status: Status, holder: Holder | None, muted: bool, then: Status
) -> None:
    world = acme()
    asked = asks(world)
    with transaction(world.account_id):
        found = locked(world.account_id, asked.conversation_id)
        actions.mute(found, muted, by=world.ada.actor)
        if holder:
            actions.hold(found, holder, by="captain")
        else:
            actions.change_status(found, status, by=world.ada.actor)
    asks(world, "Ещё вопрос")
    assert conversation_of(asked).status == then


def test_a_blocked_contacts_conversation_is_born_resolved() -> None:
    world = acme()
    asked = asks(world)
    with transaction(world.account_id) as current:
        block(current.get_one(Contact, (world.account_id, conversation_of_contact(asked))), True, by=world.ada.actor)
        actions.resolve(locked(world.account_id, asked.conversation_id), by=world.ada.actor)
    asks(world, "Снова я")
    assert conversation_of(asked).status == Status.RESOLVED


def test_a_snooze_ends_at_its_time_and_only_the_last_one_counts() -> None:
    world = acme()
    asked = asks(world)
    with transaction(world.account_id):
        found = locked(world.account_id, asked.conversation_id)
        actions.snooze(found, clock.now() + timedelta(seconds=0.2), by=world.ada.actor)
        later = clock.now() + timedelta(hours=1)
        actions.snooze(found, later, by=world.ada.actor)
    threading.Event().wait(0.3)
    assert timers.fire_due(TIMERS) == 0
    assert conversation_of(asked).status == Status.SNOOZED
    with transaction(world.account_id):
        found = locked(world.account_id, asked.conversation_id)
        actions.snooze(found, clock.now() + timedelta(seconds=0.2), by=world.ada.actor)
    threading.Event().wait(0.3)
    assert timers.fire_due(TIMERS) == 1
    assert conversation_of(asked).status == Status.OPEN


def test_a_snooze_into_the_past_is_refused() -> None:
    world = acme()
    asked = asks(world)
    with transaction(world.account_id), pytest.raises(Invalid):
        actions.snooze(locked(world.account_id, asked.conversation_id), clock.now() - timedelta(1), by=world.ada.actor)


def test_resolving_twice_tells_once() -> None:
    world = acme()
    asked = asks(world)
    for _ in range(2):
        with transaction(world.account_id):
            actions.resolve(locked(world.account_id, asked.conversation_id), by=world.ada.actor)
    told = [event for event in events_of(world) if event.name == "conversation.status_changed"]
    assert [event.data["status_change"] for event in told] == [["open", "resolved"]]


def test_an_edit_keeps_the_text_the_log_told_of() -> None:
    """T12: what an event told of stays readable after the message changed."""
    world = acme()
    asked = asks(world, "Заказ 17")
    with transaction(world.account_id):
        actions.edit(queries.message(world.account_id, asked.id), "Заказ 71", by="contact:1")
    created = next(event for event in events_of(world) if event.name == "message.created")
    with transaction(world.account_id) as current:
        told = current.get_one(MessageRevision, (world.account_id, asked.id, created.data["version"]))
        assert told.content == "Заказ 17"
        assert queries.message(world.account_id, asked.id).content == "Заказ 71"


def test_the_log_cannot_be_changed() -> None:
    world = acme()
    asks(world)
    forged = text("update event set name = 'message.deleted' where seq = 1")
    with pytest.raises(Exception, match="permission denied"), transaction(world.account_id) as current:
        current.connection().execute(forged)


@pytest.mark.parametrize("content", ["", "   ", "a" * 150_001, "с\x00нулём", "\ud800"])
def test_text_that_cannot_be_kept_is_refused_and_nothing_is_written(content: str) -> None:
    world = acme()
    asked = asks(world)
    before = len(events_of(world))
    with pytest.raises(Invalid), transaction(world.account_id):
        actions.reply(locked(world.account_id, asked.conversation_id), by_user(world.ada), Writing(content))
    assert len(thread_of(asked)) == 1
    assert len(events_of(world)) == before


def test_the_state_of_every_conversation_is_what_its_events_say() -> None:
    """T41: for every action, in any order, events and tables tell the same story; pairs join without a gap."""
    world = acme()
    chance = random.Random(41)
    asked = [asks(world, who=f"visitor-{n}") for n in range(4)]
    for _ in range(300):
        message = chance.choice(asked)
        with transaction(world.account_id):
            found = locked(world.account_id, message.conversation_id)
            chance.choice(ANYTHING)(found, world, chance)
    for message in asked:
        found = conversation_of(message)
        with transaction(world.account_id):
            told = log.of_conversation(world.account_id, found.id)
        assert replayed(told) == {name: value for name, value in found.facts().items() if name in replayed(told)}
    assert [event.seq for event in events_of(world)] == list(range(1, len(events_of(world)) + 1))


def test_two_agents_who_act_at_once_leave_a_story_that_adds_up() -> None:
    """T50: a thousand times resolve, reopen and assign from sixteen hands; as many lines as transitions."""
    world = acme()
    asked = asks(world)

    def act(n: int) -> None:
        chance = random.Random(n)
        for _ in range(12):
            with transaction(world.account_id):
                found = locked(world.account_id, asked.conversation_id)
                by = chance.choice([world.ada, world.bo])
                chance.choice(
                    [
                        lambda found=found, by=by: actions.resolve(found, by=by.actor),
                        lambda found=found, by=by: actions.reopen(found, by=by.actor),
                        lambda found=found, by=by: actions.assign(found, by.id, by=by.actor),
                    ]
                )()  # type: ignore[misc]

    together([lambda n=n: act(n) for n in range(16)])  # type: ignore[misc]
    found = conversation_of(asked)
    with transaction(world.account_id):
        told = log.of_conversation(world.account_id, found.id)
    for name in ("status_change", "assignee_change"):
        pairs = [event.data[name] for event in told if name in event.data]
        assert all(before != after for before, after in pairs)
        assert all(one[1] == other[0] for one, other in itertools.pairwise(pairs))
    assert replayed(told)["status"] == found.status


# -- below


def replayed(told: list[log.Event]) -> dict[str, Any]:
    """The state that a reader of the log alone would believe in."""
    state: dict[str, Any] = {}
    for event in told:
        if event.name == "conversation.created":
            state = {
                name: event.data[name] for name in ("status", "held_by", "assignee_id", "team_id", "labels", "priority")
            }
        if "status_change" in event.data:
            assert state["status"] == event.data["status_change"][0] or state["status"] == event.data["status"]
            state["status"], state["held_by"] = event.data["status_change"][1], event.data["held_by"]
        if event.name == "conversation.bot_handoff":
            state["held_by"] = None
        if "assignee_change" in event.data:
            assert state["assignee_id"] == event.data["assignee_change"][0]
            state["assignee_id"] = event.data["assignee_change"][1]
        if "priority_change" in event.data:
            assert state["priority"] == event.data["priority_change"][0]
            state["priority"] = event.data["priority_change"][1]
        if event.name == "conversation.labels_changed":
            state["labels"] = sorted((set(state["labels"]) | set(event.data["added"])) - set(event.data["removed"]))
    return state


def _say(found: Conversation, world: World, _chance: random.Random) -> None:
    actions.write_incoming(found, found.contact_id, Writing("Ещё вопрос"))


ANYTHING = [
    _say,
    lambda c, w, r: actions.reply(c, by_user(w.ada), Writing("Отвечаю")),
    lambda c, w, r: actions.write_note(c, by_user(w.bo), Writing("Заметка")),
    lambda c, w, r: actions.resolve(c, by=w.ada.actor),
    lambda c, w, r: actions.reopen(c, by=w.bo.actor),
    lambda c, w, r: actions.wait_for_customer(c, by=w.ada.actor),
    lambda c, w, r: actions.hold(c, Holder.CAPTAIN, by="captain"),
    lambda c, w, r: actions.hand_off(c, by="captain", reason="asked"),
    lambda c, w, r: actions.snooze(c, clock.now() + timedelta(hours=r.randint(1, 9)), by=w.ada.actor),
    lambda c, w, r: actions.snooze(c, None, by=w.ada.actor),
    lambda c, w, r: actions.assign(c, r.choice([w.ada.id, w.bo.id, None]), by=w.ada.actor),
    lambda c, w, r: actions.set_priority(c, r.choice([*Priority, None]), by=w.ada.actor),
    lambda c, w, r: actions.set_labels(c, r.sample(["возврат", "доставка", "vip"], r.randint(0, 3)), by=w.ada.actor),
    lambda c, w, r: actions.mute(c, r.random() < 0.5, by=w.ada.actor),
    lambda c, w, r: actions.mark_seen(c, w.bo),
    lambda c, w, r: actions.mark_seen_by_contact(c),
]


def together(calls: list[Any]) -> None:
    """All at once, each in a thread of its own; the first failure is raised."""
    barrier, failures = threading.Barrier(len(calls)), []

    def run(call: Any) -> None:
        try:
            barrier.wait()
            call()
        except Exception as problem:
            failures.append(problem)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def thread_of(message: Message) -> list[Message]:
    with transaction(message.account_id):
        return queries.thread(locked(message.account_id, message.conversation_id), limit=100)


def events_of(world: World) -> list[log.Event]:
    with transaction(world.account_id):
        return log.read(world.account_id, 0, 10_000)


def conversation_of_contact(message: Message) -> int:
    return session().get_one(Conversation, (message.account_id, message.conversation_id)).contact_id
