"""After a resolution: ask, where the inbox wants it."""

from collections.abc import Sequence

from sqlmodel import col, select

from app.accounts.models import Account
from app.contacts.models import Contact
from app.conversations.models import Conversation, Message, SenderType, Status
from app.database import session
from app.events.log import Event
from app.inboxes.models import Inbox
from app.surveys.actions import ask

NAMES = frozenset({"conversation.status_changed"})


def on_event(event: Event) -> None:
    """Ask for a rating when a conversation with an answer of ours was resolved and still is."""
    if event.data["status"] != Status.RESOLVED:
        return
    current = session()
    conversation = current.get_one(Conversation, (event.account_id, event.data["conversation_id"]))
    inbox = current.get_one(Inbox, (event.account_id, conversation.inbox_id))
    contact = current.get_one(Contact, (event.account_id, conversation.contact_id))
    if (
        not inbox.csat_enabled
        or not _is_of_interest(inbox, event.data["labels"])
        or contact.is_blocked
        or conversation.status != Status.RESOLVED
        or not _was_answered(conversation)
    ):
        return
    who, _, identifier = event.actor.partition(":")
    resolver_id = int(identifier) if who == "user" else None
    locale = current.get_one(Account, event.account_id).locale
    team_id = event.data["team_id"]
    ask(conversation, resolved_seq=event.seq, resolver_id=resolver_id, team_id=team_id, locale=locale)


def _is_of_interest(inbox: Inbox, labels: Sequence[str]) -> bool:
    """Whether the inbox asks about conversations with these labels."""
    is_named = not set(inbox.csat_labels).isdisjoint(labels)
    return not inbox.csat_labels or is_named != inbox.is_csat_unless_labelled


def _was_answered(conversation: Conversation) -> bool:
    """Whether a person or Captain wrote to the customer: without an answer there is nothing to rate."""
    query = (
        select(Message.id)
        .where(
            col(Message.account_id) == conversation.account_id,
            col(Message.conversation_id) == conversation.id,
            col(Message.sender_type).in_([SenderType.USER, SenderType.CAPTAIN]),
            col(Message.is_private).is_(False),
        )
        .limit(1)
    )
    return session().exec(query).first() is not None
