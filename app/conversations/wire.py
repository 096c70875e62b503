"""Conversations, messages and attachments in Chatwoot's JSON, for API, webhooks, websocket and widget alike.

`push_*` is what goes over the websocket, and what lists hold as a conversation's last message. Ids of conversations are
their `display_id` everywhere.
"""

from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import Any

from app.contacts import wire as contact_wire
from app.contacts.models import Contact
from app.conversations.links import file_url
from app.conversations.models import Attachment, Conversation, FileType, Message, MessageStatus, MessageType, SenderType
from app.conversations.queries import Card, Line, Row
from app.i18n import _
from app.inboxes.wire import channel_type
from app.users import wire as user_wire
from app.wire import NO_PICTURE, epoch, iso

MESSAGE_TYPES = {
    MessageType.INCOMING: 0,
    MessageType.OUTGOING: 1,
    MessageType.ACTIVITY: 2,
    MessageType.TEMPLATE: 3,
}
# What is on its way counts as sent; what may have arrived is shown as failed, with the reason, for a person to decide
STATUSES = {MessageStatus.SENDING: "sent", MessageStatus.UNKNOWN: "failed"}
SENDER_TYPES = {
    SenderType.CONTACT: "Contact",
    SenderType.USER: "User",
    SenderType.CAPTAIN: "AgentBot",
    SenderType.BOT: "AgentBot",
}


def conversation(card: Card, my_team_ids: Collection[int] = ()) -> dict[str, Any]:
    """A conversation, as lists and its own address answer it, to a reader who is in these teams."""
    row, found = card.row, card.row.conversation
    return {
        "meta": _meta(card, my_team_ids),
        "id": found.display_id,
        "messages": [push_message(card.last, row)] if card.last else [],
        "account_id": found.account_id,
        "uuid": str(found.uuid),
        "additional_attributes": found.additional_attributes,
        "agent_last_seen_at": epoch(found.agent_last_seen_at),
        "assignee_last_seen_at": epoch(found.assignee_last_seen_at),
        "can_reply": True,
        "contact_last_seen_at": epoch(found.contact_last_seen_at),
        "custom_attributes": found.custom_attributes,
        "inbox_id": found.inbox_id,
        "labels": list(found.labels),
        "muted": found.is_muted,
        "snoozed_until": iso(found.snoozed_until),
        "status": found.status,
        "created_at": epoch(found.created_at),
        "updated_at": found.updated_at.timestamp(),
        "timestamp": epoch(found.last_activity_at),
        "first_reply_created_at": epoch(found.first_replied_at),
        "unread_count": found.unread_count,
        "last_non_activity_message": push_message(card.last_spoken, row) if card.last_spoken else None,
        "last_activity_at": epoch(found.last_activity_at),
        "priority": found.priority,
        "waiting_since": epoch(found.waiting_since),
        "sla_policy_id": found.sla_policy_id,
    }


def push_conversation(card: Card) -> dict[str, Any]:
    """A conversation, as it goes over the websocket and to webhooks."""
    row, found = card.row, card.row.conversation
    return {
        "additional_attributes": found.additional_attributes,
        "can_reply": True,
        "channel": channel_type(row.inbox),
        "contact_inbox": contact_wire.pushed_contact_inbox(row.contact_inbox) if row.contact_inbox else None,
        "id": found.display_id,
        "inbox_id": found.inbox_id,
        "messages": [push_message(card.last, row)] if card.last else [],
        "labels": list(found.labels),
        "meta": {
            "sender": contact_wire.pushed(row.contact),
            "assignee": user_wire.pushed(card.assignee) if card.assignee else None,
            "assignee_type": "User" if card.assignee else None,
            "team": user_wire.pushed_team(row.team) if row.team else None,
            "hmac_verified": _is_verified(row),
        },
        "status": found.status,
        "custom_attributes": found.custom_attributes,
        "snoozed_until": iso(found.snoozed_until),
        "unread_count": found.unread_count,
        "first_reply_created_at": iso(found.first_replied_at),
        "priority": found.priority,
        "waiting_since": epoch(found.waiting_since),
        "agent_last_seen_at": epoch(found.agent_last_seen_at),
        "contact_last_seen_at": epoch(found.contact_last_seen_at),
        "last_activity_at": epoch(found.last_activity_at),
        "timestamp": epoch(found.last_activity_at),
        "created_at": epoch(found.created_at),
        "updated_at": found.updated_at.timestamp(),
    }


def message(line: Line, found: Conversation, *, echo_id: str | None = None) -> dict[str, Any]:
    """A message of `found`, as its thread answers it. `echo_id` goes back to whoever sent it."""
    said = line.message
    answer: dict[str, Any] = {
        "id": said.id,
        "content": content(said),
        "inbox_id": said.inbox_id,
        "conversation_id": found.display_id,
        "message_type": MESSAGE_TYPES[said.message_type],
        "content_type": said.content_type,
        "status": status(said),
        "content_attributes": content_attributes(said),
        "created_at": epoch(said.created_at),
        "private": said.is_private,
        "source_id": said.source_id,
    }
    if echo_id is not None:
        answer["echo_id"] = echo_id
    return answer | _company(line)


def push_message(line: Line, row: Row) -> dict[str, Any]:
    """A message, as it goes over the websocket and stands in lists."""
    said, found = line.message, row.conversation
    has_sender = said.sender_type in SENDER_TYPES
    answer: dict[str, Any] = {
        "id": said.id,
        "content": content(said),
        "account_id": said.account_id,
        "inbox_id": said.inbox_id,
        "conversation_id": found.display_id,
        "message_type": MESSAGE_TYPES[said.message_type],
        "created_at": epoch(said.created_at),
        "updated_at": iso(said.deleted_at or said.edited_at or said.created_at),
        "private": said.is_private,
        "status": status(said),
        "source_id": said.source_id,
        "content_type": said.content_type,
        "content_attributes": content_attributes(said),
        "sender_type": SENDER_TYPES.get(said.sender_type),
        "sender_id": (said.sender_id or 0) if has_sender else None,
        "external_source_ids": {},
        "additional_attributes": said.additional_attributes,
        "processed_message_content": content(said),
        "sentiment": {},
        "conversation": {
            "assignee_id": found.assignee_id,
            "unread_count": found.unread_count,
            "last_activity_at": epoch(found.last_activity_at),
            "contact_inbox": {"source_id": row.contact_inbox.source_id if row.contact_inbox else None},
        },
    }
    if said.client_message_id is not None:
        answer["echo_id"] = said.client_message_id
    return answer | _company(line)


def public_message(line: Line, found: Conversation) -> dict[str, Any]:
    """A message for the customer."""
    said = line.message
    answer = {
        "id": said.id,
        "content": content(said),
        "message_type": MESSAGE_TYPES[said.message_type],
        "content_type": said.content_type,
        "content_attributes": content_attributes(said),
        "created_at": epoch(said.created_at),
        "conversation_id": found.display_id,
    }
    return answer | _company(line)


def public_conversation(found: Conversation, lines: Sequence[Line], contact: Contact) -> dict[str, Any]:
    """A conversation for the customer, with `lines` of its thread and his own record."""
    return {
        "id": found.display_id,
        "uuid": str(found.uuid),
        "inbox_id": found.inbox_id,
        "contact_last_seen_at": epoch(found.contact_last_seen_at),
        "status": found.status,
        "agent_last_seen_at": epoch(found.agent_last_seen_at),
        "messages": [public_message(line, found) for line in lines],
        "contact": contact_wire.raw(contact),
    }


def sender(line: Line) -> dict[str, Any] | None:
    """Who wrote it; None for the house itself, and for agents who have left."""
    if line.contact:
        return contact_wire.pushed(line.contact)
    if line.person:
        return user_wire.pushed(line.person)
    names = {SenderType.CAPTAIN: _("Captain"), SenderType.BOT: _("Bot")}
    name = names.get(line.message.sender_type)
    if name is None:
        return None
    return {"id": line.message.sender_id or 0, "name": name, "avatar_url": NO_PICTURE, "type": "agent_bot"}


def attachment(found: Attachment) -> dict[str, Any]:
    """A file with an address that holds for an hour; a place or a visiting card with its data."""
    common = {
        "id": found.id,
        "message_id": found.message_id,
        "file_type": found.file_type,
        "account_id": found.account_id,
    }
    match found.file_type:
        case FileType.LOCATION:
            place = [found.data[key] for key in ("title", "address") if found.data.get(key)]
            return common | {
                "coordinates_lat": found.data.get("latitude", 0.0),
                "coordinates_long": found.data.get("longitude", 0.0),
                "fallback_title": ", ".join(place),
                "data_url": "",
            }
        case FileType.CONTACT:
            return common | {"fallback_title": found.data.get("phone_number", ""), "meta": found.data, "data_url": ""}
    url = file_url(found)
    answer = common | {
        "extension": PurePath(found.file_name).suffix.lstrip(".") or None,
        "data_url": url,
        "thumb_url": url if found.file_type == FileType.IMAGE else "",
        "file_size": found.size_bytes,
        "width": found.width,
        "height": found.height,
    }
    return answer | {"transcribed_text": ""} if found.file_type == FileType.AUDIO else answer


def content(said: Message) -> str | None:
    """The text; of a deleted message, that it was deleted."""
    return _("This message was deleted") if said.deleted_at else said.content


def content_attributes(said: Message) -> dict[str, Any]:
    """What the type of the message needs, with what it answers to and why it did not go out."""
    more: dict[str, Any] = {}
    if said.in_reply_to_id is not None:
        more["in_reply_to"] = said.in_reply_to_id
    if said.error is not None:
        more["external_error"] = said.error
    return said.content_attributes | more


def status(said: Message) -> str:
    """sent, delivered, read or failed."""
    return STATUSES.get(said.status, said.status.value)


def _meta(card: Card, my_team_ids: Collection[int]) -> dict[str, Any]:
    row = card.row
    meta: dict[str, Any] = {"sender": contact_wire.contact(row.contact), "channel": channel_type(row.inbox)}
    if card.assignee:
        meta |= {"assignee": user_wire.agent(card.assignee), "assignee_type": "User"}
    if row.team:
        meta["team"] = user_wire.team(row.team, is_member=row.team.id in my_team_ids)
    return meta | {"hmac_verified": _is_verified(row)}


def _is_verified(row: Row) -> bool:
    return row.contact_inbox is not None and row.contact_inbox.is_verified


def _company(line: Line) -> dict[str, Any]:
    """Who wrote it and what goes with it, where there is any."""
    writer = sender(line)
    return ({"sender": writer} if writer else {}) | (
        {"attachments": [attachment(found) for found in line.attachments]} if line.attachments else {}
    )
