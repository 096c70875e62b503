"""Contacts and their identities in inboxes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text

from app.columns import Row, belongs_to, flag, list_of_words, moment, record_of, reference, words

_NAMED = "translate(lower(name || ' ' || coalesce(email, '') || ' ' || coalesce(phone_number, '')), 'ё', 'е')"


class Contact(Row, table=True):
    """A person who wrote to us. E-mail, phone and identifier each name one contact of the account at most.

    erased_at: he was deleted then, and this row says nothing of him; it is there for his conversations to point to.
    """

    name: str = words()
    email: str | None = words(nullable=True)
    phone_number: str | None = words(nullable=True)
    identifier: str | None = words(nullable=True)
    is_blocked: bool = flag()
    labels: list[str] = list_of_words()
    additional_attributes: dict[str, Any] = record_of()
    custom_attributes: dict[str, Any] = record_of()
    last_activity_at: datetime | None = moment()
    external_id: str | None = words(nullable=True)
    created_at: datetime = moment(is_now=True)
    erased_at: datetime | None = moment()

    __table_args__ = (
        Index("uq_contact_email", "account_id", text("lower(email)"), unique=True),
        Index("uq_contact_identifier", "account_id", "identifier", unique=True),
        Index("uq_contact_phone_number", "account_id", "phone_number", unique=True),
        Index("ix_contact_recent", "account_id", text("last_activity_at desc nulls last"), text("id desc")),
        Index(
            "uq_contact_external_id",
            "account_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
        Index("ix_contact_email", "account_id", "email"),
        Index("ix_contact_named", "account_id", text(f"({_NAMED}) gin_trgm_ops"), postgresql_using="gin"),
    )

    @property
    def actor(self) -> str:
        return f"contact:{self.id}"

    def facts(self) -> dict[str, Any]:
        return {"contact_id": self.id}


class ContactInbox(Row, table=True):
    """How inbox `inbox_id` knows the contact: `source_id` is its chat id there, its visitor id, its phone number."""

    __tablename__ = "contact_inbox"

    contact_id: int = reference()
    inbox_id: int = reference()
    source_id: str = words()
    pubsub_token: str = words(unique=True)
    is_verified: bool = flag()
    created_at: datetime = moment(is_now=True)

    __table_args__ = (
        belongs_to("contact", "contact_id"),
        belongs_to("inbox", "inbox_id"),
        UniqueConstraint("account_id", "inbox_id", "source_id"),
        Index("ix_contact_inbox_contact", "account_id", "contact_id"),
    )


class Note(Row, table=True):
    """What an agent wrote down about a contact."""

    contact_id: int = reference()
    user_id: int = reference()
    content: str = words()
    created_at: datetime = moment(is_now=True)
    updated_at: datetime = moment(is_now=True)

    __table_args__ = (belongs_to("contact", "contact_id"), Index("ix_note_contact", "account_id", "contact_id"))
