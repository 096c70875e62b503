"""What a visitor may see, in the JSON of Chatwoot's widget, with a few keys more that our card reads."""

from collections.abc import Sequence
from typing import Any

from app.contacts.models import Contact
from app.conversations.links import file_url
from app.conversations.models import Attachment, Conversation, Holder, Message, MessageType, SenderType
from app.conversations.queries import attachments
from app.i18n import _
from app.text import cited_html, to_html
from app.users.models import Availability, User
from app.users.queries import users
from app.wire import NO_PICTURE, epoch

TYPES = {MessageType.INCOMING: 0, MessageType.OUTGOING: 1, MessageType.ACTIVITY: 2, MessageType.TEMPLATE: 3}


def contact(found: Contact | None) -> dict[str, Any]:
    """What the card asks of the visitor: which of his details we have. Nobody yet: an id of null."""
    return {
        "id": found.id if found else None,
        "has_email": bool(found and found.email),
        "has_name": bool(found and found.name),
        "has_phone_number": bool(found and found.phone_number),
        "identifier": found.identifier if found else None,
    }


def conversation(found: Conversation) -> dict[str, Any]:
    """A conversation; `id` is the number people know."""
    return {
        "id": found.display_id,
        "inbox_id": found.inbox_id,
        "status": found.status,
        "contact_last_seen_at": epoch(found.contact_last_seen_at),
        "agent_last_seen_at": epoch(found.agent_last_seen_at),
        "is_with_captain": found.held_by == Holder.CAPTAIN,
    }


def thread(found: Sequence[Message], numbers: dict[int, int]) -> list[dict[str, Any]]:
    """Messages with their senders and files, in two queries. numbers: {conversation id: its display id}."""
    if not found:
        return []
    people = users({message.sender_id for message in found if _is_from_user(message) and message.sender_id})
    sent_along = attachments(found[0].account_id, {message.id for message in found if message.has_attachments})
    return [
        _message(message, numbers[message.conversation_id], people, sent_along.get(message.id, [])) for message in found
    ]


def agent(user: User, availability: Availability) -> dict[str, Any]:
    """One of those who answer, as the card's header shows him."""
    return {
        "id": user.id,
        "name": user.available_name,
        "avatar_url": NO_PICTURE,
        "availability_status": availability,
    }


def _message(
    message: Message, display_id: int, people: dict[int, User], sent_along: Sequence[Attachment]
) -> dict[str, Any]:
    is_ours = message.message_type != MessageType.INCOMING
    told: dict[str, Any] = {
        "id": message.id,
        "content": message.content,
        "content_html": _html(message) if is_ours else None,
        "inbox_id": message.inbox_id,
        "conversation_id": display_id,
        "message_type": TYPES[message.message_type],
        "content_type": message.content_type,
        "content_attributes": message.content_attributes,
        "status": message.status,
        "created_at": epoch(message.created_at),
        "private": False,
        "source_id": message.source_id,
        "echo_id": None if is_ours else message.client_message_id,
        "in_reply_to": message.in_reply_to_id,
    }
    if sent_along:
        told["attachments"] = [_attachment(attachment) for attachment in sent_along]
    if sender := _sender(message, people):
        told["sender"] = sender
    return told


def _html(message: Message) -> str:
    """What stands in the bubble; the numbers of Captain's sources are links, to be led to them by the card."""
    if message.sender_type != SenderType.CAPTAIN:
        return to_html(message.content)
    return cited_html(message.content, len(message.content_attributes.get("citations", [])), "source_")


def _is_from_user(message: Message) -> bool:
    return message.sender_type == SenderType.USER


def _sender(message: Message, people: dict[int, User]) -> dict[str, Any] | None:
    match message.sender_type:
        case SenderType.CONTACT:
            return {"id": message.sender_id, "type": "contact", "thumbnail": NO_PICTURE}
        case SenderType.USER:
            user = people.get(message.sender_id or 0)
            name = user.available_name if user else ""
            return {"id": message.sender_id, "name": name, "available_name": name, "type": "user",
                    "avatar_url": NO_PICTURE, "thumbnail": NO_PICTURE}  # fmt: skip
        case SenderType.CAPTAIN:
            return {"id": None, "name": _("Captain"), "type": "captain", "avatar_url": NO_PICTURE}
        case SenderType.BOT:
            return {"id": message.sender_id, "name": "", "type": "agent_bot", "avatar_url": NO_PICTURE}
    return None


def _attachment(attachment: Attachment) -> dict[str, Any]:
    address = file_url(attachment)
    is_image = attachment.file_type == "image"
    return {
        "id": attachment.id,
        "message_id": attachment.message_id,
        "account_id": attachment.account_id,
        "file_type": attachment.file_type,
        "extension": attachment.file_name.rpartition(".")[2] or None if "." in attachment.file_name else None,
        "data_url": address,
        "thumb_url": address if is_image else "",
        "file_name": attachment.file_name,
        "file_size": attachment.size_bytes,
        "width": attachment.width,
        "height": attachment.height,
    }
