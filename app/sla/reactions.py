"""What the log's story means for our promises, and what happens when their time comes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import col, select

from app import timers
from app.clock import now
from app.conversations.models import Conversation, MessageType, SenderType, Status
from app.conversations.queries import locked
from app.database import session
from app.events import log
from app.events.cursors import Cursor
from app.events.log import Event
from app.inboxes.models import Inbox
from app.sla import actions, clock, queries
from app.sla.models import SlaPolicy, SlaTarget, TargetKind, TargetState
from app.users.models import Team

READER = "sla"
NAMES = frozenset({
    "conversation.created", "conversation.status_changed", "conversation.bot_handoff", "message.created", "team.changed",
    "sla.applied", "sla.removed", "calendar.versioned", "calendar.assigned",
})  # fmt: skip
_STORY = NAMES - {"calendar.versioned", "calendar.assigned"}
_RESPONSES = (TargetKind.FIRST_RESPONSE, TargetKind.NEXT_RESPONSE)
_BOTS = {SenderType.CAPTAIN, SenderType.BOT}
# A promise whose conversation has news that nobody has read is looked at again after so long
SOON = timedelta(seconds=1)


@dataclass(frozen=True)
class Told:
    """An event of the conversation's story at its moment: nothing comes before the creation."""

    moment: datetime
    seq: int
    event: Event


Story = Sequence[Told]


def on_event(event: Event) -> None:
    """Make, keep, move or drop promises. Everything is dated by the event, so a late reader changes nothing."""
    if event.name in {"calendar.versioned", "calendar.assigned"}:
        session().connection().execute(_RECKON_ALL, {"account_id": event.account_id, "due_at": now()})
        return
    if not queries.is_any(event.account_id):
        return
    conversation = locked(event.account_id, event.data["conversation_id"])
    if event.name in {"conversation.created", "team.changed"}:
        _apply_default(conversation, event)
    story = _story(conversation)
    this = next(told for told in story if told.seq == event.seq)
    if event.name not in {"sla.applied", "sla.removed"}:
        _follow(conversation, _policy_at(story, this.moment), story, this)
        return
    _drop(conversation, list(TargetKind), this.moment)
    if event.name == "sla.applied":
        _apply(conversation, queries.policy(event.account_id, event.data["sla_policy_id"]), story, this)


def warn(timer: timers.Timer) -> None:
    """A part of the time is used up."""
    target, conversation = _due(timer)
    if target is not None and conversation is not None:
        actions.warn(conversation, target, timer.data["percent"])


def breach(timer: timers.Timer) -> None:
    """All of it is."""
    target, conversation = _due(timer)
    if target is not None and conversation is not None:
        actions.breach(conversation, target)


def reckon(timer: timers.Timer) -> None:
    """A calendar is another: the promise may be due at another time."""
    target, conversation = _locked(timer)
    if target.state == TargetState.RUNNING:
        actions.schedule(conversation, target)


# -- the story


@dataclass(frozen=True)
class _Standing:
    """How things stand at a moment. first_since, waiting_since: since when the customer waits for a person's first
    answer and for the next; None when he does not. is_owed: he has written since a person last answered."""

    created_at: datetime
    first_since: datetime | None
    waiting_since: datetime | None = None
    is_asked: bool = False
    is_owed: bool = False
    was_resolved: bool = False
    is_resolved: bool = False
    is_held: bool = False


def _story(conversation: Conversation) -> Story:
    told = log.of_conversation(conversation.account_id, conversation.id, names=_STORY)
    born = told[0].occurred_at
    return sorted(
        (Told(max(event.occurred_at, born), event.seq, event) for event in told), key=lambda t: (t.moment, t.seq)
    )


def _standing(story: Story, until: Told, *, is_until_included: bool = True) -> _Standing:
    """What the story comes to at a place in it."""
    before = [told for told in story if (told.moment, told.seq) < (until.moment, until.seq)]
    standing = _Standing(story[0].moment, first_since=story[0].moment)
    for told in [*before, until] if is_until_included else before:
        standing = _after(standing, told)
    return standing


def _after(was: _Standing, told: Told) -> _Standing:
    data = told.event.data
    if told.event.name in {"conversation.created", "conversation.status_changed", "conversation.bot_handoff"}:
        is_resolved = data["status"] == Status.RESOLVED
        now_held = replace(was, is_resolved=is_resolved, is_held=data["held_by"] is not None)
        if _is_handoff(told.event, was.is_held):
            first_since = told.moment if was.first_since else None
            return replace(now_held, first_since=first_since, waiting_since=told.moment if was.is_owed else None)
        if is_resolved and not was.is_resolved:
            return replace(now_held, was_resolved=True, first_since=None, waiting_since=None, is_owed=False)
        return now_held
    if told.event.name != "message.created" or data["is_private"]:
        return was
    if data["message_type"] == MessageType.INCOMING:
        return replace(was, is_asked=True, is_owed=True, waiting_since=was.waiting_since or told.moment)
    if data["sender_type"] == SenderType.USER:
        return replace(was, first_since=None, waiting_since=None, is_owed=False)
    return replace(was, waiting_since=None) if data["sender_type"] in _BOTS else was


def _is_handoff(event: Event, was_held: bool) -> bool:
    """A bot or Captain gives the conversation to people, or opens what he held. An agent who takes it is no hand-off."""
    who = event.actor.partition(":")[0]
    if event.name == "conversation.bot_handoff":
        return who != SenderType.USER
    is_opened = event.name == "conversation.status_changed" and event.data["status"] == Status.OPEN
    return is_opened and was_held and who in _BOTS


# -- which policy


def _apply_default(conversation: Conversation, event: Event) -> None:
    """The team's policy, at first else the inbox's, unless a person has chosen; from the moment of the event on."""
    current = session()
    team = current.get(Team, (event.account_id, event.data["team_id"])) if event.data["team_id"] else None
    policy_id = team.sla_policy_id if team else None
    if policy_id is None and event.name == "conversation.created":
        policy_id = current.get_one(Inbox, (event.account_id, conversation.inbox_id)).sla_policy_id
    if policy_id is not None and not _is_chosen_by_hand(conversation):
        chosen = queries.policy(event.account_id, policy_id)
        actions.apply(conversation, chosen, by="automation", occurred_at=event.occurred_at)


def _is_chosen_by_hand(conversation: Conversation) -> bool:
    told = log.of_conversation(conversation.account_id, conversation.id, names={"sla.applied", "sla.removed"})
    return bool(told) and told[-1].actor != "automation"


def _policy_at(story: Story, moment: datetime) -> SlaPolicy | None:
    """By which policy we promised then."""
    told = [t.event for t in story if t.event.name in {"sla.applied", "sla.removed"} and t.moment <= moment]
    if not told or told[-1].name == "sla.removed":
        return None
    return queries.policy(told[-1].account_id, told[-1].data["sla_policy_id"])


def _apply(conversation: Conversation, chosen: SlaPolicy, story: Story, this: Told) -> None:
    """Promise as things stood, then hear what came after that and was told before."""
    _begin(conversation, chosen, story, this)
    for told in story:
        if told.moment > this.moment and told.seq < this.seq:
            _follow(conversation, chosen, story, told)


# -- what follows from what


def _follow(conversation: Conversation, chosen: SlaPolicy | None, story: Story, this: Told) -> None:
    match this.event.name:
        case "message.created":
            _hear(conversation, chosen, story, this)
        case "conversation.status_changed" if this.event.data["status"] == Status.RESOLVED:
            actions.settle(conversation, TargetKind.RESOLUTION, this.moment)
            _drop(conversation, _RESPONSES, this.moment)
        case "conversation.status_changed" | "conversation.bot_handoff":
            if _is_handoff(this.event, _standing(story, this, is_until_included=False).is_held):
                _drop(conversation, _RESPONSES, this.moment)
            _move(conversation)
            if chosen is not None:
                _begin(conversation, chosen, story, this)
        case "team.changed":
            _move(conversation)


def _begin(conversation: Conversation, chosen: SlaPolicy, story: Story, this: Told) -> None:
    """What is promised as things stand."""
    standing = _standing(story, this)
    if standing.is_resolved:
        return
    since = {
        TargetKind.RESOLUTION: None if standing.was_resolved else standing.created_at,
        TargetKind.FIRST_RESPONSE: standing.first_since if standing.is_asked else None,
        TargetKind.NEXT_RESPONSE: standing.waiting_since,
    }
    for kind, started_at in since.items():
        if started_at is not None:
            actions.promise(conversation, chosen, kind, started_at, this.moment)


def _hear(conversation: Conversation, chosen: SlaPolicy | None, story: Story, this: Told) -> None:
    data = this.event.data
    if data["is_private"]:
        return
    if data["message_type"] == MessageType.INCOMING:
        if chosen is not None:
            _begin(conversation, chosen, story, this)
    elif data["sender_type"] == SenderType.USER:
        for kind in _RESPONSES:
            actions.settle(conversation, kind, this.moment)
    elif data["sender_type"] in _BOTS:
        actions.void(conversation, TargetKind.NEXT_RESPONSE, this.moment)


def _drop(conversation: Conversation, kinds: Sequence[TargetKind], moment: datetime) -> None:
    for kind in kinds:
        actions.void(conversation, kind, moment)


def _move(conversation: Conversation) -> None:
    for target in queries.running(conversation):
        if not clock.is_plain(target):
            actions.schedule(conversation, target)


# -- when the time comes


def _due(timer: timers.Timer) -> tuple[SlaTarget | None, Conversation | None]:
    """The promise and its conversation, if the moment has truly come."""
    session().flush()
    target, conversation = _locked(timer)
    if target.state != TargetState.RUNNING:
        return None, None
    if _has_news(conversation):
        # answered or moved, perhaps: its reader will know
        timers.set_timer(timer.account_id, timer.kind, timer.ref, now() + SOON, **timer.data)
        return None, None
    percent = timer.data.get("percent", 100)
    known = clock.moments(target, sorted({percent, 100}))
    if known.get(100) != target.due_at:
        actions.schedule(conversation, target)
    has_come = percent in known and known[percent] <= timer.due_at
    return (target, conversation) if has_come else (None, None)


def _locked(timer: timers.Timer) -> tuple[SlaTarget, Conversation]:
    """Locked in that order everybody takes: the conversation first."""
    key = (timer.account_id, int(timer.ref))
    conversation = locked(timer.account_id, session().get_one(SlaTarget, key).conversation_id)
    return session().get_one(SlaTarget, key, with_for_update=True, populate_existing=True), conversation


def _has_news(conversation: Conversation) -> bool:
    """Whether the conversation has events that our reader has not come to."""
    cursor = session().get(Cursor, (conversation.account_id, READER), populate_existing=True)
    query = select(Event.seq).where(
        col(Event.account_id) == conversation.account_id,
        col(Event.conversation_id) == conversation.id,
        col(Event.seq) > (cursor.seq if cursor else 0),
        col(Event.causation).is_(None),
        col(Event.name).in_(NAMES),
    )
    return session().exec(query.limit(1)).first() is not None


# Each in a transaction of its own: an account may have thousands of them
_RECKON_ALL = text(
    "insert into timer (account_id, kind, ref, due_at) select account_id, 'sla.reckon', id::text, :due_at from sla_target"
    " where account_id = :account_id and state = 'running' and is_business_time on conflict do nothing"
)
