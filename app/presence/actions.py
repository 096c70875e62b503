"""Who is at work and what he has before him, told when it changes: for handle time and occupancy."""

from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert

from app import timers
from app.clock import now
from app.conversations.models import Conversation
from app.database import session
from app.events.record import record
from app.presence.models import AgentPresence
from app.timers import Timer, TimerState
from app.users.models import AccountUser, Availability

GONE = "presence.gone"
IDLE = "presence.idle"
# An open workspace is heard of every 40 seconds at most
GONE_AFTER = timedelta(seconds=90)
# So long without a sign of him, and he looks at it no longer
IDLE_AFTER = timedelta(seconds=60)


def beat(member: AccountUser) -> None:
    """His workspace is open: he is what he says he is, until it has not been heard of for a while."""
    known = _presence(member.account_id, member.user_id)
    known.beat_at = now()
    if member.availability != Availability.OFFLINE and known.presence == Availability.OFFLINE:
        timers.set_timer(member.account_id, GONE, str(member.user_id), known.beat_at + GONE_AFTER)
    _tell(member, known, member.availability, now())


def look(member: AccountUser, conversation: Conversation) -> None:
    """He does something in this conversation: he has it before him, and no other."""
    known, moment = _presence(member.account_id, member.user_id), now()
    if known.conversation_id == conversation.id and _looks_until(known) > moment:
        known.looked_at = moment
        return
    _turn_away(known, moment)
    known.conversation_id, known.looked_at = conversation.id, moment
    record("conversation.focused", conversation, by=_actor(known), user_id=known.user_id)
    timers.set_timer(known.account_id, IDLE, str(known.user_id), moment + IDLE_AFTER)


def turn_away(member: AccountUser, conversation: Conversation) -> None:
    """He has left it."""
    known = _presence(member.account_id, member.user_id)
    if known.conversation_id == conversation.id:
        _turn_away(known, now())


def gone(timer: Timer) -> None:
    """If his workspace has fallen silent, he went when it was heard of last."""
    known = _presence(timer.account_id, int(timer.ref))
    if known.presence == Availability.OFFLINE or known.beat_at is None:
        return
    if known.beat_at + GONE_AFTER > now():
        _again(timer, known.beat_at + GONE_AFTER)
        return
    went_at = max(known.beat_at, known.looked_at or known.beat_at)
    _turn_away(known, went_at)
    member = session().get(AccountUser, (known.account_id, known.user_id))
    if member is not None:
        _tell(member, known, Availability.OFFLINE, went_at)


def idle(timer: Timer) -> None:
    """If there was no sign of him for a minute, he looks no longer."""
    known = _presence(timer.account_id, int(timer.ref))
    if known.conversation_id is None:
        return
    if _looks_until(known) > now():
        _again(timer, _looks_until(known))
    else:
        _turn_away(known, now())


def _tell(member: AccountUser, known: AgentPresence, presence: str, occurred_at: datetime) -> None:
    if known.presence != presence:
        known.presence = presence
        record("agent.presence_changed", member, by=_actor(known), occurred_at=occurred_at, presence=presence)


def _turn_away(known: AgentPresence, moment: datetime) -> None:
    if known.conversation_id is None:
        return
    conversation = session().get_one(Conversation, (known.account_id, known.conversation_id))
    until = max(min(moment, _looks_until(known)), known.looked_at or moment)
    known.conversation_id = known.looked_at = None
    record("conversation.unfocused", conversation, by=_actor(known), occurred_at=until, user_id=known.user_id)


def _looks_until(known: AgentPresence) -> datetime:
    return (known.looked_at or now()) + IDLE_AFTER


def _again(timer: Timer, due_at: datetime) -> None:
    """The same row once more: one for each who is there, however long he stays."""
    timer.state, timer.ended_at = TimerState.PENDING, None
    # no two timers of his are due at one instant
    timer.due_at = due_at + timedelta(microseconds=timer.id % 1000)


def _presence(account_id: int, user_id: int) -> AgentPresence:
    """Ours alone until the commit."""
    key = (account_id, user_id)
    row = insert(AgentPresence).values(account_id=account_id, user_id=user_id).on_conflict_do_nothing()
    session().connection().execute(row)
    return session().get_one(AgentPresence, key, with_for_update=True, populate_existing=True)


def _actor(known: AgentPresence) -> str:
    return f"user:{known.user_id}"
