"""What Captain does when a customer writes or an article changes: owes an answer, a draft, new vectors. He calls nobody
here."""

from app.assist.actions import EMBED, brief_people, let_answer, outdate, outdate_citing, take_feedback
from app.assist.assistants import serving
from app.assist.hints import HINT
from app.assist.memory import REMEMBER
from app.assist.mining import MINE
from app.assist.steps import Reason
from app.assist.turns import BURST_SECONDS, TURN
from app.conversations.models import Conversation, Holder, Message, MessageType, SenderType, Status
from app.conversations.queries import locked
from app.database import session
from app.deliveries.actions import owe
from app.events.log import Event
from app.inboxes.models import Inbox

NAMES = frozenset({
    "message.created", "message.updated", "conversation.bot_handoff", "conversation.status_changed",
    "inbox.created", "inbox.updated", "article.created", "article.updated", "article.published", "article.unpublished",
})  # fmt: skip
DRAFT = "captain.draft"
# What of an article a draft may rest on
_CHANGES = {"title", "content", "status"}


def on_event(event: Event) -> None:
    """Owe what follows from it to the courier, who asks the captain process outside of any transaction."""
    if event.name.startswith("article."):
        article_id = event.data["article_id"]
        if event.name == "article.unpublished" or _CHANGES & set(event.data.get("changed", ())):
            outdate_citing(event.account_id, article_id)
        owe(event.account_id, EMBED, f"{article_id}@{event.seq}", lane=f"article:{article_id}", article_id=article_id)
    elif event.name.startswith("inbox."):
        let_answer(session().get_one(Inbox, (event.account_id, event.data["inbox_id"])))
    elif event.name == "message.created":
        _hear(event)
    elif event.name == "message.updated":
        _hear_verdict(event)
    elif event.name == "conversation.status_changed":
        _learn(event)
    elif event.name == "conversation.bot_handoff":
        _take_over(event)


def _take_over(event: Event) -> None:
    """Now it is people's: they get hints, and a note when the customer called them by the button."""
    _hint(event)
    if event.data["reason"] == Reason.ASKED and event.actor.startswith("contact:"):
        # by the button; when he asks in words, Captain's own step has written the note
        brief_people(locked(event.account_id, event.data["conversation_id"]), Reason.ASKED)


def _hear(event: Event) -> None:
    conversation_id, message_id = event.data["conversation_id"], event.data["message_id"]
    if event.data["message_type"] == MessageType.OUTGOING and not event.data["is_private"]:
        outdate(locked(event.account_id, conversation_id), message_id)
    if event.data["message_type"] != MessageType.INCOMING:
        return
    conversation = session().get_one(Conversation, (event.account_id, conversation_id))
    if conversation.held_by == Holder.CAPTAIN:
        wait = {"delay_seconds": BURST_SECONDS}
        owe(event.account_id, TURN, str(message_id), lane=f"turn:{conversation_id}", message_id=message_id, **wait)
    elif conversation.status != Status.RESOLVED and _is_served(conversation):
        owe(event.account_id, DRAFT, str(message_id), lane=f"draft:{conversation_id}", message_id=message_id)
        _hint(event)


def _hint(event: Event) -> None:
    asked = {name: event.data[name] for name in ("conversation_id", "message_id") if name in event.data}
    owe(event.account_id, HINT, str(event.seq), lane=f"hint:{asked['conversation_id']}", **asked)


def _hear_verdict(event: Event) -> None:
    """«Помогло?» under a message of Captain's was answered: once, whatever else changes in it later."""
    if event.data["sender_type"] != SenderType.CAPTAIN or event.data["changed"] != ["content_attributes"]:
        return
    message = session().get_one(Message, (event.account_id, event.data["message_id"]))
    values = message.content_attributes.get("submitted_values") or [{}]
    if message.content_attributes.get("captain") and event.actor.startswith("contact:") and isinstance(values, list):
        conversation = locked(event.account_id, event.data["conversation_id"])
        take_feedback(conversation, message, is_helpful=values[0].get("value") == "yes")


def _learn(event: Event) -> None:
    """It is remembered, and what a person answered before he resolved it may be worth knowing."""
    conversation_id = event.data["conversation_id"]
    if event.data["status"] != Status.RESOLVED or not _is_served(
        session().get_one(Conversation, (event.account_id, conversation_id))
    ):
        return
    ref, lane = f"{conversation_id}@{event.seq}", f"remember:{conversation_id}"
    owe(event.account_id, REMEMBER, ref, lane=lane, conversation_id=conversation_id)
    if event.actor.startswith("user:"):
        owe(event.account_id, MINE, ref, lane=f"mine:{conversation_id}", conversation_id=conversation_id)


def _is_served(conversation: Conversation) -> bool:
    inbox = session().get_one(Inbox, (conversation.account_id, conversation.inbox_id))
    return serving(inbox) is not None
