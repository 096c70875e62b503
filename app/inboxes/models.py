"""An inbox and its members."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.columns import Row, belongs_to, choice, flag, moment, record_of, reference, words


class Channel(StrEnum):
    WEBSITE = "website"
    API = "api"
    TELEGRAM = "telegram"


class Inbox(Row, table=True):
    """A channel the account is reached by.

    key: the public name of the inbox in addresses (website_token, inbox identifier, hook address): random, unique.
    sealed: the channel's secrets, encrypted. settings: what a channel needs besides (widget colour, welcome text, …).
    hours: working intervals as [{"day": 1–7 from Monday, "opens": "09:00", "closes": "18:00"}], several a day are fine.
    """

    name: str = words()
    channel: Channel = choice(Channel, Channel.WEBSITE, "channel")
    key: str = words(unique=True)
    sealed: str | None = words(nullable=True)
    settings: dict[str, Any] = record_of()
    greeting_enabled: bool = flag()
    greeting_message: str = words()
    working_hours_enabled: bool = flag()
    out_of_office_message: str = words()
    timezone: str = words("Europe/Moscow")
    hours: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb"))
    )
    enable_email_collect: bool = flag(True)
    csat_enabled: bool = flag()
    allow_messages_after_resolved: bool = flag(True)
    lock_to_single_conversation: bool = flag()
    sla_policy_id: int | None = reference(nullable=True)
    portal_id: int | None = reference(nullable=True)
    is_captain_on: bool = flag(True)
    created_at: datetime = moment(is_now=True)
    deleted_at: datetime | None = moment()

    __table_args__ = (Index("ix_inbox_account", "account_id"),)

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
