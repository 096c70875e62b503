"""Promises: made, kept, missed. Due times are timers; what is settled stays settled (metrics.md, SLA)."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from app import timers
from app.clock import now
from app.conversations.models import Conversation, Message, MessageType, Status
from app.conversations.queries import locked
from app.database import session
from app.errors import Invalid, NotFound
from app.events.record import record
from app.i18n import _
from app.sla.models import SlaPolicy, SlaTarget, TargetKind, TargetState
from app.text import NAME_LIMIT, checked

WARN = "sla.warn"
BREACH = "sla.breach"
WARN_PERCENT = (50, 75, 90)
_SECONDS = ("first_response_seconds", "next_response_seconds", "resolution_seconds")


def create_policy(account_id: int, name: str, *, by: str, **fields: Any) -> SlaPolicy:
    """A new policy: seconds per target, null for no promise."""
    policy = SlaPolicy(account_id=account_id, name=checked("name", name, NAME_LIMIT, required=True), created_at=now())
    _apply(policy, fields)
    session().add(policy)
    record("sla_policy.versioned", policy, by=by)
    return policy


def update_policy(policy: SlaPolicy, *, by: str, **fields: Any) -> None:
    """A new version: it holds for what is promised from now on."""
    _apply(policy, fields)
    policy.version += 1
    record("sla_policy.versioned", policy, by=by)


def policies(account_id: int) -> list[SlaPolicy]:
    """All policies, by name."""
    return list(
        session().exec(select(SlaPolicy).where(col(SlaPolicy.account_id) == account_id).order_by(col(SlaPolicy.name)))
    )


def policy(account_id: int, policy_id: int) -> SlaPolicy:
    """A policy of the account. NotFound for any other."""
    found = session().get(SlaPolicy, (account_id, policy_id))
    if found is None:
        raise NotFound(_("There is no such SLA policy."))
    return found


def apply(conversation: Conversation, chosen: SlaPolicy | None, *, by: str) -> None:
    """Promise by this policy from now on, or no longer (None). Targets that are under way under another are void."""
    if conversation.sla_policy_id == (chosen.id if chosen else None):
        return
    for target in running(conversation):
        _end(conversation, target, TargetState.VOID, now())
    before, conversation.sla_policy_id = conversation.sla_policy_id, chosen.id if chosen else None
    if chosen is None:
        record("sla.removed", conversation, by=by, sla_policy_id=before)
    else:
        record("sla.applied", conversation, by=by, sla_policy_id=chosen.id)


def promise(conversation: Conversation, chosen: SlaPolicy, kind: TargetKind, started_at: datetime) -> None:
    """One more promise, if the policy makes it and it does not stand yet."""
    seconds = getattr(chosen, f"{kind}_seconds")
    if seconds is None or _known(conversation, kind, started_at):
        return
    due_at = started_at + timedelta(seconds=seconds)
    target = SlaTarget(
        account_id=conversation.account_id,
        conversation_id=conversation.id,
        sla_policy_id=chosen.id,
        kind=kind,
        started_at=started_at,
        due_at=due_at,
    )
    session().add(target)
    session().flush()
    for percent in WARN_PERCENT:
        warn_at = started_at + timedelta(seconds=seconds * percent / 100)
        timers.set_timer(conversation.account_id, WARN, str(target.id), warn_at, percent=percent)
    timers.set_timer(conversation.account_id, BREACH, str(target.id), due_at)
    _show_nearest(conversation)


def settle(conversation: Conversation, kind: TargetKind, moment: datetime) -> None:
    """It was answered or resolved at `moment`: promises of this kind are kept, if it was in time."""
    for target in running(conversation):
        if target.kind == kind:
            # exactly at the deadline is in time
            _end(conversation, target, TargetState.MET if moment <= target.due_at else TargetState.MISSED, moment)


def void(conversation: Conversation, kind: TargetKind, moment: datetime) -> None:
    """Nobody waits for it any more: resolved before it was due. Too late is too late, though."""
    for target in running(conversation):
        if target.kind == kind:
            _end(conversation, target, TargetState.VOID if moment <= target.due_at else TargetState.MISSED, moment)


def warn(timer: timers.Timer) -> None:
    """A part of the time is used up and nothing has happened."""
    target, conversation = _due(timer)
    if target is not None and conversation is not None:
        record("sla.warned", conversation, by="system", percent=timer.data["percent"], **_facts(target))


def breach(timer: timers.Timer) -> None:
    """The time is used up: missed, whatever happens now."""
    target, conversation = _due(timer)
    if target is not None and conversation is not None:
        _end(conversation, target, TargetState.MISSED, None)


def running(conversation: Conversation) -> list[SlaTarget]:
    """The promises still to be kept, the most pressing first."""
    query = select(SlaTarget).where(
        col(SlaTarget.account_id) == conversation.account_id,
        col(SlaTarget.conversation_id) == conversation.id,
        col(SlaTarget.state) == TargetState.RUNNING,
    )
    return list(session().exec(query.order_by(col(SlaTarget.due_at))))


def _due(timer: timers.Timer) -> tuple[SlaTarget | None, Conversation | None]:
    """The promise and its conversation, locked in that order everybody takes: the conversation first."""
    key = (timer.account_id, int(timer.ref))
    known = session().get(SlaTarget, key)
    if known is None:
        return None, None
    conversation = locked(timer.account_id, known.conversation_id)
    target = session().get_one(SlaTarget, key, with_for_update=True, populate_existing=True)
    if target.state != TargetState.RUNNING or _is_kept(conversation, target):
        return None, None
    return target, conversation


def _is_kept(conversation: Conversation, target: SlaTarget) -> bool:
    """Whether it has been answered or resolved in time and the reader has only not told us yet: then it will settle it."""
    if target.kind == TargetKind.RESOLUTION:
        return conversation.status == Status.RESOLVED
    query = select(Message.id).where(
        col(Message.account_id) == target.account_id,
        col(Message.conversation_id) == target.conversation_id,
        col(Message.message_type) == MessageType.OUTGOING,
        col(Message.is_private).is_(False),
        col(Message.occurred_at) >= target.started_at,
        col(Message.occurred_at) <= target.due_at,
    )
    return session().exec(query.limit(1)).first() is not None


def _end(conversation: Conversation, target: SlaTarget, state: TargetState, moment: datetime | None) -> None:
    target.state, target.ended_at = state, moment or target.due_at
    for kind in (WARN, BREACH):
        timers.cancel(target.account_id, kind, str(target.id))
    if state == TargetState.MET:
        record("sla.met", conversation, by="system", occurred_at=moment, **_facts(target))
    elif state == TargetState.MISSED:
        record("sla.breached", conversation, by="system", occurred_at=target.due_at, **_facts(target))
    session().flush()
    _show_nearest(conversation)


def _show_nearest(conversation: Conversation) -> None:
    nearest = running(conversation)
    conversation.sla_due_at = nearest[0].due_at if nearest else None


def _known(conversation: Conversation, kind: TargetKind, started_at: datetime) -> bool:
    query = select(SlaTarget.id).where(
        col(SlaTarget.account_id) == conversation.account_id,
        col(SlaTarget.conversation_id) == conversation.id,
        col(SlaTarget.kind) == kind,
        (col(SlaTarget.started_at) == started_at) | (col(SlaTarget.state) == TargetState.RUNNING),
    )
    return session().exec(query).first() is not None


def _facts(target: SlaTarget) -> dict[str, Any]:
    return {
        "sla_policy_id": target.sla_policy_id,
        "target": target.kind,
        "target_id": target.id,
        "started_at": target.started_at.isoformat(),
        "due_at": target.due_at.isoformat(),
    }


def _apply(changed: SlaPolicy, fields: dict[str, Any]) -> None:
    if "name" in fields:
        changed.name = checked("name", fields["name"], NAME_LIMIT, required=True)
    for name in _SECONDS:
        if name in fields:
            setattr(changed, name, _seconds(name, fields[name]))


def _seconds(field: str, value: Any) -> int | None:
    if value in (None, ""):
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 366 * 86_400:
        raise Invalid(field, _("Choose a time between a second and a year."))
    return value
