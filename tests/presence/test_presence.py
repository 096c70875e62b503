"""Who is at work and with what: told when it changes, ended when he falls silent."""

from datetime import datetime, timedelta

import pytest

from app import clock, timers
from app.consumers import TIMERS
from app.conversations.queries import locked
from app.database import session, transaction
from app.events import log
from app.presence.actions import IDLE_AFTER, beat, look, turn_away
from app.users.actions import set_availability
from app.users.models import AccountUser, Availability
from tests.world import World, acme, asks

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime.fromisoformat("2026-11-02T12:00:00+00:00")
MINUTE = timedelta(minutes=1)


def test_he_is_there_once_however_often_his_workspace_is_heard_of() -> None:
    world = acme()
    for minutes in range(5):
        _beat(world, NOON + minutes * MINUTE)
    assert _told(world, "agent.presence_changed") == [(NOON, "online")]


def test_who_falls_silent_went_when_he_was_heard_of_last() -> None:
    world = acme()
    for minutes in range(3):
        _beat(world, NOON + minutes * MINUTE)
    _tick()
    assert _told(world, "agent.presence_changed") == [(NOON, "online"), (NOON + 2 * MINUTE, "offline")]
    _beat(world, NOON + 60 * MINUTE)
    assert _told(world, "agent.presence_changed")[-1] == (NOON + 60 * MINUTE, "online")


def test_whoever_is_still_there_stays() -> None:
    world = acme()
    _beat(world, clock.now() - 2 * MINUTE)
    _beat(world, clock.now())
    _tick()
    assert [presence for _, presence in _told(world, "agent.presence_changed")] == ["online"]


def test_busy_and_offline_are_told_as_he_says_them() -> None:
    world = acme()
    _beat(world, NOON)
    for minutes, wanted in ((1, Availability.BUSY), (2, Availability.OFFLINE), (3, Availability.ONLINE)):
        with clock.stopped_at(NOON + minutes * MINUTE), transaction(world.account_id):
            set_availability(_member(world), wanted, by=world.ada.actor)
            beat(_member(world))
    assert [presence for _, presence in _told(world, "agent.presence_changed")] == [
        "online",
        "busy",
        "offline",
        "online",
    ]


def test_a_look_lasts_while_there_are_signs_of_him() -> None:
    world = acme()
    asked = asks(world).conversation_id
    for seconds in (0, 20, 40, 60):
        _look(world, asked, NOON + timedelta(seconds=seconds))
    with clock.stopped_at(NOON + timedelta(seconds=70)), transaction(world.account_id):
        turn_away(_member(world), locked(world.account_id, asked))
    assert _looks(world) == [("conversation.focused", NOON), ("conversation.unfocused", NOON + timedelta(seconds=70))]


def test_a_minute_without_a_sign_ends_it() -> None:
    world = acme()
    asked = asks(world).conversation_id
    _look(world, asked, NOON)
    _tick()
    assert _looks(world)[-1] == ("conversation.unfocused", NOON + IDLE_AFTER)
    _look(world, asked, NOON + 30 * MINUTE)
    assert _looks(world)[-1] == ("conversation.focused", NOON + 30 * MINUTE)


def test_turning_to_another_conversation_ends_the_look_at_the_first() -> None:
    world = acme()
    first, second = (asks(world, who=who).conversation_id for who in ("mika", "nora"))
    _look(world, first, NOON)
    _look(world, second, NOON + timedelta(seconds=30))
    assert [name for name, _ in _looks(world)] == [
        "conversation.focused",
        "conversation.unfocused",
        "conversation.focused",
    ]
    assert _looks(world)[1][1] == NOON + timedelta(seconds=30)


def test_whoever_leaves_looks_at_nothing() -> None:
    world = acme()
    asked = asks(world).conversation_id
    _beat(world, NOON)
    _look(world, asked, NOON + timedelta(seconds=10))
    with transaction(world.account_id):
        timers.cancel(world.account_id, "presence.idle", str(world.ada.id))
    _tick()
    assert _looks(world)[-1] == ("conversation.unfocused", NOON + timedelta(seconds=10))


# -- below


def _beat(world: World, moment: datetime) -> None:
    with clock.stopped_at(moment), transaction(world.account_id):
        beat(_member(world))


def _look(world: World, conversation_id: int, moment: datetime) -> None:
    with clock.stopped_at(moment), transaction(world.account_id):
        look(_member(world), locked(world.account_id, conversation_id))


def _member(world: World) -> AccountUser:
    return session().get_one(AccountUser, (world.account_id, world.ada.id))


def _tick() -> None:
    for _ in range(2):
        timers.fire_due(TIMERS)


def _events(world: World) -> list[log.Event]:
    with transaction(world.account_id):
        return log.read(world.account_id, 0, 1000)


def _told(world: World, name: str) -> list[tuple[datetime, str]]:
    return [(event.occurred_at, event.data["presence"]) for event in _events(world) if event.name == name]


def _looks(world: World) -> list[tuple[str, datetime]]:
    return [(event.name, event.occurred_at) for event in _events(world) if "focused" in event.name]
