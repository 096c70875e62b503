"""What Captain does when a customer writes or an article changes: owes a draft, owes new vectors. He calls nobody here."""

from app.assist.actions import outdate
from app.conversations.models import Conversation, MessageType, Status
from app.conversations.queries import locked
from app.database import session
from app.deliveries.actions import owe
from app.events.log import Event
from app.inboxes.models import Inbox

NAMES = frozenset({"message.created", "article.created", "article.updated", "article.published", "article.unpublished"})
DRAFT = "captain.draft"
EMBED = "captain.embed"


def on_event(event: Event) -> None:
    """Owe what follows from it to the courier, who asks the captain process outside of any transaction."""
    if event.name.startswith("article."):
        article_id = event.data["article_id"]
        owe(event.account_id, EMBED, f"{article_id}@{event.seq}", lane=f"article:{article_id}", article_id=article_id)
    elif event.data["message_type"] == MessageType.OUTGOING and not event.data["is_private"]:
        outdate(locked(event.account_id, event.data["conversation_id"]), event.data["message_id"])
    elif event.data["message_type"] == MessageType.INCOMING and _wants_draft(event):
        conversation_id, message_id = event.data["conversation_id"], event.data["message_id"]
        owe(event.account_id, DRAFT, str(message_id), lane=f"draft:{conversation_id}", message_id=message_id)


def _wants_draft(event: Event) -> bool:
    conversation = session().get_one(Conversation, (event.account_id, event.data["conversation_id"]))
    inbox = session().get_one(Inbox, (event.account_id, conversation.inbox_id))
    return inbox.is_captain_on and conversation.status != Status.RESOLVED
