"""An inbox and its members."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from app.columns import Row, belongs_to, choice, flag, list_of_words, moment, record_of, reference, words


class Channel(StrEnum):
    WEBSITE = "website"
    API = "api"
    TELEGRAM = "telegram"


class Inbox(Row, table=True):
    """A channel the account is reached by.

    key: the public name of the inbox in addresses (website_token, inbox identifier, hook address): random, unique.
    sealed: the channel's secrets, encrypted. settings: what a channel needs besides (widget colour, welcome text, …).
    calendar_id: when somebody is there; null: around the clock. csat_labels: with one of them a resolved conversation is
    asked about, or is not when is_csat_unless_labelled; without any, all are.
    is_captain_on: an assistant serves it: `assistant_id`, or the account's default. captain_answers: he talks to customers
    himself, so that their conversations begin with him.
    """

    name: str = words()
    channel: Channel = choice(Channel, Channel.WEBSITE, "channel")
    key: str = words(unique=True)
    sealed: str | None = words(nullable=True)
    settings: dict[str, Any] = record_of()
    greeting_enabled: bool = flag()
    greeting_message: str = words()
    out_of_office_message: str = words()
    calendar_id: int | None = reference(nullable=True)
    enable_email_collect: bool = flag(True)
    csat_enabled: bool = flag()
    csat_labels: list[str] = list_of_words()
    is_csat_unless_labelled: bool = flag()
    allow_messages_after_resolved: bool = flag(True)
    lock_to_single_conversation: bool = flag()
    sla_policy_id: int | None = reference(nullable=True)
    portal_id: int | None = reference(nullable=True)
    is_captain_on: bool = flag(True)
    assistant_id: int | None = reference(nullable=True)
    captain_answers: bool = flag()
    external_id: str | None = words(nullable=True)
    created_at: datetime = moment(is_now=True)
    deleted_at: datetime | None = moment()

    __table_args__ = (
        belongs_to("calendar", "calendar_id"),
        Index("ix_inbox_account", "account_id"),
        Index(
            "uq_inbox_external_id",
            "account_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
    )

    @property
    def is_held_by_captain(self) -> bool:
        """Whether a customer's new conversation is Captain's at first."""
        return self.is_captain_on and self.captain_answers

    def facts(self) -> dict[str, Any]:
        return {"inbox_id": self.id, "channel": self.channel}


class InboxMember(SQLModel, table=True):
    """`user_id` answers in `inbox_id`."""

    __tablename__ = "inbox_member"

    account_id: int = Field(primary_key=True, sa_type=BigInteger)
    inbox_id: int = Field(primary_key=True, sa_type=BigInteger)
    user_id: int = Field(primary_key=True, sa_type=BigInteger)

    __table_args__ = (
        belongs_to("inbox", "inbox_id"),
        ForeignKeyConstraint(["account_id", "user_id"], ["account_user.account_id", "account_user.user_id"]),
        Index("ix_inbox_member_user", "account_id", "user_id"),
    )
