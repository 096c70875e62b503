"""Conversations, messages, attachments, drafts."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from app.columns import Row, belongs_to, choice, flag, list_of_words, moment, number, record_of, reference, words


class Status(StrEnum):
    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Holder(StrEnum):
    """Who has a pending conversation. Nobody (null) means that we wait for the customer (D2)."""

    CAPTAIN = "captain"
    BOT = "bot"


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


class Conversation(Row, table=True):
    """A contact and a team talking in one inbox. People know it by `display_id`, a number per account.

    sla_due_at: when the most pressing promise is due; sla_missed_at: when the last one was missed.
    waiting_since: the oldest customer message nobody answered. thread_version grows with every public message: a reply
    written against an older one is held back. unread_count: incoming messages no agent has looked at.
    """

    display_id: int = number()
    uuid: Any = Field(default=None, sa_column=Column(Uuid, nullable=False, server_default=text("gen_random_uuid()")))
    inbox_id: int = reference()
    contact_id: int = reference()
    contact_inbox_id: int = reference()
    status: Status = choice(Status, Status.OPEN, "status")
    held_by: Holder | None = choice(Holder, None, "held_by")
    priority: Priority | None = choice(Priority, None, "priority")
    assignee_id: int | None = reference(nullable=True)
    team_id: int | None = reference(nullable=True)
    labels: list[str] = list_of_words()
    snoozed_until: datetime | None = moment()
    is_muted: bool = flag()
    identifier: str | None = words(nullable=True)
    external_id: str | None = words(nullable=True)
    sla_policy_id: int | None = reference(nullable=True)
    sla_due_at: datetime | None = moment()
    sla_missed_at: datetime | None = moment()
    additional_attributes: dict[str, Any] = record_of()
    custom_attributes: dict[str, Any] = record_of()
    created_at: datetime = moment(is_now=True)
    updated_at: datetime = moment(is_now=True)
    last_activity_at: datetime = moment(is_now=True)
    waiting_since: datetime | None = moment()
    first_replied_at: datetime | None = moment()
    agent_last_seen_at: datetime | None = moment()
    assignee_last_seen_at: datetime | None = moment()
    contact_last_seen_at: datetime | None = moment()
    unread_count: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    thread_version: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    last_message_id: int | None = number(nullable=True)

    __table_args__ = (
        belongs_to("inbox", "inbox_id"),
        belongs_to("contact", "contact_id"),
        belongs_to("contact_inbox", "contact_inbox_id"),
        belongs_to("team", "team_id"),
        ForeignKeyConstraint(["account_id", "assignee_id"], ["account_user.account_id", "account_user.user_id"]),
        UniqueConstraint("account_id", "display_id"),
        Index("ix_conversation_uuid", "uuid", unique=True),
        Index(
            "uq_conversation_external_id",
            "account_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
        Index("ix_conversation_status", "account_id", "status", text("last_activity_at desc"), text("id desc")),
        Index("ix_conversation_recent", "account_id", text("last_activity_at desc"), text("id desc")),
        Index(
            "ix_conversation_assignee",
            "account_id",
            "assignee_id",
            "status",
            text("last_activity_at desc"),
            text("id desc"),
        ),
        Index(
            "ix_conversation_unassigned",
            "account_id",
            "status",
            text("last_activity_at desc"),
            text("id desc"),
            postgresql_where=text("assignee_id is null"),
        ),
        Index(
            "ix_conversation_inbox", "account_id", "inbox_id", "status", text("last_activity_at desc"), text("id desc")
        ),
        Index(
            "ix_conversation_due",
            "account_id",
            "status",
            "sla_due_at",
            "id",
            postgresql_where=text("sla_due_at is not null"),
        ),
        Index("ix_conversation_contact", "account_id", "contact_id", text("id desc")),
        Index("ix_conversation_contact_inbox", "account_id", "contact_inbox_id", text("id desc")),
    )

    def facts(self) -> dict[str, Any]:
        """What an event of this conversation says of that moment."""
        return {
            "conversation_id": self.id,
            "display_id": self.display_id,
            "inbox_id": self.inbox_id,
            "contact_id": self.contact_id,
            "status": self.status,
            "held_by": self.held_by,
            "assignee_id": self.assignee_id,
            "team_id": self.team_id,
            "labels": list(self.labels),
            "priority": self.priority,
            "thread_version": self.thread_version,
        }


class MessageType(StrEnum):
    INCOMING = "incoming"
    OUTGOING = "outgoing"
    ACTIVITY = "activity"
    TEMPLATE = "template"


class SenderType(StrEnum):
    CONTACT = "contact"
    USER = "user"
    CAPTAIN = "captain"
    BOT = "bot"
    AUTOMATION = "automation"
    SYSTEM = "system"


class MessageStatus(StrEnum):
    """How far an outgoing message came. It only ever moves to the right; FAILED and UNKNOWN may become SENT later."""

    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Message(Row, table=True):
    """One utterance, note or activity line. `source_id` is the provider's id, `client_message_id` the sender's own.

    `version` counts its texts: an edit keeps the old one in `message_revision`, so that an event shows what it told of.
    """

    conversation_id: int = reference()
    inbox_id: int = reference()
    message_type: MessageType = choice(MessageType, MessageType.INCOMING, "message_type")
    sender_type: SenderType = choice(SenderType, SenderType.SYSTEM, "sender_type")
    sender_id: int | None = number(nullable=True)
    content: str = words()
    content_type: str = words("text")
    content_attributes: dict[str, Any] = record_of()
    additional_attributes: dict[str, Any] = record_of()
    is_private: bool = flag()
    status: MessageStatus = choice(MessageStatus, MessageStatus.SENT, "status")
    error: str | None = words(nullable=True)
    source_id: str | None = words(nullable=True)
    client_message_id: str | None = words(nullable=True)
    external_id: str | None = words(nullable=True)
    in_reply_to_id: int | None = number(nullable=True)
    version: int = Field(default=1, sa_type=Integer, sa_column_kwargs={"server_default": text("1")})
    has_attachments: bool = flag()
    created_at: datetime = moment(is_now=True)
    occurred_at: datetime = moment(is_now=True)
    edited_at: datetime | None = moment()
    deleted_at: datetime | None = moment()

    __table_args__ = (
        belongs_to("conversation", "conversation_id"),
        belongs_to("inbox", "inbox_id"),
        Index("ix_message_thread", "account_id", "conversation_id", "id"),
        Index("ix_message_captain", "account_id", "id", postgresql_where=text("sender_type = 'captain'")),
        Index(
            "uq_message_external_id",
            "account_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
        Index(
            "uq_message_source",
            "account_id",
            "inbox_id",
            "source_id",
            unique=True,
            postgresql_where=text("source_id is not null"),
        ),
        Index(
            "uq_message_client",
            "account_id",
            "conversation_id",
            "client_message_id",
            unique=True,
            postgresql_where=text("client_message_id is not null"),
        ),
    )

    @property
    def is_public_reply(self) -> bool:
        """Whether the customer reads this as our answer."""
        return self.message_type == MessageType.OUTGOING and not self.is_private


class MessageRevision(SQLModel, table=True):
    """The text that version `version` of a message had before it was edited or deleted."""

    __tablename__ = "message_revision"

    account_id: int = Field(primary_key=True, sa_type=BigInteger)
    message_id: int = Field(primary_key=True, sa_type=BigInteger)
    version: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    content: str = words()
    replaced_at: datetime = moment(is_now=True)

    __table_args__ = (belongs_to("message", "message_id"),)


class FileType(StrEnum):
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"
    LOCATION = "location"
    CONTACT = "contact"


class Attachment(Row, table=True):
    """A file, place or visiting card sent along. `path` is null until the bytes are here (providers hand them over later)."""

    message_id: int = reference()
    file_type: FileType = choice(FileType, FileType.FILE, "file_type")
    file_name: str = words()
    content_type: str = words("application/octet-stream")
    size_bytes: int = number()
    path: str | None = words(nullable=True)
    key: str = words(unique=True)
    width: int | None = number(nullable=True)
    height: int | None = number(nullable=True)
    data: dict[str, Any] = record_of()
    provider_ref: str | None = words(nullable=True)
    error: str | None = words(nullable=True)
    created_at: datetime = moment(is_now=True)

    __table_args__ = (belongs_to("message", "message_id"), Index("ix_attachment_message", "account_id", "message_id"))


class ReplyDraft(SQLModel, table=True):
    """What an agent has begun to write and not sent, per agent and kind."""

    __tablename__ = "reply_draft"

    account_id: int = Field(primary_key=True, sa_type=BigInteger)
    conversation_id: int = Field(primary_key=True, sa_type=BigInteger)
    user_id: int = Field(primary_key=True, sa_type=BigInteger)
    is_private: bool = Field(default=False, primary_key=True)
    content: str = words()
    updated_at: datetime = moment(is_now=True)

    __table_args__ = (
        belongs_to("conversation", "conversation_id"),
        ForeignKeyConstraint(["account_id", "user_id"], ["account_user.account_id", "account_user.user_id"]),
    )
