"""What the core tells screens of promises, and what the numbers make of the same story: equal on random lives, to the instant.

The core follows events as they come and forgets what it has settled; the mart looks back at the whole story. They share no code.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlmodel import col, select

from analytics import build, extract
from analytics.lake import account, mart
from analytics.metrics import METRICS
from app import clock, timers
from app.calendars.actions import assign, create_calendar
from app.consumers import TIMERS
from app.conversations import actions
from app.conversations.actions import Writing, by_user
from app.conversations.models import Conversation, Holder
from app.conversations.queries import locked
from app.database import session, transaction
from app.events import log
from app.inboxes.actions import update_inbox
from app.inboxes.models import Inbox
from app.sla.actions import apply, create_policy
from app.sla.models import SlaPolicy, SlaTarget, TargetState
from app.users.actions import make_team
from app.users.models import Team
from tests.world import World, acme, asks, everyone_reads, replies

pytestmark = pytest.mark.usefixtures("database")

# The database's clock judges what is due: all of it lies in the past
BEGAN = datetime(2026, 3, 2, 5, tzinfo=UTC)
# Never at one microsecond: the core tells two waits apart by when they began
STEPS = (1, 60, 600, 3600, 5 * 3600, 86_400)
TALKS, CHANGES = 8, 16
OFFICE = [[["09:00", "13:00"], ["14:00", "18:00"]]] * 5 + [[], []]
NIGHTS = [[["00:00", "06:00"], ["20:00", "24:00"]]] * 7
OF_SLA = {kind: fire for kind, fire in TIMERS.items() if kind.startswith("sla.")}
RESPONSES = ("first_response", "next_response")

# (conversation, target, is met, when)
Outcome = tuple[int, str, bool, datetime]


@pytest.mark.parametrize("seed", range(4))
def test_what_the_core_tells_is_what_the_numbers_count(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    world, policies, team = _agreed(dice)
    for number in range(TALKS):
        _live(dice, world, policies, team, f"customer-{number}")
        if dice.random() < 0.5:
            everyone_reads(world)
    everyone_reads(world)
    while timers.fire_due(OF_SLA):
        everyone_reads(world)
    told, running = _of_core(world)
    counted, unfinished = _of_mart(world, tmp_path)
    assert len(counted) > 5
    assert {*told} - {*counted} == set(), "the core alone tells these"
    assert {*counted} - {*told} == set(), "the numbers alone count these"
    assert sorted(told) == sorted(counted)
    assert sorted(running) == sorted(unfinished)


# -- lives


def _agreed(dice: random.Random) -> tuple[World, list[SlaPolicy], Team]:
    """Two policies, one of them the inbox's; hours of the inbox and of a team."""
    world = acme()
    with clock.stopped_at(BEGAN - timedelta(days=30)), transaction(world.account_id):
        inbox = session().get_one(Inbox, (world.account_id, world.inbox.id))
        policies = [
            create_policy(
                world.account_id,
                name,
                by="system",
                first_response_seconds=dice.choice((60, 3600, 30_000)),
                next_response_seconds=dice.choice((None, 600, 7200)),
                resolution_seconds=dice.choice((None, 3600, 90_000)),
                is_business_time=dice.random() < 0.5,
                pause_while=dice.choice(([], ["pending"], ["pending", "snoozed"])),
            )
            for name in ("Обычная", "Срочная")
        ]
        session().flush()
        team = make_team(world.account_id, "доставка", by="system")
        session().flush()
        update_inbox(inbox, by="system", sla_policy_id=policies[0].id)
        for place, week in ((inbox, OFFICE), (team, NIGHTS)):
            hours = create_calendar(
                world.account_id, f"Часы {week[0]}", by="system", timezone="Asia/Bishkek", week=week
            )
            assign(place, hours, by="system")
    return world, policies, team


def _live(dice: random.Random, world: World, policies: list[SlaPolicy], team: Team, who: str) -> None:
    moment = BEGAN + timedelta(seconds=dice.randrange(86_400))
    with clock.stopped_at(moment):
        asked = asks(world, who=who)
    for _ in range(dice.randrange(CHANGES)):
        moment += timedelta(seconds=dice.choice(STEPS))
        with clock.stopped_at(moment):
            what = dice.randrange(4)
            if what == 0:
                asks(world, who=who)
            elif what == 1:
                replies(world, asked, by=dice.choice((world.ada, world.bo)))
            else:
                with transaction(world.account_id):
                    _change(dice, locked(world.account_id, asked.conversation_id), world, policies, team, moment)
        if dice.random() < 0.3:
            everyone_reads(world)


def _change(
    dice: random.Random,
    talk: Conversation,
    world: World,
    policies: list[SlaPolicy],
    team: Team,
    moment: datetime,
) -> None:
    later = dice.choice((None, moment + timedelta(days=1)))
    again = dice.choice((None, *[session().get_one(SlaPolicy, (one.account_id, one.id)) for one in policies]))
    place = dice.choice((None, session().get_one(Team, (team.account_id, team.id))))
    dice.choice(
        (
            lambda: actions.reply(talk, actions.CAPTAIN, Writing("Посмотрите здесь")),
            lambda: actions.write_note(talk, by_user(world.ada), Writing("Проверю")),
            lambda: actions.hold(talk, Holder.CAPTAIN, by="captain"),
            lambda: actions.hand_off(talk, by="captain", reason="asked"),
            lambda: actions.hand_off(talk, by="captain", reason="asked"),
            lambda: actions.resolve(talk, by=world.ada.actor),
            lambda: actions.resolve(talk, by=world.ada.actor),
            lambda: actions.reopen(talk, by=world.bo.actor),
            lambda: actions.wait_for_customer(talk, by=world.bo.actor),
            lambda: actions.snooze(talk, later, by=world.bo.actor),
            lambda: actions.assign_team(talk, place, by=world.ada.actor),
            lambda: apply(talk, again, by=world.ada.actor),
        )
    )()


# -- what came of it


def _of_core(world: World) -> tuple[list[Outcome], list[tuple[int, str]]]:
    """What was met and missed, by the log; what still runs. Without what a hand-off let begin anew."""
    with transaction(world.account_id) as current:
        events = log.read(world.account_id, 0, 100_000)
        running = current.exec(select(SlaTarget).where(col(SlaTarget.state) == TargetState.RUNNING)).all()
    found = [
        (event.data["conversation_id"], event.data["target"], event.name == "sla.met", event.occurred_at)
        for event in events
        if event.name in {"sla.met", "sla.breached"} and not _is_superseded(event, events)
    ]
    return found, [(target.conversation_id, str(target.kind)) for target in running]


def _is_superseded(outcome: log.Event, events: list[log.Event]) -> bool:
    """Whether the wait that was missed ended in a hand-off: the numbers know the wait after it alone."""
    if outcome.data["target"] not in RESPONSES or outcome.name == "sla.met":
        return False
    started = datetime.fromisoformat(outcome.data["started_at"])
    # the first answer is a person's; the wait for the next ends with Captain's too
    answerers = {"user"} if outcome.data["target"] == "first_response" else {"user", "captain"}
    for event in _later(events, outcome.data["conversation_id"], started):
        if event.name == "conversation.bot_handoff" and not event.actor.startswith("user:"):
            return event.occurred_at > started
        is_reply = event.name == "message.created" and not event.data["is_private"]
        if is_reply and event.data["sender_type"] in answerers:
            return False
        if event.name == "conversation.status_changed" and event.data["status"] == "resolved":
            return False
    return False


def _later(events: list[log.Event], conversation_id: int, started: datetime) -> Iterator[log.Event]:
    mine = [event for event in events if event.conversation_id == conversation_id and event.occurred_at >= started]
    yield from sorted(mine, key=lambda event: (event.occurred_at, event.seq))


def _of_mart(world: World, lake: Path) -> tuple[list[Outcome], list[tuple[int, str]]]:
    with transaction(world.account_id) as current:
        extract.extract(current.connection().connection.dbapi_connection, world.account_id, lake)
    build.build(lake, world.account_id)
    home = account(lake, world.account_id)
    assert home.problems() is None
    marts = home.current()
    assert marts is not None
    with duckdb.connect() as memory:
        for name in ("sla_targets", "conversations_now"):
            memory.execute(f"create view {name} as {mart(marts, name)}")
        now = round(clock.now().timestamp() * 1e6)
        memory.execute("create table asked as select 0 as since_us, ? as until_us, ? as now_us", [now, now])
        settled = _rows(memory, "sla_compliance", "is_hit, dated_us")
        running = _rows(memory, "sla_unfinished", "true")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    dated = [(*row[:3], epoch + timedelta(microseconds=row[3])) for row in settled]
    return dated, [row[:2] for row in running]


def _rows(memory: duckdb.DuckDBPyConnection, metric: str, columns: str) -> list[Any]:
    query = f"select conversation_id, target, {columns} from ({METRICS[metric].sql})"
    return memory.execute(query).fetchall()
