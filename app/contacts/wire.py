"""Contacts, and how inboxes know them, in Chatwoot's JSON."""

from collections.abc import Sequence
from typing import Any

from app.contacts.models import Contact, ContactInbox, Note
from app.inboxes import wire as inbox_wire
from app.inboxes.models import Inbox
from app.wire import NO_PICTURE, epoch, iso

Identity = tuple[ContactInbox, Inbox]


def contact(found: Contact, identities: Sequence[Identity] | None = None) -> dict[str, Any]:
    """The contact, and with `identities` the inboxes that know him."""
    answer: dict[str, Any] = {
        "additional_attributes": found.additional_attributes,
        "availability_status": "offline",
        "email": found.email,
        "id": found.id,
        "name": found.name,
        "phone_number": found.phone_number,
        "blocked": found.is_blocked,
        "identifier": found.identifier,
        "thumbnail": NO_PICTURE,
        "custom_attributes": found.custom_attributes,
        "created_at": epoch(found.created_at),
    }
    if found.last_activity_at is not None:
        answer["last_activity_at"] = epoch(found.last_activity_at)
    if identities is not None:
        answer["contact_inboxes"] = [contact_inbox(identity, inbox) for identity, inbox in identities]
    return answer


def contact_inbox(identity: ContactInbox, inbox: Inbox) -> dict[str, Any]:
    """One inbox that knows the contact, and by what."""
    return {"source_id": identity.source_id, "inbox": inbox_wire.slim(inbox)}


def note(found: Note, author: dict[str, Any] | None) -> dict[str, Any]:
    """What an agent wrote down about a contact; `author` is that agent, None if he has left."""
    return {
        "id": found.id,
        "content": found.content,
        "account_id": found.account_id,
        "contact_id": found.contact_id,
        "user": author,
        "created_at": epoch(found.created_at),
        "updated_at": epoch(found.updated_at),
    }


def pushed(found: Contact) -> dict[str, Any]:
    """The contact as the sender of a message, or in a pushed conversation."""
    return {
        "additional_attributes": found.additional_attributes,
        "custom_attributes": found.custom_attributes,
        "email": found.email,
        "id": found.id,
        "identifier": found.identifier,
        "name": found.name,
        "phone_number": found.phone_number,
        "thumbnail": NO_PICTURE,
        "blocked": found.is_blocked,
        "type": "contact",
    }


def pushed_contact_inbox(identity: ContactInbox) -> dict[str, Any]:
    """How the inbox knows the contact, in a pushed conversation."""
    return {
        "id": identity.id,
        "contact_id": identity.contact_id,
        "inbox_id": identity.inbox_id,
        "source_id": identity.source_id,
        "created_at": iso(identity.created_at),
        "updated_at": iso(identity.created_at),
        "hmac_verified": identity.is_verified,
        "pubsub_token": identity.pubsub_token,
    }


def public(found: Contact, identity: ContactInbox) -> dict[str, Any]:
    """The contact for whoever holds his `source_id`."""
    return {
        "source_id": identity.source_id,
        "pubsub_token": identity.pubsub_token,
        "id": found.id,
        "name": found.name,
        "email": found.email,
        "phone_number": found.phone_number,
    }


def raw(found: Contact) -> dict[str, Any]:
    """The contact's row, as the public API puts it into a conversation; what agents are told of him is not for him."""
    return {
        "id": found.id,
        "account_id": found.account_id,
        "name": found.name,
        "email": found.email,
        "phone_number": found.phone_number,
        "identifier": found.identifier,
        "blocked": found.is_blocked,
        "additional_attributes": {},
        "custom_attributes": found.custom_attributes,
        "last_activity_at": iso(found.last_activity_at),
        "created_at": iso(found.created_at),
        "updated_at": iso(found.last_activity_at or found.created_at),
    }
