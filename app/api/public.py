"""The API of customers: whoever knows an API inbox's identifier writes to it, as the contact of a `source_id`.

A `source_id` is as good as a password. Who proves his identifier (`identifier_hash`) joins the contact of that identifier.
What comes without proof is a claim: it describes his own contact, never another's, and what another has is only noted.
"""

import time
from typing import Any
from uuid import uuid4

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app import limits, realtime
from app.accounts.models import Account, AccountStatus
from app.api.contacts import fields_of
from app.api.conversations import is_typing
from app.api.door import REMEMBERED_LIMIT, REMEMBERED_SECONDS, public
from app.api.messages import of, refuse_another, thread, writing_of
from app.api.params import Params, params, stored
from app.contacts import actions as contact_actions
from app.contacts import queries as contact_queries
from app.contacts import wire as contact_wire
from app.contacts.identity import BY, is_proven, proven_contact, tell
from app.contacts.models import Contact, ContactInbox
from app.conversations import actions, queries, wire
from app.conversations.models import Conversation, MessageType
from app.database import across_accounts, session, transaction
from app.errors import Invalid, NotFound, NotSignedIn
from app.i18n import _
from app.inboxes import queries as inbox_queries
from app.inboxes import wire as inbox_wire
from app.inboxes.models import Channel, Inbox
from app.policies import policy
from app.surveys import actions as surveys

CONTACT = "/<key>/contacts/<source_id>"
CONVERSATION = f"{CONTACT}/conversations/<int:display_id>"
MESSAGES = f"{CONVERSATION}/messages"
PER_MINUTE = 3000


@public.get("/<key>")
@policy("public")
def show_inbox(key: str) -> ResponseReturnValue:
    """The inbox."""
    inbox = _inbox(key)
    with transaction(inbox.account_id):
        return jsonify(inbox_wire.public(inbox, inbox_queries.times(inbox.account_id, [inbox])[inbox.id]))


# -- the contact


@public.post("/<key>/contacts")
@policy("public")
def create_contact(key: str) -> ResponseReturnValue:
    """Who is going to write, and the `source_id` by which he does. The same source_id again is the same contact."""
    limits.spend(f"public:{request.remote_addr}", 60, PER_MINUTE)
    sent, inbox = params(), _inbox(key)
    is_his = _is_proven(inbox, sent)
    source_id, fields = sent.text("source_id") or str(uuid4()), fields_of(sent, is_agent=False)
    with transaction(inbox.account_id):
        identity = (
            _prove(inbox, source_id, fields["identifier"])
            if is_his
            else contact_actions.identify(inbox, source_id, by=BY)
        )
        tell(identity, fields)
        return _contact(identity)


@public.get(CONTACT)
@policy("public")
def show_contact(key: str, source_id: str) -> ResponseReturnValue:
    """The contact."""
    inbox = _inbox(key)
    with transaction(inbox.account_id):
        return _contact(_identity(inbox, source_id))


@public.route(CONTACT, methods=["PUT", "PATCH"])
@policy("public")
def update_contact(key: str, source_id: str) -> ResponseReturnValue:
    """Change what is named, if the contact is really his."""
    sent, inbox = params(), _inbox(key)
    is_his, fields = _is_proven(inbox, sent), fields_of(sent, is_agent=False)
    with transaction(inbox.account_id):
        identity = _identity(inbox, source_id)
        if is_his:
            identity = _prove(inbox, identity.source_id, fields["identifier"])
        tell(identity, fields)
        return _contact(identity)


# -- his conversations


@public.get(f"{CONTACT}/conversations")
@policy("public")
def list_conversations(key: str, source_id: str) -> ResponseReturnValue:
    """His conversations, newest first: of this source_id, or all of the contact when he has proved to be him."""
    inbox = _inbox(key)
    with transaction(inbox.account_id):
        identity = _identity(inbox, source_id)
        if identity.is_verified:
            found = queries.of_contact(inbox.account_id, identity.contact_id, inbox_ids=(inbox.id,))
        else:
            found = queries.of_contact_inbox(inbox.account_id, identity.id)
        return jsonify(_conversations(found, identity))


@public.post(f"{CONTACT}/conversations")
@policy("public")
def create_conversation(key: str, source_id: str) -> ResponseReturnValue:
    """A new conversation, or the one there is where the inbox keeps to one."""
    limits.spend(f"public:{request.remote_addr}", 60, PER_MINUTE)
    sent, inbox = params(), _inbox(key)
    attributes = sent.record("custom_attributes")
    with transaction(inbox.account_id):
        identity = _identity(inbox, source_id)
        by = actions.by_contact(identity.contact_id).actor
        earlier = queries.of_contact_inbox(inbox.account_id, identity.id, limit=1)
        if inbox.lock_to_single_conversation and earlier:
            found = earlier[0]
        else:
            found = actions.start(inbox, identity, by=by, custom_attributes=attributes)
        return _conversation(found, identity)


@public.get(CONVERSATION)
@policy("public")
def show_conversation(key: str, source_id: str, display_id: int) -> ResponseReturnValue:
    """One conversation."""
    inbox = _inbox(key)
    with transaction(inbox.account_id):
        identity, found = _his(inbox, source_id, display_id)
        return _conversation(found, identity)


@public.post(f"{CONVERSATION}/toggle_status")
@policy("public")
def resolve(key: str, source_id: str, display_id: int) -> ResponseReturnValue:
    """The customer has what he needs."""
    inbox = _inbox(key)
    with transaction(inbox.account_id):
        identity, found = _his(inbox, source_id, display_id, lock=True)
        actions.resolve(found, by=actions.by_contact(identity.contact_id).actor)
        return _conversation(found, identity)


@public.post(f"{CONVERSATION}/toggle_typing")
@policy("public")
def toggle_typing(key: str, source_id: str, display_id: int) -> ResponseReturnValue:
    """He writes, or no longer; told to open screens and kept nowhere."""
    sent, inbox = params(), _inbox(key)
    with transaction(inbox.account_id):
        identity, found = _his(inbox, source_id, display_id)
        contact = contact_queries.contact(inbox.account_id, identity.contact_id)
    realtime.whisper(
        inbox.account_id,
        "typing",
        display_id=found.display_id,
        inbox_id=found.inbox_id,
        conversation_id=found.id,
        contact_id=contact.id,
        name=contact.name,
        is_on=is_typing(sent),
    )
    return ""


@public.post(f"{CONVERSATION}/update_last_seen")
@policy("public")
def update_last_seen(key: str, source_id: str, display_id: int) -> ResponseReturnValue:
    """He has read our messages."""
    inbox = _inbox(key)
    with transaction(inbox.account_id):
        _who, found = _his(inbox, source_id, display_id, lock=True)
        actions.mark_seen_by_contact(found)
    return ""


# -- messages


@public.get(MESSAGES)
@policy("public")
def list_messages(key: str, source_id: str, display_id: int) -> ResponseReturnValue:
    """What he may read, in order: the newest 20, or 20 before a message, or 100 after one."""
    sent, inbox = params(), _inbox(key)
    with transaction(inbox.account_id):
        _who, found = _his(inbox, source_id, display_id)
        messages = thread(found, sent.number("before"), sent.number("after"), public_only=True)
        known = queries.lines(messages)
    return jsonify([wire.public_message(known[m.id], found) for m in messages])


@public.post(MESSAGES)
@policy("public")
def create_message(key: str, source_id: str, display_id: int) -> ResponseReturnValue:
    """He writes. Sent twice, with the same echo_id or Idempotency-Key, it is written once."""
    sent, inbox = params(), _inbox(key)
    uploads = sent.uploads("attachments")
    if uploads:
        # nobody fills our disk without a conversation to show for it
        with transaction(inbox.account_id):
            _his(inbox, source_id, display_id)
    kept = stored(inbox.account_id, uploads)
    with transaction(inbox.account_id):
        identity, found = _his(inbox, source_id, display_id, lock=True)
        writing = writing_of(Params({n: sent[n] for n in ("content", "echo_id") if n in sent}), kept, found)
        message = actions.write_incoming(found, identity.contact_id, writing)
        refuse_another(message, actions.by_contact(identity.contact_id), writing)
        line = queries.line(message)
        return jsonify(wire.public_message(line, found))


@public.route(f"{MESSAGES}/<int:message_id>", methods=["PUT", "PATCH"])
@policy("public")
def answer_message(key: str, source_id: str, display_id: int, message_id: int) -> ResponseReturnValue:
    """What he chose or filled in where we asked: `submitted_values`, of the survey `csat_survey_response`."""
    sent, inbox = params(), _inbox(key)
    values = sent.record("submitted_values")
    with transaction(inbox.account_id):
        identity, found = _his(inbox, source_id, display_id)
        message = of(found, message_id)
        if message.is_private or message.message_type == MessageType.INCOMING:
            raise NotFound
        if message.content_type == "text" or not values:
            raise Invalid("submitted_values", _("There is nothing to fill in here."))
        if message.content_type == "input_csat":
            answer = Params(values).inner("csat_survey_response")
            survey = surveys.of_message(inbox.account_id, message.id)
            surveys.answer(survey, answer.number("rating"), answer.get("feedback_message"))
        else:
            by = actions.by_contact(identity.contact_id).actor
            actions.change_content_attributes(message, {"submitted_values": values}, by=by)
        return jsonify(wire.public_message(queries.line(message), found))


# -- below


def _inbox(key: str) -> Inbox:
    """The API inbox of that identifier, in whatever account; known for some seconds, as tokens are."""
    until, found = _known.get(key, (0.0, None))
    if found is not None and time.monotonic() < until:
        return found
    found = _look_up(key)
    if len(_known) >= REMEMBERED_LIMIT:
        _known.clear()
    _known[key] = (time.monotonic() + REMEMBERED_SECONDS, found)
    return found


_known: dict[str, tuple[float, Inbox]] = {}


def _look_up(key: str) -> Inbox:
    with across_accounts() as current:
        found = inbox_queries.by_key(key, Channel.API)
        account = current.get(Account, found.account_id) if found else None
    if found is None or account is None:
        raise NotFound
    if account.status != AccountStatus.ACTIVE:
        raise NotSignedIn("Account is suspended")
    return found


def _identity(inbox: Inbox, source_id: str) -> ContactInbox:
    found = contact_queries.contact_inbox(inbox.account_id, inbox.id, source_id)
    if found is None:
        raise NotFound
    return found


def _his(inbox: Inbox, source_id: str, display_id: int, *, lock: bool = False) -> tuple[ContactInbox, Conversation]:
    """Who he is, and a conversation of his; NotFound for anybody else's."""
    identity = _identity(inbox, source_id)
    found = queries.by_number(inbox.account_id, display_id, lock=lock)
    is_contacts = identity.is_verified and found.contact_id == identity.contact_id and found.inbox_id == inbox.id
    if found.contact_inbox_id != identity.id and not is_contacts:
        raise NotFound
    return identity, found


def _is_proven(inbox: Inbox, sent: Params) -> bool:
    """Whether the site vouches for the identifier. NotSignedIn, in Chatwoot's words, when it does not and should."""
    try:
        return is_proven(inbox, sent.text("identifier"), sent.text("identifier_hash"))
    except NotSignedIn as problem:
        raise NotSignedIn("HMAC failed: Invalid Identifier Hash Provided") from problem


def _prove(inbox: Inbox, source_id: str, identifier: str) -> ContactInbox:
    """The contact of that identifier, as the inbox knows him by `source_id`, or by a new one where that was another's."""
    contact_actions.alone_with(inbox.account_id, "identifier", identifier)
    known = contact_queries.contact_inbox(inbox.account_id, inbox.id, source_id)
    own = contact_queries.contact(inbox.account_id, known.contact_id) if known else None
    contact = proven_contact(inbox.account_id, identifier, own)
    if contact is None and own is not None and own.identifier is None:
        contact = own
    if contact is None:
        contact = contact_actions.create_contact(inbox.account_id, by=BY, identifier=identifier)
    is_free = known is None or known.contact_id == contact.id
    identity = contact_actions.attach(contact, inbox, source_id if is_free else str(uuid4()))
    if not identity.is_verified:
        contact_actions.verify(identity, contact, by=BY, is_renamed=False)
    return identity


def _contact(identity: ContactInbox) -> ResponseReturnValue:
    contact = session().get_one(Contact, (identity.account_id, identity.contact_id))
    return jsonify(contact_wire.public(contact, identity))


def _conversation(found: Conversation, identity: ContactInbox) -> ResponseReturnValue:
    return jsonify(_conversations([found], identity)[0])


def _conversations(found: list[Conversation], identity: ContactInbox) -> list[dict[str, Any]]:
    contact = session().get_one(Contact, (identity.account_id, identity.contact_id))
    threads = queries.public_threads(found)
    known = queries.lines([m for messages in threads.values() for m in messages], {contact.id: contact})
    return [wire.public_conversation(c, [known[m.id] for m in threads.get(c.id, [])], contact) for c in found]
