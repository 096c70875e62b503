"""Questions about contacts."""

from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func
from sqlalchemy.sql.expression import SQLColumnExpression
from sqlmodel import col, select

from app.contacts.models import Contact, ContactInbox, Note
from app.database import session
from app.errors import NotAllowed, NotFound
from app.i18n import _
from app.text import folded

# As many as one contact may have
NOTES_LIMIT = 200
ORDERS: dict[str, SQLColumnExpression[Any]] = {
    "last_activity_at": col(Contact.last_activity_at),
    "created_at": col(Contact.created_at),
    "name": func.translate(func.lower(Contact.name), "ё", "е"),
    "email": func.lower(Contact.email),
    "phone_number": col(Contact.phone_number),
}


def contact(account_id: int, contact_id: int, *, lock: bool = False) -> Contact:
    """A contact of the account. NotFound for any other, and for one that was deleted. `lock`: ours alone until the commit."""
    found = session().get(Contact, (account_id, contact_id), with_for_update=lock or None, populate_existing=lock)
    if found is None or found.erased_at is not None:
        raise NotFound(_("There is no such contact."))
    return found


def contacts(ids: set[int], account_id: int) -> dict[int, Contact]:
    """Those contacts, in one query."""
    if not ids:
        return {}
    query = select(Contact).where(col(Contact.account_id) == account_id, col(Contact.id).in_(ids))
    return {contact.id: contact for contact in session().exec(query)}


def notes(account_id: int, contact_id: int) -> list[Note]:
    """What agents wrote down about the contact, newest first."""
    query = select(Note).where(col(Note.account_id) == account_id, col(Note.contact_id) == contact_id)
    return list(session().exec(query.order_by(col(Note.id).desc()).limit(NOTES_LIMIT)))


def note(account_id: int, contact_id: int, note_id: int) -> Note:
    """A note on that contact. NotFound for any other."""
    found = session().get(Note, (account_id, note_id))
    if found is None or found.contact_id != contact_id:
        raise NotFound(_("There is no such note."))
    return found


def note_to_change(account_id: int, contact_id: int, note_id: int, *, user_id: int, is_administrator: bool) -> Note:
    """One's own note; for an administrator any. NotAllowed for another's."""
    found = note(account_id, contact_id, note_id)
    if found.user_id != user_id and not is_administrator:
        raise NotAllowed(_("Only its author or an administrator may do this."))
    return found


def contact_inbox(account_id: int, inbox_id: int, source_id: str) -> ContactInbox | None:
    """Who `source_id` is in the inbox."""
    key = {"account_id": account_id, "inbox_id": inbox_id, "source_id": source_id}
    return session().exec(_CONTACT_INBOX, params=key).first()


_CONTACT_INBOX = select(ContactInbox).where(
    col(ContactInbox.account_id) == bindparam("account_id"),
    col(ContactInbox.inbox_id) == bindparam("inbox_id"),
    col(ContactInbox.source_id) == bindparam("source_id"),
)


def verified_identity(account_id: int, inbox_id: int, contact_id: int) -> ContactInbox | None:
    """How the inbox knows the contact since the site has proven who he is; None if it never has."""
    query = select(ContactInbox).where(
        col(ContactInbox.account_id) == account_id,
        col(ContactInbox.inbox_id) == inbox_id,
        col(ContactInbox.contact_id) == contact_id,
        col(ContactInbox.is_verified),
    )
    return session().exec(query.order_by(col(ContactInbox.id)).limit(1)).first()


def is_verified(account_id: int, contact_id: int) -> bool:
    """Whether some site has proven who the contact is."""
    query = select(ContactInbox.id).where(
        col(ContactInbox.account_id) == account_id,
        col(ContactInbox.contact_id) == contact_id,
        col(ContactInbox.is_verified),
    )
    return session().exec(query.limit(1)).first() is not None


def by_source(account_id: int, source_id: str) -> list[ContactInbox]:
    """Who `source_id` is, in whatever inboxes, the newest first."""
    query = select(ContactInbox).where(
        col(ContactInbox.account_id) == account_id, col(ContactInbox.source_id) == source_id
    )
    return list(session().exec(query.order_by(col(ContactInbox.id).desc()).limit(100)))


def identities(account_id: int, contact_ids: set[int]) -> dict[int, list[ContactInbox]]:
    """How each contact is known in the inboxes, in one query."""
    query = select(ContactInbox).where(
        col(ContactInbox.account_id) == account_id, col(ContactInbox.contact_id).in_(contact_ids)
    )
    known: dict[int, list[ContactInbox]] = {}
    for row in session().exec(query.order_by(col(ContactInbox.id))):
        known.setdefault(row.contact_id, []).append(row)
    return known


def page(
    account_id: int, *, limit: int, offset: int = 0, words: str = "", sort: str = "last_activity_at"
) -> list[Contact]:
    """Contacts, most recently active first unless sorted otherwise (`ORDERS`); with `words` in name, e-mail or phone."""
    query = select(Contact).where(*_conditions(account_id, words))
    return list(session().exec(query.order_by(*_order(sort)).limit(limit).offset(offset)))


def count(account_id: int, words: str = "") -> int:
    """How many contacts there are, or with `words` how many of them."""
    return session().exec(select(func.count()).select_from(Contact).where(*_conditions(account_id, words))).one()


def by_identity(
    account_id: int, *, identifier: str | None = None, email: str | None = None, phone_number: str | None = None
) -> Contact | None:
    """The contact of that identifier, else of that e-mail, else of that phone."""
    for column, value in (
        (col(Contact.identifier), identifier),
        # as it is kept, in lower case: under row-level security no index answers lower(email)
        (col(Contact.email), email.lower() if email else None),
        (col(Contact.phone_number), phone_number),
    ):
        if value:
            found = (
                session().exec(select(Contact).where(col(Contact.account_id) == account_id, column == value)).first()
            )
            if found is not None:
                return found
    return None


def _conditions(account_id: int, words: str) -> list[ColumnElement[bool]]:
    mine = [col(Contact.account_id) == account_id, col(Contact.erased_at).is_(None)]
    if not words:
        return mine
    return [*mine, col(Contact.id).in_(named(words))]


def named(words: str, most: int | None = None) -> Select[Any]:
    """For `in_`: ids of contacts of the account that have the words in name, e-mail or phone; no more than `most`."""
    return select(func.contacts_named("%" + _escaped(folded(words)) + "%", most))


def _order(sort: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    key, number = ORDERS.get(sort.removeprefix("-"), ORDERS["last_activity_at"]), col(Contact.id)
    # times are read newest first unless turned round, words from A
    is_down = sort.startswith("-") != (sort.removeprefix("-") in {"created_at", "last_activity_at"})
    return key.desc().nulls_last() if is_down else key.asc().nulls_last(), number.desc() if is_down else number.asc()


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
