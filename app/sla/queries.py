"""Questions about promises."""

from datetime import datetime

from sqlmodel import col, select

from app.conversations.models import Conversation
from app.database import session
from app.errors import NotFound
from app.i18n import _
from app.sla.models import SlaPolicy, SlaTarget, TargetKind, TargetState


def policies(account_id: int) -> list[SlaPolicy]:
    """All policies, by name."""
    query = select(SlaPolicy).where(col(SlaPolicy.account_id) == account_id)
    return list(session().exec(query.order_by(col(SlaPolicy.name))))


def policy(account_id: int, policy_id: int) -> SlaPolicy:
    """A policy of the account. NotFound for any other."""
    found = session().get(SlaPolicy, (account_id, policy_id))
    if found is None:
        raise NotFound(_("There is no such SLA policy."))
    return found


def running(conversation: Conversation) -> list[SlaTarget]:
    """The promises still to be kept, the most pressing first, those that are paused last."""
    query = select(SlaTarget).where(
        col(SlaTarget.account_id) == conversation.account_id,
        col(SlaTarget.conversation_id) == conversation.id,
        col(SlaTarget.state) == TargetState.RUNNING,
    )
    return list(session().exec(query.order_by(col(SlaTarget.due_at).nulls_last())))


def missed(conversation: Conversation) -> list[SlaTarget]:
    """The promises that were not kept, the latest first."""
    query = select(SlaTarget).where(
        col(SlaTarget.account_id) == conversation.account_id,
        col(SlaTarget.conversation_id) == conversation.id,
        col(SlaTarget.state) == TargetState.MISSED,
    )
    return list(session().exec(query.order_by(col(SlaTarget.due_at).desc())))


def known(conversation: Conversation, kind: TargetKind, started_at: datetime) -> SlaTarget | None:
    """The promise of this kind that is under way, else the one that began then."""
    query = select(SlaTarget).where(
        col(SlaTarget.account_id) == conversation.account_id,
        col(SlaTarget.conversation_id) == conversation.id,
        col(SlaTarget.kind) == kind,
        (col(SlaTarget.started_at) == started_at) | (col(SlaTarget.state) == TargetState.RUNNING),
    )
    return session().exec(query.order_by((col(SlaTarget.state) != TargetState.RUNNING).asc())).first()


def is_any(account_id: int) -> bool:
    """Whether the account promises anything at all."""
    return (
        session().exec(select(SlaPolicy.id).where(col(SlaPolicy.account_id) == account_id).limit(1)).first() is not None
    )
