"""Messages of a conversation."""

from collections.abc import Sequence
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app import files
from app.api.door import bp
from app.api.params import Params, params, stored
from app.contacts import queries as contact_queries
from app.contacts import wire as contact_wire
from app.conversations import actions, queries, wire
from app.conversations.actions import Author, Writing
from app.conversations.models import Conversation, Message, MessageType
from app.doors import own_account, viewer
from app.errors import Invalid, NotFound
from app.i18n import _
from app.inboxes import queries as inbox_queries
from app.inboxes.models import Channel
from app.policies import policy
from app.text import CONTENT_LIMIT
from app.users import queries as user_queries
from app.users import wire as user_wire
from app.wire import iso

AT = "/api/v1/accounts/<int:account_id>/conversations/<int:display_id>/messages"
ONE = f"{AT}/<int:message_id>"
CONTENT_TYPES = {
    "text", "input_text", "input_textarea", "input_email", "input_select", "cards", "form", "article",
}  # fmt: skip
PAGE, AFTER, BETWEEN = 20, 100, 1000
KEY_LIMIT = 200


@bp.get(AT)
@policy("api_agent")
def list_messages(account_id: int, display_id: int) -> ResponseReturnValue:
    """The newest 20, or 20 before a message, or 100 after it, or up to 1,000 between two; in order."""
    sent = params()
    before, after = sent.number("before"), sent.number("after")
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
        messages = thread(found, before, after)
        contact = contact_queries.contacts({found.contact_id}, account_id)[found.contact_id]
        assignee = user_queries.people(account_id, {found.assignee_id} if found.assignee_id else set())
        known = queries.lines(messages, {contact.id: contact}, assignee)
    meta: dict[str, Any] = {
        "labels": found.labels,
        "additional_attributes": found.additional_attributes,
        "contact": contact_wire.contact(contact),
        "agent_last_seen_at": iso(found.agent_last_seen_at),
        "assignee_last_seen_at": iso(found.assignee_last_seen_at),
    }
    if found.assignee_id in assignee:
        meta["assignee"] = user_wire.agent(assignee[found.assignee_id])
    return jsonify(meta=meta, payload=[wire.message(known[message.id], found) for message in messages])


@bp.post(AT)
@policy("api_agent")
def create_message(account_id: int, display_id: int) -> ResponseReturnValue:
    """A reply or note of the caller, or in an API inbox a message of the contact. Sent twice, with the same echo_id, it is
    written once."""
    sent = params("message")
    kept = stored(account_id, sent.uploads("attachments", "message[attachments]"))
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        message = write(found, sent, kept)
        line = _line(message)
    return jsonify(wire.message(line, found, echo_id=sent.text("echo_id") or None))


@bp.delete(ONE)
@policy("api_agent")
def delete_message(account_id: int, display_id: int, message_id: int) -> ResponseReturnValue:
    """Its text and files are gone, its place stays."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        message = of(found, message_id)
        actions.delete_message(message, by=viewer().user.actor)
        return jsonify(wire.message(queries.line(message), found))


@bp.post(f"{ONE}/retry")
@policy("api_agent")
def send_again(account_id: int, display_id: int, message_id: int) -> ResponseReturnValue:
    """Try once more what did not go out."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        message = of(found, message_id)
        actions.send_again(message, by=viewer().user.actor)
        return jsonify(wire.message(queries.line(message), found))


def write(found: Conversation, sent: Params, kept: tuple[list[files.Stored], list[str]]) -> Message:
    """The message that `sent` describes, in the conversation, by the caller or, where it is incoming, by the contact."""
    kind = sent.text("message_type") or MessageType.OUTGOING
    writing = writing_of(sent, kept, found)
    if kind == MessageType.INCOMING:
        _refuse_unless_api(found)
        by = actions.by_contact(found.contact_id)
        message = actions.write_incoming(found, found.contact_id, writing)
    elif kind == MessageType.OUTGOING:
        by = actions.by_user(viewer().user)
        is_private = bool(sent.flag("private"))
        message = (actions.write_note if is_private else actions.reply)(found, by, writing)
    else:
        raise Invalid("message_type", _("Choose outgoing or incoming."))
    return refuse_another(message, by, writing)


def writing_of(sent: Params, kept: tuple[list[files.Stored], list[str]], found: Conversation) -> Writing:
    """What is to be written. The key that makes a repetition harmless: the header Idempotency-Key, or echo_id."""
    content_type = sent.text("content_type") or "text"
    if content_type not in CONTENT_TYPES:
        raise Invalid("content_type", _("There is no such type of message."))
    attributes = sent.record("content_attributes") or {}
    key = request.headers.get("Idempotency-Key", "") or sent.text("echo_id", KEY_LIMIT)
    return Writing(
        content=sent.text("content", CONTENT_LIMIT),
        client_message_id=key[: KEY_LIMIT + 1] or None,
        attachments=kept[0],
        file_names=kept[1],
        in_reply_to_id=_replied_to(found, Params(attributes).number("in_reply_to")),
        content_type=content_type,
        content_attributes={name: value for name, value in attributes.items() if name not in RESERVED},
    )


# Ours to say: a client that could would make people believe them
RESERVED = {"in_reply_to", "deleted", "external_error", "template", "submitted_values", "intake_id"}


def refuse_another(message: Message, by: Author, writing: Writing) -> Message:
    """The message, unless it is an older one that merely has the same key: what is new must not be lost, nor the old told."""
    is_his = (message.sender_type, message.sender_id) == (by.type, by.id)
    is_same = message.version > 1 or message.content == writing.content
    if not is_his or not is_same:
        raise Invalid("echo_id", _("Another message was sent with this key."))
    return message


def thread(
    found: Conversation, before: int | None, after: int | None, *, public_only: bool = False
) -> Sequence[Message]:
    """The part of the thread that a client asks for."""
    if before is not None and after is not None:
        return queries.thread(found, before=before, after=after - 1, limit=BETWEEN, public_only=public_only)
    limit = AFTER if after is not None else PAGE
    return queries.thread(found, before=before, after=after, limit=limit, public_only=public_only)


def of(found: Conversation, message_id: int) -> Message:
    """A message of the conversation; NotFound for any other."""
    message = queries.message(found.account_id, message_id)
    if message.conversation_id != found.id:
        raise NotFound
    return message


def _line(message: Message) -> queries.Line:
    """Of a message just written: the caller is known, so that nothing need be asked for a plain reply."""
    me = (viewer().user, viewer().member)
    return queries.lines([message], agents={me[0].id: me})[message.id]


def _replied_to(found: Conversation, message_id: int | None) -> int | None:
    return of(found, message_id).id if message_id else None


def _refuse_unless_api(found: Conversation) -> None:
    if inbox_queries.channel(found.account_id, found.inbox_id) != Channel.API:
        raise Invalid("message_type", _("Incoming messages can be written in API inboxes only."))
