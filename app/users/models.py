"""Users, their membership in accounts, teams, tokens."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from app.columns import Row, belongs_to, choice, flag, moment, number, record_of, reference, words


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    AGENT = "agent"


class Availability(StrEnum):
    ONLINE = "online"
    BUSY = "busy"
    OFFLINE = "offline"


class User(SQLModel, table=True):
    """A person who signs in. The same person may work in several accounts."""

    __tablename__ = "app_user"

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger)
    email: str = words(unique=True)
    name: str = words()
    display_name: str | None = words(nullable=True)
    password_hash: str | None = words(nullable=True)
    confirmed_at: datetime | None = moment()
    locale: str = words("ru")
    message_signature: str | None = words(nullable=True)
    pubsub_token: str = words(unique=True)
    ui_settings: dict[str, Any] = record_of()
    custom_attributes: dict[str, Any] = record_of()
    created_at: datetime = moment(is_now=True)

    @property
    def available_name(self) -> str:
        """The name customers see."""
        return self.display_name or self.name

    @property
    def actor(self) -> str:
        """How the log names this person."""
        return f"user:{self.id}"


class AccountUser(SQLModel, table=True):
    """`user_id` works in the account, as `role`.

    left_at: he works there no longer since; the row stays for his name, of which history and reports speak.
    """

    __tablename__ = "account_user"

    account_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="account.id")
    user_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="app_user.id")
    role: Role = choice(Role, Role.AGENT, "role")
    availability: Availability = choice(Availability, Availability.ONLINE, "availability")
    auto_offline: bool = flag(True)
    inviter_id: int | None = number(nullable=True)
    active_at: datetime | None = moment()
    external_id: str | None = words(nullable=True)
    created_at: datetime = moment(is_now=True)
    left_at: datetime | None = moment()

    __table_args__ = (
        Index("ix_account_user_user", "user_id"),
        Index(
            "uq_account_user_external_id",
            "account_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
    )

    def facts(self) -> dict[str, Any]:
        return {"user_id": self.user_id, "role": self.role, "availability": self.availability}


class Team(Row, table=True):
    """Agents who answer for one thing.

    deleted_at: nobody can be given to it since; the row stays for its name, of which history and reports speak.
    """

    name: str = words()
    description: str = words()
    allow_auto_assign: bool = flag(True)
    calendar_id: int | None = reference(nullable=True)
    sla_policy_id: int | None = reference(nullable=True)
    external_id: str | None = words(nullable=True)
    created_at: datetime = moment(is_now=True)
    deleted_at: datetime | None = moment()

    __table_args__ = (
        belongs_to("calendar", "calendar_id"),
        Index("uq_team_name", "account_id", "name", unique=True, postgresql_where=text("deleted_at is null")),
        Index(
            "uq_team_external_id",
            "account_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
    )

    def facts(self) -> dict[str, Any]:
        return {"team_id": self.id}


class TeamMember(SQLModel, table=True):
    """`user_id` belongs to `team_id`."""

    __tablename__ = "team_member"

    account_id: int = Field(primary_key=True, sa_type=BigInteger)
    team_id: int = Field(primary_key=True, sa_type=BigInteger)
    user_id: int = Field(primary_key=True, sa_type=BigInteger)

    __table_args__ = (
        belongs_to("team", "team_id"),
        ForeignKeyConstraint(["account_id", "user_id"], ["account_user.account_id", "account_user.user_id"]),
    )


class Purpose(StrEnum):
    SESSION = "session"
    DEVICE = "device"
    API = "api"
    CONFIRM_EMAIL = "confirm_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105
    INVITATION = "invitation"


class Token(SQLModel, table=True):
    """A random secret handed out once, for one purpose. We keep its SHA-256; `sealed` only where it must be shown again."""

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger)
    user_id: int = Field(sa_type=BigInteger, foreign_key="app_user.id", index=True)
    account_id: int | None = number(nullable=True)
    purpose: Purpose = choice(Purpose, Purpose.SESSION, "purpose")
    digest: str = words(unique=True)
    sealed: str | None = words(nullable=True)
    client: str | None = words(nullable=True)
    user_agent: str = words()
    created_at: datetime = moment(is_now=True)
    last_used_at: datetime | None = moment()
    expires_at: datetime | None = moment()
    ended_at: datetime | None = moment()

    __table_args__ = (Index("ix_token_live", "user_id", "purpose", postgresql_where=text("ended_at is null")),)
