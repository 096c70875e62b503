"""The visitor's conversation."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app import limits, mail, realtime
from app.contacts import queries as contacts
from app.contacts.actions import identify
from app.contacts.identity import BY, tell
from app.conversations import actions, queries
from app.conversations.models import Conversation, Message, MessageType
from app.errors import NotAllowed, NotFound
from app.i18n import _, format_time, speaking
from app.labels.actions import labels
from app.policies import policy
from app.text import checked, with_room
from app.users.queries import users
from app.widget import given, wire
from app.widget.blueprint import api
from app.widget.contact import details, spend_update
from app.widget.messages import conversation_for, spend, told, write
from app.widget.visitor import Visitor, visitor

EMPTY = ("", 200)
NOTHING = ("", 204)


@api.get("/conversations")
@policy("visitor")
def show_conversation() -> ResponseReturnValue:
    """The conversation under way, or the last one; an empty object before the first."""
    asking = visitor()
    with asking.own_account():
        found = _last(asking)
        return jsonify(wire.conversation(found) if found else {})


@api.post("/conversations")
@policy("visitor")
def create_conversation() -> ResponseReturnValue:
    """Begin: with his details, his first message, or both. One that is not resolved yet is gone on with."""
    asking, body = visitor(), given.body()
    told_of_him = details(given.part(body, "contact"))
    custom = given.attributes(body, "custom_attributes")
    if told_of_him:
        spend_update(asking)
        with asking.own_account():
            tell(identify(asking.inbox, asking.source_id, by=BY), told_of_him)
    says_something = _says_something(body)
    if says_something:
        message, conversation = write(asking, body, is_new_wanted=True)
    else:
        spend(asking)
    with asking.own_account():
        place = identify(asking.inbox, asking.source_id, by=BY)
        if not says_something:
            conversation = conversation_for(asking, place, body, is_new_wanted=True)
        if custom:
            found = queries.locked(conversation.account_id, conversation.id)
            more = with_room(found.custom_attributes, custom)
            actions.set_custom_attributes(found, more, by=actions.by_contact(place.contact_id).actor)
        return jsonify(
            {
                **wire.conversation(conversation),
                "messages": told([message], conversation) if says_something else [],
                "custom_attributes": {**conversation.custom_attributes, **custom},
                "contact": wire.contact(contacts.contact(place.account_id, place.contact_id)),
            }
        )


@api.get("/conversations/toggle_status")
@policy("visitor")
def toggle_status() -> ResponseReturnValue:
    """He has what he came for. (A GET, since that is what Chatwoot's card sends.)"""
    asking = visitor()
    if not asking.inbox.settings.get("end_conversation", True):
        raise NotAllowed(_("Conversations are closed by the team here."))
    with asking.own_account():
        found = _current(asking)
        actions.resolve(found, by=actions.by_contact(found.contact_id).actor)
    return EMPTY


@api.post("/conversations/toggle_typing")
@policy("visitor")
def toggle_typing() -> ResponseReturnValue:
    """He types, or has stopped: told to the agents, kept nowhere."""
    asking, status = visitor(), given.body().get("typing_status")
    with asking.own_account():
        found = _current(asking)
        name = contacts.contact(found.account_id, found.contact_id).name
    realtime.whisper(
        found.account_id,
        "typing",
        display_id=found.display_id,
        inbox_id=found.inbox_id,
        conversation_id=found.id,
        contact_id=found.contact_id,
        name=name,
        is_on=status == "on",
    )
    return EMPTY


@api.post("/conversations/update_last_seen")
@policy("visitor")
def update_last_seen() -> ResponseReturnValue:
    """Our messages are before his eyes."""
    asking = visitor()
    with asking.own_account():
        place = asking.identity()
        for conversation_id in sorted(queries.unread_by_visitor(place)) if place else ():
            actions.mark_seen_by_contact(queries.locked(asking.inbox.account_id, conversation_id))
    return EMPTY


@api.post("/conversations/transcript")
@policy("visitor")
def transcript() -> ResponseReturnValue:
    """Owe him the conversation by e-mail, to the address we have of him; three a day, so that nobody is flooded by us."""
    asking = visitor()
    with asking.own_account():
        found = _current(asking)
        contact = contacts.contact(found.account_id, found.contact_id)
    if contact.email:
        limits.spend(f"widget.transcript:{contact.email}", 86400, 3)
        limits.spend(f"widget.transcripts:{found.account_id}", 3600, 100)
        with asking.own_account():
            said = [message for message in queries.thread(found, limit=500, public_only=True) if message.content]
            with speaking(asking.account.locale, asking.account.timezone):
                subject = _("Our conversation #%(number)s", number=found.display_id)
                mail.owe_letter(found.account_id, contact.email, subject, _letter(said))
    return EMPTY


@api.post("/conversations/hand_off")
@policy("visitor")
def hand_off() -> ResponseReturnValue:
    """He wants a person instead of Captain."""
    asking = visitor()
    with asking.own_account():
        found = _current(asking)
        actions.hand_off(found, by=actions.by_contact(found.contact_id).actor, reason="customer_asked")
    return EMPTY


@api.post("/conversations/set_custom_attributes")
@policy("visitor")
def set_conversation_attributes() -> ResponseReturnValue:
    """What the site notes about the conversation."""
    asking, custom = visitor(), given.attributes(given.body(), "custom_attributes")
    spend_update(asking)
    with asking.own_account():
        found = _current(asking)
        more = with_room(found.custom_attributes, custom)
        actions.set_custom_attributes(found, more, by=actions.by_contact(found.contact_id).actor)
        return jsonify({**wire.conversation(found), "custom_attributes": found.custom_attributes})


@api.post("/conversations/destroy_custom_attributes")
@policy("visitor")
def destroy_conversation_attributes() -> ResponseReturnValue:
    """Take some of them away."""
    asking, names = visitor(), given.keys(given.body(), "custom_attribute")
    with asking.own_account():
        found = _current(asking)
        actions.forget_attributes(found, names, by=actions.by_contact(found.contact_id).actor)
        return jsonify({**wire.conversation(found), "custom_attributes": found.custom_attributes})


@api.post("/labels")
@policy("visitor")
def add_label() -> ResponseReturnValue:
    """Put a label of the account on the conversation; a word that is no label changes nothing."""
    asking, title = visitor(), checked("label", given.body().get("label"), 100).lower()
    with asking.own_account():
        found = _last(asking)
        if found is not None and any(label.title == title for label in labels(found.account_id)):
            found = queries.locked(found.account_id, found.id)
            actions.set_labels(found, [*found.labels, title], by=actions.by_contact(found.contact_id).actor)
    return NOTHING


@api.delete("/labels/<title>")
@policy("visitor")
def remove_label(title: str) -> ResponseReturnValue:
    """Take a label off it."""
    asking = visitor()
    with asking.own_account():
        found = _last(asking)
        if found is not None and title.lower() in found.labels:
            found = queries.locked(found.account_id, found.id)
            left = [label for label in found.labels if label != title.lower()]
            actions.set_labels(found, left, by=actions.by_contact(found.contact_id).actor)
    return NOTHING


def _last(asking: Visitor) -> Conversation | None:
    place = asking.identity()
    found = queries.of_contact_inbox(place.account_id, place.id, 1) if place else []
    return found[0] if found else None


def _current(asking: Visitor) -> Conversation:
    """The last conversation, ours alone until the commit. NotFound before the first."""
    found = _last(asking)
    if found is None:
        raise NotFound(_("There is no such conversation."))
    return queries.locked(found.account_id, found.id)


def _says_something(body: dict[str, Any]) -> bool:
    message = given.part(body, "message")
    return bool(message.get("content") or body.get("content") or request.files)


def _letter(said: list[Message]) -> str:
    """The messages as plain text, one paragraph each."""
    people = users({message.sender_id for message in said if message.sender_type == "user" and message.sender_id})
    lines = []
    for message in said:
        user = people.get(message.sender_id or 0) if message.sender_type == "user" else None
        is_his = message.message_type == MessageType.INCOMING
        who = _("You") if is_his else (user.available_name if user else _("Support"))
        lines.append(f"{who}, {format_time(message.created_at)}\n{message.content}")
    return "\n\n".join(lines)
