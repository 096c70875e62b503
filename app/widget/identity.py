"""How a visitor becomes the contact his site has proven him to be, and how he takes along what he wrote before.

What a proof is, and what a claim may do: app/contacts/identity.py.
"""

from typing import Any

from app.contacts import queries
from app.contacts.actions import alone_with, attach, create_contact, hand_over, identify, update_contact, verify
from app.contacts.identity import BY, CLAIMED, IS_CLAIM, proven_contact, tell
from app.contacts.models import Contact, ContactInbox
from app.conversations.actions import move_to_contact
from app.conversations.queries import locked, of_contact_inbox
from app.inboxes.models import Inbox
from app.widget.visitor import Visitor, new_source

MOVED_LIMIT = 1000


def prove(asking: Visitor, identifier: str, details: dict[str, Any]) -> ContactInbox:
    """Let the visitor go on as the contact of `identifier`. He may be handed another `source_id`, so another token."""
    alone_with(asking.inbox.account_id, "identifier", identifier)
    mine = asking.identity()
    own = _contact(mine)
    if mine is not None and mine.is_verified and own is not None and own.identifier == identifier:
        tell(mine, details)
        return mine
    # a browser that somebody else signed in with, or claimed to be, keeps its conversations
    is_free = mine is not None and not mine.is_verified and _said(own) in {None, identifier}
    contact = _proven_contact(asking.inbox, identifier, own if is_free else None)
    identity = _place(asking.inbox, contact, mine if is_free else None)
    if is_free and mine is not None:
        _take_along(mine, identity)
    tell(identity, details)
    return identity


def claim(asking: Visitor, identifier: str, details: dict[str, Any]) -> ContactInbox:
    """Note who the visitor says he is, if it is not somebody else than before: then he begins anew, with another token."""
    mine = asking.identity()
    own = _contact(mine)
    is_another = own is not None and identifier and _said(own) not in {None, identifier}
    identity = identify(asking.inbox, new_source() if is_another else asking.source_id, by=BY)
    tell(identity, {**details, **({"identifier": identifier} if identifier else {})})
    return identity


def _proven_contact(inbox: Inbox, identifier: str, own: Contact | None) -> Contact:
    """The contact of that identifier: the one we know, else the visitor's own, else a new one. A claim yields to a proof."""
    contact = proven_contact(inbox.account_id, identifier, own) or own
    if contact is None:
        return create_contact(inbox.account_id, by=BY, identifier=identifier)
    if contact.identifier != identifier or contact.additional_attributes.get(IS_CLAIM):
        update_contact(contact, by=BY, identifier=identifier, additional_attributes={IS_CLAIM: False})
    return contact


def _place(inbox: Inbox, contact: Contact, mine: ContactInbox | None) -> ContactInbox:
    """The one place in the inbox where the contact is proven; all his devices share it."""
    known = queries.verified_identity(inbox.account_id, inbox.id, contact.id)
    if known is not None:
        return known
    place = mine if mine is not None and mine.contact_id == contact.id else attach(contact, inbox, new_source())
    verify(place, contact, by=BY)
    return place


def _take_along(mine: ContactInbox, identity: ContactInbox) -> None:
    """What he wrote before he was known goes with him; the empty contact remembers where to."""
    if mine.id == identity.id:
        return
    for conversation in of_contact_inbox(mine.account_id, mine.id, MOVED_LIMIT):
        move_to_contact(locked(conversation.account_id, conversation.id), identity, by=BY)
    if mine.contact_id != identity.contact_id:
        left = queries.contact(mine.account_id, mine.contact_id)
        update_contact(left, by=BY, additional_attributes={"became_contact_id": identity.contact_id})
        hand_over(left, queries.contact(mine.account_id, identity.contact_id), by=BY)


def _contact(identity: ContactInbox | None) -> Contact | None:
    return queries.contact(identity.account_id, identity.contact_id) if identity else None


def _said(contact: Contact | None) -> str | None:
    """Whom the contact is, or was said to be."""
    if contact is None:
        return None
    return contact.identifier or contact.additional_attributes.get(CLAIMED + "identifier")
