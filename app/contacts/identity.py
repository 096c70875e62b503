"""Who a customer says he is, and who his site has proven him to be.

A proof is the site's HMAC over the identifier. What comes with a proof may join the contact of that identifier. What
comes without is a claim: it fills in what is empty in the customer's own contact, and never reaches anybody else's: not
by identifier, not by e-mail, not by phone. Claims that another contact already holds are noted, for agents to judge.
"""

from typing import Any

from app.contacts import queries
from app.contacts.actions import alone_with, update_contact
from app.contacts.models import Contact, ContactInbox
from app.database import session
from app.errors import NotSignedIn
from app.i18n import _
from app.inboxes.actions import channel_secrets
from app.inboxes.models import Inbox
from app.security import hmac_sha256, is_equal
from app.text import with_room

BY = "system"
# In the contact's additional attributes, beside his own fields: what he said of himself without proof
CLAIMED = "claimed_"
IS_CLAIM = "identifier_is_claimed"


def is_proven(inbox: Inbox, identifier: str, identifier_hash: str) -> bool:
    """Whether the site vouches for the identifier. NotSignedIn when the hash is wrong, or missing where it must be."""
    if not identifier_hash and not inbox.settings.get("hmac_mandatory"):
        return False
    key = channel_secrets(inbox).get("hmac_token", "")
    if not key or not identifier or not is_equal(hmac_sha256(key, identifier), identifier_hash):
        raise NotSignedIn(_("The identifier hash is wrong."))
    return True


def proven_contact(account_id: int, identifier: str, own: Contact | None) -> Contact | None:
    """The contact of that identifier, now proven. Another who only claimed it loses it; None if nobody has it then."""
    known = queries.by_identity(account_id, identifier=identifier)
    if known is None or known is own or not known.additional_attributes.get(IS_CLAIM):
        return known
    gone = {IS_CLAIM: False, f"{CLAIMED}identifier": identifier}
    update_contact(known, by=BY, identifier="", additional_attributes=gone)
    session().flush()
    return None


def tell(identity: ContactInbox, details: dict[str, Any]) -> None:
    """Write the details into his contact: name, email, phone_number, identifier, custom_attributes, ….

    Somebody who is not proven changes nothing of a contact that is. Invalid when it has too many attributes.
    """
    if not identity.is_verified and queries.is_verified(identity.account_id, identity.contact_id):
        return
    contact = queries.contact(identity.account_id, identity.contact_id)
    with_room(contact.custom_attributes, details.get("custom_attributes", {}))
    noted = _taken(contact, details)
    changes = {name: value for name, value in details.items() if f"{CLAIMED}{name}" not in noted}
    if identity.is_verified and contact.additional_attributes.get(IS_CLAIM):
        noted[IS_CLAIM] = False
    elif not identity.is_verified and changes.get("identifier") and not contact.identifier:
        noted[IS_CLAIM] = True
    if noted:
        changes["additional_attributes"] = {**changes.get("additional_attributes", {}), **noted}
    if changes:
        update_contact(contact, by=contact.actor, **changes)


def _taken(contact: Contact, details: dict[str, Any]) -> dict[str, Any]:
    """What another contact has already, as claims."""
    noted: dict[str, Any] = {}
    for name in ("identifier", "email", "phone_number"):
        if details.get(name):
            alone_with(contact.account_id, name, details[name].lower())
            other = queries.by_identity(contact.account_id, **{name: details[name]})
            if other is not None and other.id != contact.id:
                noted[f"{CLAIMED}{name}"] = details[name]
    return noted
