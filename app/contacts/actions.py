"""What can be done to a contact."""

import re
from collections.abc import Iterable
from math import inf, isfinite
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from app import security
from app.clock import now
from app.config import settings
from app.contacts import queries
from app.contacts.models import Contact, ContactInbox, Note
from app.database import session
from app.errors import Invalid, NotFound
from app.events.record import record
from app.i18n import _
from app.inboxes.models import Inbox
from app.text import NAME_LIMIT, checked, with_room

ATTRIBUTE_LIMIT = 5000
NOTE_LIMIT = 10_000
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(r"\+[1-9]\d{5,14}")


def create_contact(account_id: int, *, by: str, **fields: Any) -> Contact:
    """A new contact. Invalid if its e-mail, phone or identifier is another's."""
    contact = Contact(account_id=account_id, created_at=now())
    _apply(contact, fields)
    session().add(contact)
    record("contact.created", contact, by=by)
    return contact


def update_contact(contact: Contact, *, by: str, **fields: Any) -> None:
    """Change what is named; custom and additional attributes are merged key by key."""
    changed = _apply(contact, fields)
    if changed:
        record("contact.updated", contact, by=by, changed=changed)


def identify(inbox: Inbox, source_id: str, *, by: str = "", **fields: Any) -> ContactInbox:
    """Who writes as `source_id` in the inbox, made if new, and ours alone until the commit: his messages come one by one."""
    session().connection().execute(_ALONE, {"key": f"contact_inbox/{inbox.id}/{source_id}"})
    known = queries.contact_inbox(inbox.account_id, inbox.id, source_id)
    if known is not None:
        return known
    contact = create_contact(
        inbox.account_id, by=by or "system", **{name: value for name, value in fields.items() if value}
    )
    return attach(contact, inbox, source_id)


def attach(contact: Contact, inbox: Inbox, source_id: str) -> ContactInbox:
    """Let the inbox know the contact as `source_id`."""
    known = queries.contact_inbox(inbox.account_id, inbox.id, source_id)
    if known is not None:
        if known.contact_id != contact.id:
            raise Invalid("source_id", _("Another contact is known by this id."))
        return known
    made = ContactInbox(
        account_id=contact.account_id,
        contact_id=contact.id,
        inbox_id=inbox.id,
        source_id=source_id,
        pubsub_token=security.new_token(),
        created_at=now(),
    )
    session().add(made)
    session().flush()
    return made


def alone_with(account_id: int, field: str, value: str) -> None:
    """Let nobody else be identified by that e-mail, phone or identifier until the commit: two devices must not become
    two contacts."""
    session().connection().execute(_ALONE, {"key": f"contact/{account_id}/{field}/{value}"})


def verify(identity: ContactInbox, contact: Contact, *, by: str, is_renamed: bool = True) -> None:
    """The site has proven that `contact` writes here. He goes on under another `source_id`: a token that somebody may
    have copied before he signed in must not read what he writes from now on. Not `is_renamed`: his program chose it."""
    identity.is_verified = True
    if is_renamed:
        identity.source_id, identity.pubsub_token = str(uuid4()), security.new_token()
    record("contact.identified", contact, by=by, inbox_id=identity.inbox_id)


def forget_attributes(contact: Contact, keys: Iterable[str], *, by: str) -> None:
    """Take these custom attributes away."""
    left = {key: value for key, value in contact.custom_attributes.items() if key not in set(keys)}
    if left != contact.custom_attributes:
        contact.custom_attributes = left
        record("contact.updated", contact, by=by, changed=["custom_attributes"])


def set_attribute(contact: Contact, key: str, value: str, *, by: str) -> None:
    """Write one custom attribute as a person typed it. A number stays a number, a yes or no stays one; Invalid otherwise."""
    key = checked("key", key, NAME_LIMIT, required=True)
    typed = _typed(checked("value", value, ATTRIBUTE_LIMIT, required=True), contact.custom_attributes.get(key))
    update_contact(contact, by=by, custom_attributes=with_room(contact.custom_attributes, {key: typed}))


def set_labels(contact: Contact, labels: list[str], *, by: str) -> None:
    """Let the contact carry exactly these labels."""
    wanted = sorted({checked("labels", label, 100, required=True).lower() for label in labels})
    if wanted != contact.labels:
        contact.labels = wanted
        record("contact.updated", contact, by=by, changed=["labels"])


def write_note(contact: Contact, content: str, user_id: int, *, by: str) -> Note:
    """What an agent wants remembered about the contact, for all his conversations. The contact is locked by the caller."""
    note = Note(
        account_id=contact.account_id,
        contact_id=contact.id,
        user_id=user_id,
        content=checked("content", content, NOTE_LIMIT, required=True),
        created_at=now(),
        updated_at=now(),
    )
    if len(queries.notes(contact.account_id, contact.id)) >= queries.NOTES_LIMIT:
        raise Invalid("content", _("There are too many notes on this contact: delete some first."))
    session().add(note)
    record("contact.updated", contact, by=by, changed=["notes"])
    return note


def rewrite_note(contact: Contact, note: Note, content: str, *, by: str) -> None:
    """Other words in place of these."""
    note.content = checked("content", content, NOTE_LIMIT, required=True)
    note.updated_at = now()
    record("contact.updated", contact, by=by, changed=["notes"])


def delete_note(contact: Contact, note: Note, *, by: str) -> None:
    """Forget it."""
    session().delete(note)
    record("contact.updated", contact, by=by, changed=["notes"])


def hand_over(visitor: Contact, contact: Contact, *, by: str) -> None:
    """The visitor turned out to be `contact`: what agents said of him, labels and notes, is said of that contact now."""
    found = queries.notes(visitor.account_id, visitor.id)
    for note in found:
        note.contact_id = contact.id
    if found:
        record("contact.updated", contact, by=by, changed=["notes"])
    set_labels(contact, [*contact.labels, *visitor.labels], by=by)


def block(contact: Contact, is_blocked: bool, *, by: str) -> None:
    """Let his messages come in without anybody being told, or end that."""
    if contact.is_blocked != is_blocked:
        contact.is_blocked = is_blocked
        record("contact.updated", contact, by=by, changed=["is_blocked"])


def remembered_as(account_id: int, external_id: str) -> str:
    """What stands for the id that a deleted contact had elsewhere: it tells him again, and tells nobody who he was."""
    return f"erased:{security.hmac_sha256(settings().signing_key, f'contact/{account_id}/{external_id}')}"


def touch(account_id: int, contact_id: int) -> None:
    """He wrote just now. NotFound when he was deleted meanwhile: then nothing of him may be written any more."""
    values = {"account_id": account_id, "contact_id": contact_id, "moment": now()}
    if not session().connection().execute(_TOUCH, values).rowcount:
        raise NotFound(_("There is no such contact."))


def _apply(contact: Contact, fields: dict[str, Any]) -> list[str]:
    wanted: dict[str, Any] = {}
    if "name" in fields:
        wanted["name"] = checked("name", fields["name"], NAME_LIMIT)
    if "email" in fields:
        wanted["email"] = checked_email(fields["email"])
    if "phone_number" in fields:
        wanted["phone_number"] = checked_phone(fields["phone_number"])
    if "identifier" in fields:
        wanted["identifier"] = checked("identifier", fields["identifier"], NAME_LIMIT) or None
    for field in ("additional_attributes", "custom_attributes"):
        if field in fields:
            if not isinstance(fields[field], dict):
                raise Invalid(field, _("Attributes are a JSON object."))
            wanted[field] = {**getattr(contact, field), **fields[field]}
    if "is_blocked" in fields:
        wanted["is_blocked"] = bool(fields["is_blocked"])
    changed = [field for field, value in wanted.items() if getattr(contact, field) != value]
    for field in changed:
        if field in {"email", "phone_number", "identifier"} and wanted[field]:
            _refuse_another(contact, field, wanted[field])
        setattr(contact, field, wanted[field])
    return changed


def _refuse_another(contact: Contact, field: str, value: str) -> None:
    with session().no_autoflush:
        other = queries.by_identity(contact.account_id, **{field: value})
    if other is not None and other.id != contact.id:
        raise Invalid(field, _("Another contact has this already."))


def checked_email(value: Any) -> str | None:
    email = checked("email", value, NAME_LIMIT).lower()
    if email and not _EMAIL.fullmatch(email):
        raise Invalid("email", _("This is not an e-mail address."))
    return email or None


def checked_phone(value: Any) -> str | None:
    phone = re.sub(r"[\s()\-]", "", checked("phone_number", value, 40))
    if phone and not _PHONE.fullmatch(phone):
        raise Invalid("phone_number", _("Write the phone with country code, such as +996555000111."))
    return phone or None


def _typed(value: str, before: Any) -> Any:
    if isinstance(before, bool):
        if value not in {"true", "false"}:
            raise Invalid("value", _("This must be true or false."))
        return value == "true"
    if not isinstance(before, int | float):
        return value
    try:
        number = float(value.replace(",", ".").replace("\u00a0", ""))
    except ValueError:
        number = inf
    if not isfinite(number):
        raise Invalid("value", _("This attribute is a number."))
    return int(number) if number.is_integer() else number


_TOUCH = text(
    "update contact set last_activity_at = :moment where account_id = :account_id and id = :contact_id"
    " and erased_at is null"
)
_ALONE = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
