"""What an import of the past promises."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app import clock
from app.contacts.actions import create_contact
from app.conversations import actions
from app.conversations.actions import Writing, by_user
from app.conversations.models import Conversation, Status
from app.conversations.queries import Filter, by_number, counts, of_contact, page, thread
from app.database import session, transaction
from app.events import log
from app.events.catalog import CATALOG
from app.history.importing import import_history
from app.history.lines import LINE_LIMIT_BYTES
from tests.history.past import DIRECTORY, at, conversation, events, file, happens, imports, rows, says, whole
from tests.world import World, acme, asks, everyone_reads, globex

pytestmark = pytest.mark.usefixtures("database")


def test_a_past_conversation_becomes_an_ordinary_one() -> None:
    world = acme()
    outcome, refused = imports(world.account_id, whole())
    assert refused == {}
    assert outcome.made["conversation"] == 1
    with transaction(world.account_id):
        found = by_number(world.account_id, 1)
        said = [(message.content, message.sender_type, message.is_private) for message in thread(found)]
        assert [each.id for each in page(Filter(world.account_id, world.ada.id))] == [found.id]
        assert [each.id for each in of_contact(world.account_id, found.contact_id, inbox_ids=None)] == [found.id]
        assert page(Filter(world.account_id, world.ada.id, words="анна")) == [found]
    assert said == [
        ("Где мой заказ?", "contact", False),
        ("Трек-номер приходит по почте.", "captain", False),
        ("Проверю на складе", "user", True),
        ("Нашли, отправим сегодня.", "user", False),
        ("Пришло, спасибо", "contact", False),
    ]
    assert (found.status, found.labels, found.priority, found.held_by) == ("open", ["возврат"], "high", None)
    assert found.created_at == datetime(2026, 3, 2, 4, 55, tzinfo=UTC)
    assert found.first_replied_at == datetime(2026, 3, 2, 5, 2, tzinfo=UTC)
    assert found.waiting_since == found.last_activity_at == datetime(2026, 3, 2, 16, 35, tzinfo=UTC)
    assert (found.unread_count, found.thread_version) == (1, 4)
    assert found.assignee_id is not None
    assert found.team_id is not None
    assert found.sla_policy_id is not None


def test_it_tells_the_events_that_life_would_have_told() -> None:
    world = acme()
    imports(world.account_id, whole())
    told = [event for event in events(world.account_id) if event.conversation_id]
    assert [event.name for event in told] == [
        "conversation.created", "message.created", "message.created", "conversation.bot_handoff", "assignee.changed",
        "team.changed", "message.created", "conversation.labels_changed", "conversation.priority_changed", "sla.applied",
        "message.created", "conversation.status_changed", "conversation.status_changed", "conversation.status_changed",
        "csat.answered", "message.created", "conversation.status_changed",
    ]  # fmt: skip
    for event in told:
        assert CATALOG[event.name].data <= event.data.keys()
        assert Conversation().facts().keys() <= event.data.keys()
        assert event.occurred_at < event.recorded_at
    assert told[4].actor == "automation"
    assert told[5].actor.startswith("user:")
    # each tells of its own moment, not of what became of it
    assert [event.data["status"] for event in told[-6:]] == [
        "snoozed",
        "open",
        "resolved",
        "resolved",
        "resolved",
        "open",
    ]
    assert [event.data["labels"] for event in told[6:8]] == [[], ["возврат"]]
    assert [event.data["assignee_id"] for event in told[3:5]] == [None, told[4].data["assignee_change"][1]]


def test_the_same_story_lived_and_imported_tells_the_same_events() -> None:
    """Names, actors and data are those of live ones, so that whoever counts need not know the difference."""
    world = acme()
    start = datetime(2026, 3, 2, 4, 55, tzinfo=UTC)
    with clock.stopped_at(start):
        asked = asks(world, "Где мой заказ?")
    _live(world, asked.conversation_id)
    ada, bo = f"user:{world.ada.id}", f"user:{world.bo.id}"
    line = conversation(
        says(0, "m1", "contact", "Где мой заказ?"),
        happens(1, "assignee", to="ada", by="bo"),
        happens(2, "label", added=["возврат", "vip"], removed=[], by="ada"),
        says(3, "m2", "ada", "Смотрю", private=True),
        says(4, "m3", "ada", "Уже едет."),
        happens(5, "priority", to="urgent", by="ada"),
        happens(6, "status", to="pending", by="ada"),
        happens(7, "label", added=[], removed=["vip"], by="ada"),
        happens(8, "status", to="resolved", by="ada"),
    )
    people = [
        {"kind": "agent", "external_id": who.name.lower(), "name": who.name, "email": who.email}
        for who in (world.ada, world.bo)
    ]
    _outcome, refused = imports(world.account_id, *people, line)
    assert refused == {}
    with transaction(world.account_id):
        told = log.read(world.account_id, 0, 1000)
    lived = [_told(event) for event in told if event.conversation_id == asked.conversation_id]
    past = [_told(event) for event in told if event.conversation_id not in {None, asked.conversation_id}]
    assert past == lived
    assert {ada, bo} <= {actor for _name, actor, _data in past}


def _live(world: World, conversation_id: int) -> None:
    ada, bo = by_user(world.ada), by_user(world.bo)
    steps = [
        lambda c: actions.assign(c, world.ada.id, by=bo.actor),
        lambda c: actions.set_labels(c, ["возврат", "vip"], by=ada.actor),
        lambda c: actions.write_note(c, ada, Writing("Смотрю")),
        lambda c: actions.reply(c, ada, Writing("Уже едет.")),
        lambda c: actions.set_priority(c, actions.Priority.URGENT, by=ada.actor),
        lambda c: actions.wait_for_customer(c, by=ada.actor),
        lambda c: actions.set_labels(c, ["возврат"], by=ada.actor),
        lambda c: actions.resolve(c, by=ada.actor),
    ]
    for step in steps:
        with transaction(world.account_id):
            step(actions.queries.locked(world.account_id, conversation_id))


def _told(event: log.Event) -> tuple[str, str, dict[str, object]]:
    ids = {"conversation_id", "display_id", "inbox_id", "contact_id", "message_id", "sender_id"}
    actor = event.actor if event.actor.startswith("user") else event.actor.partition(":")[0]
    return event.name, actor, {key: value for key, value in event.data.items() if key not in ids}


def test_a_second_run_changes_nothing() -> None:
    world = acme()
    lines = [whole("v1"), whole("v2")]
    imports(world.account_id, *lines)
    before = _everything(world)
    outcome, refused = imports(world.account_id, *lines)
    assert refused == {}
    assert (outcome.made, outcome.known) == ({}, len(DIRECTORY) + 2)
    assert _everything(world) == before


def _everything(world: World) -> dict[str, list[str]]:
    tables = ["account_user", "team", "team_member", "inbox", "inbox_member", "calendar", "calendar_version", "sla_policy",
              "contact", "contact_inbox", "conversation", "message", "survey", "label", "timer", "event", "counter"]  # fmt: skip
    return {table: sorted(str(row) for row in rows(world.account_id, f"select * from {table}")) for table in tables}


def test_the_log_stays_dense_and_its_numbers_are_those_of_the_events() -> None:
    world = acme()
    imports(world.account_id, *[whole(f"v{n}") for n in range(30)])
    asks(world)
    with transaction(world.account_id):
        told = log.read(world.account_id, 0, 10_000)
        assert [event.seq for event in told] == list(range(1, len(told) + 1))
        assert log.last_seq(world.account_id) == len(told)
    numbers = [row.display_id for row in rows(world.account_id, "select display_id from conversation order by id")]
    assert numbers == list(range(1, 32))
    resolves = {
        event.seq for event in told if event.name.endswith("status_changed") and event.data["status"] == "resolved"
    }
    surveys = rows(world.account_id, "select resolved_seq, rating, resolver_id, team_id from survey")
    assert {survey.resolved_seq for survey in surveys} == resolves
    assert {survey.resolver_id is None for survey in surveys} == {False}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (conversation(says(5, "m1", "contact"), says(4, "m2", "a1")), "timeline 2"),
        (conversation(says(0, "m1", "contact"), minute=1), "timeline 1"),
        (conversation(says(0, "m1", "contact", mood="sad")), "mood"),
        (conversation(says(0, "m1", "a9")), "a9"),
        (conversation(happens(0, "team", to="t9", by="a1")), "t9"),
        (conversation(happens(0, "sla", policy="s9", by="a1")), "s9"),
        (conversation(happens(0, "status", to="closed", by="a1")), "timeline 1: to"),
        (conversation(happens(0, "rating", rating=6)), "timeline 1: rating"),
        (conversation(happens(0, "status", to="open", until=at(9), by="a1")), "until"),
        (conversation(says(0, "m1", "contact", private=True)), "timeline 1"),
        (conversation({**says(0, "m1", "a1"), "direction": "incoming"}), "timeline 1"),
        (conversation(says(0, "m1", "contact"), says(1, "m1", "a1")), "m1"),
        (conversation({**says(0, "m1", "contact"), "sent_at": "2026-03-02T04:55:00"}), "sent_at"),
        (conversation(says(0, "m1", "contact", "a\x00b")), ""),
        (conversation(inbox="i9"), "i9"),
        (conversation(contact="p9"), "p9"),
        (conversation(colour="red"), "colour"),
        ({"kind": "dog"}, "kind"),
        ({**DIRECTORY[3], "external_id": "c9", "timezone": "Mars/Olympus"}, "timezone"),
        ({**DIRECTORY[3], "external_id": "c9", "week": [[["18:00", "09:00"]], [], [], [], [], [], []]}, "week"),
        ({**DIRECTORY[4], "external_id": "i9", "channel": "pigeon"}, "channel"),
        ({**DIRECTORY[4], "external_id": "i9", "calendar": "c9"}, "c9"),
        ({**DIRECTORY[6], "external_id": "p9"}, "anna@example.org"),
        ({**DIRECTORY[6], "external_id": "p9", "email": "anna", "phone": None}, "email"),
    ],
)
def test_a_bad_line_is_named_and_skipped_and_the_rest_is_taken(line: dict[str, object], said: str) -> None:
    world = acme()
    outcome, refused = imports(world.account_id, whole("v0"), line, whole("v2"))
    assert list(refused) == [len(DIRECTORY) + 2]
    assert said in refused[len(DIRECTORY) + 2]
    assert outcome.made["conversation"] == 2
    assert len(rows(world.account_id, "select from conversation")) == 2
    assert len(rows(world.account_id, "select from message")) == 10


def test_lines_that_are_no_json_or_endless_are_bad_lines() -> None:
    world = acme()
    refused: dict[int, str] = {}
    lines = [b"hello\n", b"\xff\xfe\n", b"\n", b"[1]\n", b" " * 10 + b"x" * LINE_LIMIT_BYTES, *file(whole())]
    outcome = import_history(world.account_id, lines, report=refused.__setitem__)
    assert list(refused) == [1, 2, 4, 5]
    assert outcome.made["conversation"] == 1


def test_what_a_known_conversation_has_new_is_said_and_not_taken() -> None:
    world = acme()
    imports(world.account_id, whole())
    longer = whole()
    longer["timeline"].append(says(800, "later", "a1", "Рады помочь"))
    _outcome, refused = imports(world.account_id, longer)
    assert list(refused) == [len(DIRECTORY) + 1]
    assert len(rows(world.account_id, "select from message")) == 5


def test_a_message_is_never_in_two_conversations() -> None:
    world = acme()
    _outcome, refused = imports(world.account_id, whole("v1"), whole("v1") | {"external_id": "v2"})
    assert list(refused) == [len(DIRECTORY) + 2]
    assert len(rows(world.account_id, "select from conversation")) == 1


def test_nothing_follows_from_the_past() -> None:
    """No greeting, survey, promise, draft, delivery or live screen: readers step over it, and do not get stuck in it."""
    world = acme()
    with transaction(world.account_id) as current:
        before = log.last_seq(world.account_id)
        current.connection().execute(text("delete from delivery"))
        current.connection().execute(text("delete from timer"))
    imports(world.account_id, *[whole(f"v{n}") for n in range(20)])
    everyone_reads(world)
    # but that Captain may read what was resolved
    assert rows(world.account_id, "select from delivery where kind <> 'captain.remember'") == []
    assert rows(world.account_id, "select from timer") == []
    assert rows(world.account_id, "select from sla_target") == []
    assert len(rows(world.account_id, "select from message")) == 100
    with transaction(world.account_id):
        last = log.last_seq(world.account_id)
        assert log.follow(world.account_id, before, 500) == ([], last)
    behind = rows(world.account_id, "select from cursor where seq < (select value from counter where kind = 'event')")
    assert behind == []


def test_readers_find_the_news_that_stand_after_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    world = acme()
    monkeypatch.setattr(log, "STRIDE", 7)
    imports(world.account_id, whole())
    everyone_reads(world)
    asks(world)
    with transaction(world.account_id):
        after, news = 0, []
        while after < log.last_seq(world.account_id):
            found, after = log.follow(world.account_id, after, 3)
            news += found
        told = log.read(world.account_id, 0, 1000)
    assert [event.seq for event in news] == [event.seq for event in told if event.causation is None]


def test_a_snooze_that_is_still_to_end_ends_by_itself() -> None:
    world = acme()
    until = "2200-01-01T00:00:00Z"
    over, still = (
        conversation(happens(0, "status", to="snoozed", until=end, by="a1"), name=name)
        for name, end in (("over", at(9)), ("still", until))
    )
    imports(world.account_id, over, still)
    timers = rows(world.account_id, "select kind, ref, due_at from timer")
    assert [timer.due_at.year for timer in timers] == [2200]
    found = rows(world.account_id, "select status, snoozed_until from conversation order by id")
    assert [row.status for row in found] == ["snoozed", "snoozed"]


def test_a_conversation_that_captain_held_begins_with_him_and_ends_with_people() -> None:
    world = acme()
    imports(world.account_id, conversation(
        happens(0, "status", to="pending", by="captain"),
        says(0, "m1", "contact"),
        says(1, "m2", "captain"),
        happens(2, "handoff"),
        says(3, "m3", "a1"),
    ))  # fmt: skip
    told = [event for event in events(world.account_id) if event.conversation_id]
    assert [(event.name, event.data["status"], event.data["held_by"]) for event in told] == [
        ("conversation.created", "pending", "captain"),
        ("message.created", "pending", "captain"),
        ("message.created", "pending", "captain"),
        ("conversation.status_changed", "open", None),
        ("conversation.bot_handoff", "open", None),
        ("message.created", "open", None),
    ]
    assert {event.actor for event in told[3:5]} == {"captain"}


def test_who_is_here_already_is_the_same_person() -> None:
    world = acme()
    with transaction(world.account_id):
        mika = create_contact(world.account_id, by="system", name="Мика", email="anna@example.org")
    agent = {"kind": "agent", "external_id": "a7", "name": "Somebody else", "email": world.bo.email.upper()}
    _outcome, refused = imports(world.account_id, agent, conversation(says(0, "m1", "a7")))
    assert refused == {}
    assert rows(world.account_id, "select id, name from contact where external_id = 'p1'") == [(mika.id, "Мика")]
    assert rows(world.account_id, "select sender_id from message") == [(world.bo.id,)]


def test_what_a_visitor_writes_today_does_not_go_on_in_the_past() -> None:
    world = acme()
    first = asks(world)
    with transaction(world.account_id):
        found = actions.queries.locked(world.account_id, first.conversation_id)
        contact = session().get_one(actions.Contact, (world.account_id, found.contact_id))
        contact.email = "anna@example.org"
    imports(world.account_id, whole())
    assert asks(world, "И ещё вопрос").conversation_id == first.conversation_id
    with transaction(world.account_id):
        theirs = of_contact(world.account_id, found.contact_id, inbox_ids=None)
    # the newest first, by when they began and not by when we learned of them
    assert theirs[0].id == first.conversation_id
    assert len(theirs) == 2


def test_the_past_of_one_account_is_nobody_elses() -> None:
    world, other = acme(), globex()
    imports(world.account_id, whole())
    outcome, refused = imports(other.account_id, whole())
    assert refused == {}
    assert outcome.made["conversation"] == 1
    with transaction(other.account_id):
        assert counts(Filter(other.account_id, other.ada.id)).all == 1
    assert rows(other.account_id, "select from event where account_id <> " + str(other.account_id)) == []


def test_of_a_batch_that_the_database_refuses_only_the_line_that_is_wrong_is_lost() -> None:
    """An agent who is taken off the account while the file is read: no line could know."""
    world = acme()
    imports(world.account_id)

    def lines() -> Iterator[bytes]:
        yield from file(directory=True)
        with transaction(world.account_id) as current:
            for table in ("team_member", "inbox_member", "account_user"):
                gone = (
                    f"delete from {table} where user_id = (select user_id from account_user where external_id = 'a1')"
                )
                current.connection().execute(text(gone))
        yield from file(conversation(name="v0"), whole("v1"), conversation(name="v2"), directory=False)

    refused: dict[int, str] = {}
    outcome = import_history(world.account_id, lines(), report=refused.__setitem__)
    assert list(refused) == [len(DIRECTORY) + 2]
    assert outcome.made == {"conversation": 2}
    assert rows(world.account_id, "select from message") == []


def test_statuses_count_in_the_lists() -> None:
    world = acme()
    imports(world.account_id, conversation(happens(0, "status", to="resolved", by="a1"), name="done"), whole())
    with transaction(world.account_id):
        wanted = Filter(world.account_id, world.ada.id, status=Status.RESOLVED)
        assert [each.external_id for each in page(wanted)] == ["done"]
