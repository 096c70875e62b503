"""Questions about contacts."""

from sqlalchemy import func
from sqlmodel import col, select

from app.contacts.models import Contact, ContactInbox
from app.database import session
from app.errors import NotFound
from app.i18n import _
from app.text import folded


def contact(account_id: int, contact_id: int) -> Contact:
    """A contact of the account. NotFound for any other."""
    found = session().get(Contact, (account_id, contact_id))
    if found is None:
        raise NotFound(_("There is no such contact."))
    return found


def contacts(ids: set[int], account_id: int) -> dict[int, Contact]:
    """Those contacts, in one query."""
    if not ids:
        return {}
    query = select(Contact).where(col(Contact.account_id) == account_id, col(Contact.id).in_(ids))
    return {contact.id: contact for contact in session().exec(query)}


def contact_inbox(account_id: int, inbox_id: int, source_id: str) -> ContactInbox | None:
    """Who `source_id` is in the inbox."""
    query = select(ContactInbox).where(
        col(ContactInbox.account_id) == account_id,
        col(ContactInbox.inbox_id) == inbox_id,
        col(ContactInbox.source_id) == source_id,
    )
    return session().exec(query).first()


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
    """Contacts, most recently active first unless sorted by name or creation; with `words` in name, e-mail or phone."""
    query = select(Contact).where(col(Contact.account_id) == account_id)
    if words:
        haystack = func.lower(
            Contact.name + " " + func.coalesce(Contact.email, "") + " " + func.coalesce(Contact.phone_number, "")
        )
        needle = "%" + _escaped(words.lower()) + "%"
        query = query.where(
            haystack.like(needle) | func.translate(haystack, "ё", "е").like("%" + _escaped(folded(words)) + "%")
        )
    orders = {
        "last_activity_at": (col(Contact.last_activity_at).desc().nulls_last(), col(Contact.id).desc()),
        "name": (func.translate(func.lower(Contact.name), "ё", "е"), col(Contact.id)),
        "created_at": (col(Contact.created_at).desc(), col(Contact.id).desc()),
    }
    return list(
        session().exec(query.order_by(*orders.get(sort, orders["last_activity_at"])).limit(limit).offset(offset))
    )


def by_identity(
    account_id: int, *, identifier: str | None = None, email: str | None = None, phone_number: str | None = None
) -> Contact | None:
    """The contact of that identifier, else of that e-mail, else of that phone."""
    for column, value in (
        (col(Contact.identifier), identifier),
        (func.lower(Contact.email), email.lower() if email else None),
        (col(Contact.phone_number), phone_number),
    ):
        if value:
            found = (
                session().exec(select(Contact).where(col(Contact.account_id) == account_id, column == value)).first()
            )
            if found is not None:
                return found
    return None


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
