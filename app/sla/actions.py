"""Promises: made, kept, missed. Due times are timers; what is settled stays settled (metrics.md, SLA)."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from app import timers
from app.clock import now
from app.conversations.models import Conversation, Status
from app.database import session
from app.errors import Invalid
from app.events.record import record
from app.i18n import _
from app.sla import clock, queries
from app.sla.models import SlaPolicy, SlaTarget, TargetKind, TargetState
from app.text import NAME_LIMIT, checked
from app.users.models import Team

WARN = "sla.warn"
BREACH = "sla.breach"
RECKON = "sla.reckon"
WARN_PERCENT = (50, 75, 90)
PAUSES = (Status.PENDING, Status.SNOOZED)
_SECONDS = ("first_response_seconds", "next_response_seconds", "resolution_seconds")


def create_policy(account_id: int, name: str, *, by: str, **fields: Any) -> SlaPolicy:
    """A new policy: seconds per target, null for no promise; is_business_time, pause_while, description, external_id."""
    policy = SlaPolicy(account_id=account_id, external_id=fields.pop("external_id", None), created_at=now())
    _apply(policy, {**fields, "name": name})
    session().add(policy)
    record("sla_policy.versioned", policy, by=by)
    return policy


def update_policy(policy: SlaPolicy, *, by: str, **fields: Any) -> None:
    """A new version: it holds for what is promised from now on."""
    before = policy.model_dump()
    _apply(policy, fields)
    if policy.model_dump() == before:
        return
    policy.version += 1
    record("sla_policy.versioned", policy, by=by)


def apply(
    conversation: Conversation, chosen: SlaPolicy | None, *, by: str, occurred_at: datetime | None = None
) -> None:
    """Promise by this policy from now on, or no longer (None). What was promised by another ends when its reader hears."""
    before = conversation.sla_policy_id
    if before == (chosen.id if chosen else None):
        return
    conversation.sla_policy_id = chosen.id if chosen else None
    name, about = ("sla.applied", conversation.sla_policy_id) if chosen else ("sla.removed", before)
    record(name, conversation, by=by, occurred_at=occurred_at, sla_policy_id=about)


def set_team_policy(team: Team, chosen: SlaPolicy | None, *, by: str) -> None:
    """What is promised to conversations that this team gets and nobody has chosen a policy for."""
    wanted = chosen.id if chosen else None
    if team.sla_policy_id != wanted:
        team.sla_policy_id = wanted
        record("team.updated", team, by=by, changed=["sla_policy_id"])


def promise(
    conversation: Conversation, chosen: SlaPolicy, kind: TargetKind, started_at: datetime, promised_at: datetime
) -> None:
    """One more promise, if the policy makes it and none of the kind is under way. One that began then and was settled
    stays; one that was given up is taken up again."""
    seconds = getattr(chosen, f"{kind}_seconds")
    known = queries.known(conversation, kind, started_at)
    if seconds is None or (known is not None and known.state != TargetState.VOID):
        return
    target = known or SlaTarget(
        account_id=conversation.account_id, conversation_id=conversation.id, kind=kind, started_at=started_at
    )
    target.sla_policy_id, target.seconds = chosen.id, seconds
    target.is_business_time, target.pause_while = chosen.is_business_time, list(chosen.pause_while)
    target.state, target.ended_at, target.warned_percent = TargetState.RUNNING, None, 0
    target.promised_at = promised_at
    session().add(target)
    session().flush()
    schedule(conversation, target)


def schedule(conversation: Conversation, target: SlaTarget) -> None:
    """Set its timers by the story as it is now; what was warned of is not warned of again."""
    known = clock.moments(target, (*WARN_PERCENT, 100))
    target.due_at = known.get(100)
    _cancel(target)
    for percent in WARN_PERCENT:
        if percent in known and percent > target.warned_percent:
            timers.set_timer(target.account_id, WARN, str(target.id), _soon(known[percent], percent), percent=percent)
    if target.due_at is not None:
        timers.set_timer(target.account_id, BREACH, str(target.id), _soon(target.due_at, 100))
    _show_nearest(conversation)


def _soon(moment: datetime, percent: int) -> datetime:
    """When to look. What is past is looked at now: at its own instant its timer may have fired already, when it was not
    true yet; and each percent at an instant of its own, in their order."""
    return max(moment, now() + timedelta(microseconds=percent))


def settle(conversation: Conversation, kind: TargetKind, moment: datetime) -> None:
    """It was answered or resolved at `moment`: promises of this kind are kept, if it was in time."""
    _finish(conversation, kind, moment, TargetState.MET)


def void(conversation: Conversation, kind: TargetKind, moment: datetime) -> None:
    """Nobody waits for it any more, before it was due. Too late is too late, though."""
    _finish(conversation, kind, moment, TargetState.VOID)


def warn(conversation: Conversation, target: SlaTarget, percent: int) -> None:
    """A part of the time is used up and nothing has happened; told once."""
    if percent > target.warned_percent:
        target.warned_percent = percent
        record("sla.warned", conversation, by="system", percent=percent, **_facts(target))


def breach(conversation: Conversation, target: SlaTarget) -> None:
    """The time is used up: missed, whatever happens now."""
    _end(conversation, target, TargetState.MISSED, None)


def _finish(conversation: Conversation, kind: TargetKind, moment: datetime, state: TargetState) -> None:
    for target in queries.running(conversation):
        if target.kind == kind:
            # exactly at the deadline is in time
            in_time = target.due_at is None or moment <= target.due_at
            _end(conversation, target, state if in_time else TargetState.MISSED, moment)


def _end(conversation: Conversation, target: SlaTarget, state: TargetState, moment: datetime | None) -> None:
    target.state, target.ended_at = state, moment or _overdue_at(target)
    _cancel(target)
    if state == TargetState.MET:
        record("sla.met", conversation, by="system", occurred_at=moment, **_facts(target))
    elif state == TargetState.MISSED:
        conversation.sla_missed_at = _overdue_at(target)
        record("sla.breached", conversation, by="system", occurred_at=_overdue_at(target), **_facts(target))
    session().flush()
    _show_nearest(conversation)


def _overdue_at(target: SlaTarget) -> datetime | None:
    """When it became too late: nothing is late before it is promised."""
    return max(target.due_at, target.promised_at) if target.due_at and target.promised_at else target.due_at


def _cancel(target: SlaTarget) -> None:
    for kind in (WARN, BREACH):
        timers.cancel(target.account_id, kind, str(target.id))


def _show_nearest(conversation: Conversation) -> None:
    due = [target.due_at for target in queries.running(conversation) if target.due_at is not None]
    nearest = min(due, default=None)
    if conversation.sla_due_at == nearest:
        return
    conversation.sla_due_at = nearest
    # no event: what is due when follows from the log, and open screens need only look again
    about = {"kind": "due", "display_id": conversation.display_id, "inbox_id": conversation.inbox_id}
    whisper = f"whisper:{conversation.account_id}:{json.dumps(about)}"
    session().info.setdefault("wake", set()).add(whisper)


def _facts(target: SlaTarget) -> dict[str, Any]:
    return {
        "sla_policy_id": target.sla_policy_id,
        "target": target.kind,
        "target_id": target.id,
        "started_at": target.started_at.isoformat(),
        "due_at": target.due_at.isoformat() if target.due_at else None,
    }


def _apply(changed: SlaPolicy, fields: dict[str, Any]) -> None:
    if "name" in fields:
        changed.name = _name(changed, fields["name"])
    if "description" in fields:
        changed.description = checked("description", fields["description"], 1000)
    for name in _SECONDS:
        if name in fields:
            setattr(changed, name, _seconds(name, fields[name]))
    if "is_business_time" in fields:
        changed.is_business_time = bool(fields["is_business_time"])
    if "pause_while" in fields:
        changed.pause_while = [status.value for status in PAUSES if status in fields["pause_while"]]


def _name(changed: SlaPolicy, value: object) -> str:
    name = checked("name", value, NAME_LIMIT, required=True)
    query = select(SlaPolicy.id).where(col(SlaPolicy.account_id) == changed.account_id, col(SlaPolicy.name) == name)
    if any(other != changed.id for other in session().exec(query)):
        raise Invalid("name", _("There is an SLA policy of this name."))
    return name


def _seconds(field: str, value: Any) -> int | None:
    if value in (None, ""):
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 366 * 86_400:
        raise Invalid(field, _("Choose a time between a second and a year."))
    return value
