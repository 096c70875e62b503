"""Promises in open time, paused, moved, changed: due when the story says, told once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app import clock, timers
from app.calendars.actions import assign, create_calendar, update_calendar
from app.calendars.models import Calendar
from app.consumers import TIMERS
from app.contacts.actions import identify
from app.conversations import actions
from app.conversations.actions import Writing
from app.conversations.models import Conversation, Holder, Message
from app.conversations.queries import locked
from app.database import session, transaction
from app.events import log
from app.inboxes.actions import update_inbox
from app.inboxes.models import Inbox
from app.sla.actions import apply, create_policy, set_team_policy, update_policy
from app.sla.models import SlaPolicy
from app.sla.queries import running
from app.users.actions import make_team
from app.users.models import Team
from tests.world import World, acme, asks, conversation_of, everyone_reads, replies

pytestmark = pytest.mark.usefixtures("database")

# Monday noon in Bishkek, six hours east of UTC
MONDAY = datetime.fromisoformat("2026-11-02T06:00:00+00:00")
FRIDAY_EVENING = datetime.fromisoformat("2026-11-06T11:30:00+00:00")
HOUR = timedelta(hours=1)
OFFICE = [[["09:00", "13:00"], ["14:00", "18:00"]]] * 5 + [[], []]


# -- open time


def test_an_hour_promised_half_an_hour_before_the_weekend_is_due_on_monday() -> None:
    world = _promising(first_response_seconds=3600, is_business_time=True, calendar=OFFICE)
    asked = _asks_at(FRIDAY_EVENING, world)
    everyone_reads(world)
    assert _due(asked) == {"first_response": _at("2026-11-09T03:30:00Z")}


def test_what_is_used_up_exactly_at_closing_is_in_time_until_the_next_opening() -> None:
    world = _promising(first_response_seconds=1800, is_business_time=True, calendar=OFFICE)
    asked = _asks_at(FRIDAY_EVENING, world)
    with clock.stopped_at(_at("2026-11-09T03:00:00Z")):
        replies(world, asked)
    everyone_reads(world)
    assert _outcomes(world) == [("sla.met", "first_response")]


def test_without_a_calendar_open_time_is_all_time() -> None:
    world = _promising(first_response_seconds=3600, is_business_time=True)
    asked = _asks_at(FRIDAY_EVENING, world)
    everyone_reads(world)
    assert _due(asked) == {"first_response": FRIDAY_EVENING + HOUR}


def test_the_team_s_calendar_wins_from_the_moment_the_team_is_set() -> None:
    world = _promising(first_response_seconds=7200, is_business_time=True, calendar=OFFICE)
    team = _team(world)
    with clock.stopped_at(MONDAY - timedelta(days=1)), transaction(world.account_id):
        nights = create_calendar(
            world.account_id, "Ночью", by="system", timezone="UTC", week=[[["20:00", "24:00"]]] * 7
        )
        assign(_again(team), nights, by="system")
    # an hour by the inbox's calendar, from 12 to 13 in Bishkek; the other hour by the team's
    asked = _asks_at(MONDAY, world)
    _do_at(MONDAY + HOUR, asked, lambda c: actions.assign_team(c, _again(team), by="system"))
    everyone_reads(world)
    assert _due(asked) == {"first_response": _at("2026-11-02T21:00:00Z")}


def test_a_day_off_told_afterwards_moves_what_is_promised() -> None:
    world = _promising(first_response_seconds=3600, is_business_time=True, calendar=OFFICE)
    _asks_at(FRIDAY_EVENING, world)
    everyone_reads(world)
    with transaction(world.account_id):
        update_calendar(_calendar(world), by="system", holidays=["2026-11-09"], since=MONDAY)
    everyone_reads(world)
    _tick()
    # all of it is long past now: it was missed at the time it was due by then
    assert [event.occurred_at for event in _events(world, "sla.breached")] == [_at("2026-11-10T03:30:00Z")]


def test_a_calendar_that_never_opens_makes_nobody_late() -> None:
    world = _promising(first_response_seconds=60, is_business_time=True, calendar=[[]] * 7)
    asked = _asks_at(MONDAY, world)
    everyone_reads(world)
    _tick()
    assert _due(asked) == {"first_response": None}
    assert _outcomes(world) == []


# -- pauses


@pytest.mark.parametrize(
    ("pause", "due_after_hours"),
    [
        (lambda c: actions.wait_for_customer(c, by="system"), 4),
        (lambda c: actions.snooze(c, None, by="system"), 4),
        # a time that we chose, and a bot's turn, are ours
        (lambda c: actions.snooze(c, MONDAY + timedelta(hours=9), by="system"), 2),
        (lambda c: actions.hold(c, Holder.CAPTAIN, by="captain"), 2),
    ],
)
def test_the_resolution_waits_only_while_we_wait_for_the_customer(
    pause: Callable[[Conversation], None], due_after_hours: int
) -> None:
    world = _promising(resolution_seconds=7200, pause_while=["pending", "snoozed"])
    asked = _asks_at(MONDAY, world)
    _do_at(MONDAY + HOUR, asked, pause)
    everyone_reads(world)
    _do_at(MONDAY + 3 * HOUR, asked, lambda c: actions.reopen(c, by="system"))
    everyone_reads(world)
    assert _due(asked)["resolution"] == MONDAY + timedelta(hours=due_after_hours)


def test_what_is_paused_has_no_due_time_and_is_not_missed() -> None:
    world = _promising(resolution_seconds=7200, pause_while=["pending"])
    asked = _asks_at(MONDAY, world)
    everyone_reads(world)
    _do_at(MONDAY + HOUR, asked, lambda c: actions.wait_for_customer(c, by="system"))
    everyone_reads(world)
    _tick()
    assert _due(asked) == {"resolution": None}
    assert conversation_of(asked).sla_due_at is None
    _do_at(MONDAY + 90 * HOUR, asked, lambda c: actions.resolve(c, by="system"))
    everyone_reads(world)
    assert _outcomes(world) == [("sla.met", "resolution")]


def test_nothing_waits_where_the_policy_does_not_say_so() -> None:
    world = _promising(resolution_seconds=7200)
    asked = _asks_at(MONDAY, world)
    _do_at(MONDAY + HOUR, asked, lambda c: actions.wait_for_customer(c, by="system"))
    everyone_reads(world)
    assert _due(asked)["resolution"] == MONDAY + 2 * HOUR


# -- told in time, and once


def test_a_warning_is_told_once_though_its_time_moves() -> None:
    world = _promising(resolution_seconds=3600, pause_while=["pending"])
    began = clock.now() - timedelta(minutes=31)
    asked = _asks_at(began, world)
    everyone_reads(world)
    _tick()
    for _ in range(3):
        _do_at(clock.now(), asked, lambda c: actions.wait_for_customer(c, by="system"))
        everyone_reads(world)
        _do_at(clock.now(), asked, lambda c: actions.reopen(c, by="system"))
        everyone_reads(world)
        _tick()
    assert [event.data["percent"] for event in _events(world, "sla.warned")] == [50]


def test_a_timer_that_is_quicker_than_the_reader_waits_for_it() -> None:
    world = _promising(resolution_seconds=3600, pause_while=["pending"])
    asked = _asks_at(MONDAY, world)
    everyone_reads(world)
    _do_at(MONDAY + HOUR / 6, asked, lambda c: actions.wait_for_customer(c, by="system"))
    _tick()
    everyone_reads(world)
    _tick()
    assert _outcomes(world) == []
    assert _events(world, "sla.warned") == []


def test_after_the_ticker_was_down_everything_is_told_in_order_and_once() -> None:
    world = _promising(first_response_seconds=3600, is_business_time=True, calendar=OFFICE)
    asked = _asks_at(FRIDAY_EVENING, world)
    everyone_reads(world)
    _tick()
    _tick()
    told = [event for event in _all(world) if event.name in {"sla.warned", "sla.breached"}]
    assert [event.data.get("percent", 100) for event in told] == [50, 75, 90, 100]
    assert told[-1].occurred_at == _at("2026-11-09T03:30:00Z")
    assert conversation_of(asked).sla_missed_at == _at("2026-11-09T03:30:00Z")
    assert conversation_of(asked).sla_due_at is None


# -- which policy, from when on


def test_another_policy_holds_from_then_on_and_what_was_settled_stays() -> None:
    world = _promising(first_response_seconds=60, resolution_seconds=3600)
    asked = _asks_at(MONDAY, world)
    with clock.stopped_at(MONDAY + HOUR / 12):
        replies(world, asked)
    everyone_reads(world)
    other = _policy(world, "VIP", first_response_seconds=10, resolution_seconds=7200)
    _do_at(MONDAY + HOUR / 2, asked, lambda c: apply(c, other, by=world.ada.actor))
    everyone_reads(world)
    assert _due(asked) == {"resolution": MONDAY + 2 * HOUR}
    assert _outcomes(world) == [("sla.breached", "first_response")]


def test_a_policy_taken_away_and_given_again_promises_again() -> None:
    world = _promising(resolution_seconds=7200)
    asked = _asks_at(MONDAY, world)
    everyone_reads(world)
    policy = _of(conversation_of(asked))
    _do_at(MONDAY + HOUR / 4, asked, lambda c: apply(c, None, by=world.ada.actor))
    everyone_reads(world)
    _tick()
    assert (_due(asked), _outcomes(world)) == ({}, [])
    _do_at(MONDAY + HOUR / 2, asked, lambda c: apply(c, policy, by=world.ada.actor))
    everyone_reads(world)
    assert _due(asked) == {"resolution": MONDAY + 2 * HOUR}


def test_a_promise_missed_before_the_policy_was_taken_away_stays_missed() -> None:
    world = _promising(resolution_seconds=60)
    asked = _asks_at(MONDAY, world)
    everyone_reads(world)
    _do_at(MONDAY + HOUR, asked, lambda c: apply(c, None, by=world.ada.actor))
    everyone_reads(world)
    assert _outcomes(world) == [("sla.breached", "resolution")]


def test_a_new_version_of_a_policy_leaves_what_is_promised() -> None:
    world = _promising(first_response_seconds=3600)
    first = _asks_at(MONDAY, world)
    everyone_reads(world)
    policy = _of(conversation_of(first))
    with transaction(world.account_id):
        update_policy(session().merge(policy), by="system", first_response_seconds=7200)
    second = _asks_at(MONDAY, world, who="nora")
    everyone_reads(world)
    assert _due(first)["first_response"] == MONDAY + HOUR
    assert _due(second)["first_response"] == MONDAY + 2 * HOUR


def test_a_team_brings_its_policy_unless_a_person_has_chosen_one() -> None:
    world = _promising(resolution_seconds=7200)
    team, vip = _team(world), _policy(world, "VIP", resolution_seconds=60)
    with transaction(world.account_id):
        set_team_policy(_again(team), vip, by="system")
    by_default, by_hand = _asks_at(MONDAY, world), _asks_at(MONDAY, world, who="nora")
    everyone_reads(world)
    usual = _of(conversation_of(by_hand))
    for moment, chosen in ((1, None), (2, usual)):
        _do_at(MONDAY + timedelta(minutes=moment), by_hand, lambda c, p=chosen: apply(c, p, by=world.ada.actor))
    everyone_reads(world)
    for asked in (by_default, by_hand):
        _do_at(MONDAY + timedelta(minutes=5), asked, lambda c: actions.assign_team(c, _again(team), by="system"))
    everyone_reads(world)
    everyone_reads(world)
    assert conversation_of(by_default).sla_policy_id == vip.id
    assert conversation_of(by_hand).sla_policy_id == usual.id


# -- bots


def test_the_hand_off_starts_the_wait_for_a_person_again() -> None:
    world = _promising(first_response_seconds=6000, next_response_seconds=9000)
    asked = _asks_at(MONDAY, world)
    _do_at(MONDAY, asked, lambda c: actions.hold(c, Holder.CAPTAIN, by="captain"))
    everyone_reads(world)
    handed_off = MONDAY + HOUR
    _do_at(handed_off, asked, lambda c: actions.hand_off(c, by="captain", reason="asked for a person"))
    everyone_reads(world)
    assert _outcomes(world) == []
    assert _due(asked) == {
        "first_response": handed_off + timedelta(seconds=6000),
        "next_response": handed_off + timedelta(seconds=9000),
    }


def test_nobody_is_late_for_a_conversation_that_an_agent_began() -> None:
    world = _promising(first_response_seconds=60, next_response_seconds=600)
    with clock.stopped_at(MONDAY), transaction(world.account_id):
        identity = identify(session().get_one(Inbox, (world.account_id, world.inbox.id)), "mika", name="Mika")
        begun = actions.start(world.inbox, identity, by=world.ada.actor)
        said = actions.reply(begun, actions.by_user(world.ada), Writing("Как вам заказ?"))
    everyone_reads(world)
    _asks_at(MONDAY + HOUR, world)
    everyone_reads(world)
    assert _due(said) == {"next_response": MONDAY + HOUR + timedelta(seconds=600)}


def test_a_promise_made_too_late_is_missed_when_it_is_made() -> None:
    world = _promising()
    asked = _asks_at(MONDAY, world)
    hasty = _policy(world, "VIP", resolution_seconds=60)
    _do_at(MONDAY + HOUR, asked, lambda c: apply(c, hasty, by=world.ada.actor))
    everyone_reads(world)
    _tick()
    assert [event.occurred_at for event in _events(world, "sla.breached")] == [MONDAY + HOUR]


def test_captain_s_word_ends_the_wait_for_the_next_answer_and_not_for_the_first() -> None:
    world = _promising(first_response_seconds=600, next_response_seconds=900)
    asked = _asks_at(MONDAY, world)
    _do_at(MONDAY + HOUR / 12, asked, lambda c: actions.reply(c, actions.CAPTAIN, Writing("Посмотрите здесь")))
    everyone_reads(world)
    assert _due(asked) == {"first_response": MONDAY + timedelta(seconds=600)}
    _tick()
    assert _outcomes(world) == [("sla.breached", "first_response")]


@pytest.mark.parametrize("is_late", [False, True])
def test_the_order_in_which_the_reader_comes_changes_nothing(is_late: bool) -> None:
    world = _promising(
        first_response_seconds=600, next_response_seconds=900, resolution_seconds=7200, pause_while=["pending"]
    )
    asked = _asks_at(MONDAY, world)

    def reads() -> None:
        if not is_late:
            everyone_reads(world)

    reads()
    with clock.stopped_at(MONDAY + timedelta(seconds=600)):
        replies(world, asked)
    reads()
    _do_at(MONDAY + HOUR, asked, lambda c: actions.wait_for_customer(c, by="system"))
    reads()
    with clock.stopped_at(MONDAY + 4 * HOUR):
        asks(world, "А где?")
    reads()
    _do_at(MONDAY + 5 * HOUR, asked, lambda c: actions.resolve(c, by="system"))
    everyone_reads(world)
    assert sorted(_outcomes(world)) == [
        ("sla.breached", "next_response"),
        ("sla.met", "first_response"),
        ("sla.met", "next_response"),
        ("sla.met", "resolution"),
    ]


# -- below


def _promising(*, calendar: Any = None, **fields: Any) -> World:
    world = acme()
    with clock.stopped_at(MONDAY - timedelta(days=7)), transaction(world.account_id):
        inbox = session().get_one(Inbox, (world.account_id, world.inbox.id))
        update_inbox(
            inbox, by="system", sla_policy_id=create_policy(world.account_id, "Обычная", by="system", **fields).id
        )
        if calendar is not None:
            hours = create_calendar(world.account_id, "Часы", by="system", timezone="Asia/Bishkek", week=calendar)
            assign(inbox, hours, by="system")
    return world


def _policy(world: World, name: str, **fields: Any) -> SlaPolicy:
    with transaction(world.account_id):
        return create_policy(world.account_id, name, by="system", **fields)


def _of(conversation: Conversation) -> SlaPolicy:
    with transaction(conversation.account_id) as current:
        return current.get_one(SlaPolicy, (conversation.account_id, conversation.sla_policy_id))


def _team(world: World) -> Team:
    with transaction(world.account_id):
        return make_team(world.account_id, "доставка", by="system")


def _again(team: Team) -> Team:
    return session().get_one(Team, (team.account_id, team.id))


def _calendar(world: World) -> Calendar:
    inbox = session().get_one(Inbox, (world.account_id, world.inbox.id))
    return session().get_one(Calendar, (world.account_id, inbox.calendar_id))


def _asks_at(moment: datetime, world: World, who: str = "mika") -> Message:
    with clock.stopped_at(moment):
        return asks(world, who=who)


def _do_at(moment: datetime, message: Message, change: Callable[[Conversation], Any]) -> None:
    with clock.stopped_at(moment), transaction(message.account_id):
        change(locked(message.account_id, message.conversation_id))


def _tick() -> None:
    for _ in range(2):
        timers.fire_due(TIMERS)


def _due(message: Message) -> dict[str, datetime | None]:
    with transaction(message.account_id):
        found = running(locked(message.account_id, message.conversation_id))
        return {target.kind.value: target.due_at for target in found}


def _all(world: World) -> list[log.Event]:
    with transaction(world.account_id):
        return log.read(world.account_id, 0, 1000)


def _events(world: World, name: str) -> list[log.Event]:
    return [event for event in _all(world) if event.name == name]


def _outcomes(world: World) -> list[tuple[str, str]]:
    return [(event.name, event.data["target"]) for event in _all(world) if event.name in {"sla.met", "sla.breached"}]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
