"""What the log's story means for our promises."""

from sqlmodel import col, select

from app.conversations.models import Conversation, Message, MessageType, SenderType, Status
from app.conversations.queries import locked
from app.database import session
from app.events.log import Event
from app.inboxes.models import Inbox
from app.sla.actions import apply, policy, promise, settle, void
from app.sla.models import SlaPolicy, SlaTarget, TargetKind

NAMES = frozenset({
    "conversation.created", "conversation.status_changed", "conversation.bot_handoff", "message.created", "sla.applied",
})  # fmt: skip


def on_event(event: Event) -> None:
    """Make, keep or drop promises. Everything is dated by the event, so a late reader changes nothing."""
    conversation = locked(event.account_id, event.data["conversation_id"])
    if event.name == "conversation.created":
        _apply_default(conversation, event)
        return
    if conversation.sla_policy_id is None:
        return
    chosen = policy(event.account_id, conversation.sla_policy_id)
    match event.name:
        case "sla.applied":
            _begin(conversation, chosen, event)
        case "message.created":
            _hear(conversation, chosen, event)
        case "conversation.bot_handoff":
            _take_over(conversation, chosen, event)
        case "conversation.status_changed" if event.data["status"] == Status.RESOLVED:
            settle(conversation, TargetKind.RESOLUTION, event.occurred_at)
            void(conversation, TargetKind.FIRST_RESPONSE, event.occurred_at)
            void(conversation, TargetKind.NEXT_RESPONSE, event.occurred_at)


def _apply_default(conversation: Conversation, event: Event) -> None:
    inbox = session().get_one(Inbox, (conversation.account_id, conversation.inbox_id))
    if inbox.sla_policy_id is not None and conversation.sla_policy_id is None:
        chosen = policy(conversation.account_id, inbox.sla_policy_id)
        apply(conversation, chosen, by="automation")
        # now, not when `sla.applied` is read: an answer may stand between the two
        _begin(conversation, chosen, event)


def _begin(conversation: Conversation, chosen: SlaPolicy, event: Event) -> None:
    """What is promised from the moment of the event, as things stood then."""
    if event.data["status"] == Status.RESOLVED:
        return
    replied_at, waiting_since = conversation.first_replied_at, conversation.waiting_since
    if event.data["held_by"] is None:
        if replied_at is None or replied_at > event.occurred_at:
            promise(conversation, chosen, TargetKind.FIRST_RESPONSE, conversation.created_at)
        if waiting_since is not None and waiting_since <= event.occurred_at:
            promise(conversation, chosen, TargetKind.NEXT_RESPONSE, waiting_since)
    if not _has_target(conversation, TargetKind.RESOLUTION):
        promise(conversation, chosen, TargetKind.RESOLUTION, conversation.created_at)


def _take_over(conversation: Conversation, chosen: SlaPolicy, event: Event) -> None:
    """A bot gave it to people: they answer for the time from now on."""
    if conversation.first_replied_at is None:
        promise(conversation, chosen, TargetKind.FIRST_RESPONSE, event.occurred_at)
    if conversation.waiting_since is not None:
        promise(conversation, chosen, TargetKind.NEXT_RESPONSE, event.occurred_at)


def _hear(conversation: Conversation, chosen: SlaPolicy, event: Event) -> None:
    if event.data["is_private"]:
        return
    if event.data["message_type"] == MessageType.INCOMING and event.data["held_by"] is None:
        promise(conversation, chosen, TargetKind.NEXT_RESPONSE, event.occurred_at)
    elif event.data["sender_type"] == SenderType.USER:
        if not _customer_wrote_before(event):
            # an agent began: nobody waited for a first response
            void(conversation, TargetKind.FIRST_RESPONSE, event.occurred_at)
        settle(conversation, TargetKind.FIRST_RESPONSE, event.occurred_at)
        settle(conversation, TargetKind.NEXT_RESPONSE, event.occurred_at)
    elif event.data["sender_type"] in {SenderType.CAPTAIN, SenderType.BOT}:
        void(conversation, TargetKind.NEXT_RESPONSE, event.occurred_at)


def _has_target(conversation: Conversation, kind: TargetKind) -> bool:
    query = select(SlaTarget.id).where(
        col(SlaTarget.account_id) == conversation.account_id,
        col(SlaTarget.conversation_id) == conversation.id,
        col(SlaTarget.kind) == kind,
    )
    return session().exec(query.limit(1)).first() is not None


def _customer_wrote_before(event: Event) -> bool:
    query = select(Message.id).where(
        col(Message.account_id) == event.account_id,
        col(Message.conversation_id) == event.data["conversation_id"],
        col(Message.message_type) == MessageType.INCOMING,
        col(Message.id) < event.data["message_id"],
    )
    return session().exec(query.limit(1)).first() is not None
