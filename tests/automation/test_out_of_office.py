"""The word outside working hours: once in a night, by the clock of what happened, and not while a person answers."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from app import clock
from app.calendars.actions import assign, create_calendar
from app.conversations.models import Message, MessageType
from app.database import session, transaction
from app.inboxes.actions import update_inbox
from app.inboxes.models import Inbox
from tests.world import World, acme, asks, everyone_reads, replies

# long ago: the readers come to it much later, as after a night without them
SUNDAY = datetime.fromisoformat("2026-03-01T15:05:00+00:00")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(database: None) -> World:
    """Acme, whose website says so when nobody is there: that is, on Sundays."""
    world = acme()
    with clock.stopped_at(SUNDAY - timedelta(days=9)), transaction(world.account_id):
        inbox = session().get_one(Inbox, (world.account_id, world.inbox.id))
        update_inbox(inbox, by="system", out_of_office_message="Нас нет")
        week = [[["00:00", "24:00"]]] * 6 + [[]]
        made = create_calendar(world.account_id, "Часы", by="system", timezone="UTC", week=week)
        assign(inbox, made, by="system")
    return world


def test_it_is_said_once_however_often_he_writes(world: World) -> None:
    for minute in (0, 10, 300):
        with clock.stopped_at(SUNDAY + minute * MINUTE):
            asks(world)
            everyone_reads(world)
    assert _said(world) == 1


def test_it_is_said_again_a_day_later(world: World) -> None:
    for hours in (-7, 6):
        with clock.stopped_at(SUNDAY + timedelta(hours=hours)):
            asks(world)
            everyone_reads(world)
    assert _said(world) == 2


def test_it_is_not_said_while_a_person_is_there(world: World) -> None:
    with clock.stopped_at(SUNDAY):
        first = asks(world)
        replies(world, first)
    with clock.stopped_at(SUNDAY + MINUTE):
        asks(world)
        everyone_reads(world)
    assert _said(world) == 0


def test_on_a_working_day_it_is_not_said(world: World) -> None:
    with clock.stopped_at(SUNDAY + timedelta(days=1)):
        asks(world)
        everyone_reads(world)
    assert _said(world) == 0


def _said(world: World) -> int:
    with transaction(world.account_id):
        return len([m for m in session().exec(select(Message)) if m.message_type == MessageType.TEMPLATE])
