"""Promises: kept to the second, missed once, void when nobody waits any more."""

from datetime import datetime, timedelta

import pytest

from app import clock, timers
from app.consumers import TIMERS
from app.conversations import actions
from app.conversations.models import Message
from app.conversations.queries import locked
from app.database import session, transaction
from app.events import log
from app.inboxes.actions import update_inbox
from app.inboxes.models import Inbox
from app.sla.actions import create_policy
from tests.world import World, acme, asks, everyone_reads, globex, replies

pytestmark = pytest.mark.usefixtures("database")

START = datetime.fromisoformat("2026-11-02T09:00:00+00:00")


@pytest.mark.parametrize(("after_seconds", "told"), [(900, "sla.met"), (901, "sla.breached")])
def test_a_reply_exactly_at_the_deadline_is_in_time(after_seconds: int, told: str) -> None:
    world = _promising()
    asked = _asks_at(START, world)
    with clock.stopped_at(START + timedelta(seconds=after_seconds)):
        replies(world, asked)
    everyone_reads(world)
    assert _outcomes(world, "first_response") == [told]


def test_a_late_reader_tells_the_same_as_a_quick_one() -> None:
    quick, late = _promising(), None
    asked = _asks_at(START, quick)
    everyone_reads(quick)
    with clock.stopped_at(START + timedelta(minutes=5)):
        replies(quick, asked)
    everyone_reads(quick)
    late = _promising("Late")
    asked = _asks_at(START, late)
    with clock.stopped_at(START + timedelta(minutes=5)):
        replies(late, asked)
    everyone_reads(late)
    assert _outcomes(quick) == _outcomes(late) == ["sla.met", "sla.met"]


def test_a_breach_is_told_once_also_by_four_tickers_after_a_pause() -> None:
    world = _promising()
    _asks_at(START, world)
    everyone_reads(world)
    for _ in range(4):
        timers.fire_due(TIMERS)
    # first response, next response and resolution are all long past
    assert _outcomes(world) == ["sla.breached"] * 3
    warned = [
        event.data["percent"] for event in _events(world, "sla.warned") if event.data["target"] == "first_response"
    ]
    assert warned == [50, 75, 90]


def test_a_timer_that_is_quicker_than_the_reader_does_not_call_a_kept_promise_broken() -> None:
    world = _promising()
    asked = _asks_at(START, world)
    everyone_reads(world)
    with clock.stopped_at(START + timedelta(minutes=1)):
        replies(world, asked)
    timers.fire_due(TIMERS)
    everyone_reads(world)
    assert _outcomes(world, "first_response") == ["sla.met"]


def test_resolved_before_it_was_due_leaves_no_response_to_wait_for() -> None:
    world = _promising()
    asked = _asks_at(START, world)
    with clock.stopped_at(START + timedelta(minutes=1)), transaction(world.account_id):
        actions.resolve(locked(world.account_id, asked.conversation_id), by=world.ada.actor)
    everyone_reads(world)
    assert _outcomes(world) == ["sla.met"]
    assert _events(world, "sla.met")[0].data["target"] == "resolution"


def test_a_note_keeps_no_promise() -> None:
    world = _promising()
    asked = _asks_at(START, world)
    with clock.stopped_at(START + timedelta(minutes=1)), transaction(world.account_id):
        writing = actions.Writing("Посмотрю")
        actions.write_note(locked(world.account_id, asked.conversation_id), actions.by_user(world.bo), writing)
    everyone_reads(world)
    assert _outcomes(world) == []


# -- below


def _promising(name: str = "") -> World:
    """15 minutes to the first response, 30 to the next, 8 hours to the resolution."""
    world = globex() if name else acme()
    with clock.stopped_at(START - timedelta(days=1)), transaction(world.account_id):
        policy = create_policy(
            world.account_id,
            "Обычная",
            by=world.ada.actor,
            first_response_seconds=900,
            next_response_seconds=1800,
            resolution_seconds=8 * 3600,
        )
        inbox = session().get_one(Inbox, (world.account_id, world.inbox.id))
        update_inbox(inbox, by=world.ada.actor, sla_policy_id=policy.id)
    return world


def _asks_at(moment: datetime, world: World) -> Message:
    with clock.stopped_at(moment):
        return asks(world)


def _events(world: World, name: str) -> list[log.Event]:
    with transaction(world.account_id):
        return [event for event in log.read(world.account_id, 0, 1000) if event.name == name]


def _outcomes(world: World, target: str | None = None) -> list[str]:
    with transaction(world.account_id):
        told = log.read(world.account_id, 0, 1000)
    ends = [event for event in told if event.name in {"sla.met", "sla.breached"}]
    return [event.name for event in ends if target in {None, event.data["target"]}]
