"""Who the visitor says he is, and who the site has proven him to be.

A proof is the site's HMAC over the identifier. What comes with a proof may join the contact of that identifier. What
comes without is a claim: it fills in what is empty in the visitor's own contact, and never reaches anybody else's: not by
identifier, not by e-mail, not by phone. Claims that somebody else's contact already holds are noted, for agents to judge.
"""

from typing import Any

from app.contacts import queries
from app.contacts.actions import alone_with, attach, create_contact, identify, update_contact, verify
from app.contacts.models import Contact, ContactInbox
from app.conversations.actions import move_to_contact
from app.conversations.queries import locked, of_contact_inbox
from app.database import session
from app.errors import NotSignedIn
from app.i18n import _
from app.inboxes.actions import channel_secrets
from app.inboxes.models import Inbox
from app.security import hmac_sha256, is_equal
from app.widget import given
from app.widget.visitor import Visitor, new_source

BY = "system"
# Beside the contact's own fields: what visitors said of themselves without proof
CLAIMED = "claimed_"
IS_CLAIM = "identifier_is_claimed"
MOVED_LIMIT = 1000


def is_proven(inbox: Inbox, identifier: str, identifier_hash: str) -> bool:
    """Whether the site vouches for the identifier. NotSignedIn when the hash is wrong, or missing where it must be."""
    if not identifier_hash and not inbox.settings.get("hmac_mandatory"):
        return False
    key = channel_secrets(inbox).get("hmac_token", "")
    if not key or not identifier or not is_equal(hmac_sha256(key, identifier), identifier_hash):
        raise NotSignedIn(_("The identifier hash is wrong."))
    return True


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


def tell(identity: ContactInbox, details: dict[str, Any]) -> None:
    """Write the details into the visitor's contact: name, email, phone_number, identifier, custom_attributes.

    Somebody who is not proven changes nothing of a contact that is.
    """
    if not identity.is_verified and queries.is_verified(identity.account_id, identity.contact_id):
        return
    contact = queries.contact(identity.account_id, identity.contact_id)
    changes = {name: value for name, value in details.items() if value}
    if "custom_attributes" in changes:
        given.merged(contact.custom_attributes, changes["custom_attributes"])
    noted: dict[str, Any] = {}
    for name in ("identifier", "email", "phone_number"):
        if name not in changes:
            continue
        alone_with(contact.account_id, name, changes[name])
        if _is_anothers(contact, name, changes[name]):
            noted[CLAIMED + name] = changes.pop(name)
    if not identity.is_verified and "identifier" in changes and not contact.identifier:
        noted[IS_CLAIM] = True
    if noted:
        changes["additional_attributes"] = noted
    if changes:
        update_contact(contact, by=contact.actor, **changes)


def _proven_contact(inbox: Inbox, identifier: str, own: Contact | None) -> Contact:
    """The contact of that identifier: the one we know, else the visitor's own, else a new one. A claim yields to a proof."""
    known = queries.by_identity(inbox.account_id, identifier=identifier)
    if known is not None and known is not own and known.additional_attributes.get(IS_CLAIM):
        gone = {IS_CLAIM: False, CLAIMED + "identifier": identifier}
        update_contact(known, by=BY, identifier="", additional_attributes=gone)
        session().flush()
        known = None
    contact = known or own
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


def _contact(identity: ContactInbox | None) -> Contact | None:
    return queries.contact(identity.account_id, identity.contact_id) if identity else None


def _said(contact: Contact | None) -> str | None:
    """Whom the contact is, or was said to be."""
    if contact is None:
        return None
    return contact.identifier or contact.additional_attributes.get(CLAIMED + "identifier")


def _is_anothers(contact: Contact, name: str, value: str) -> bool:
    other = queries.by_identity(contact.account_id, **{name: value})
    return other is not None and other.id != contact.id
