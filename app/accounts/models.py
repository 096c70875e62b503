"""An account: its language, its clock, its settings."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from app.columns import choice, moment, record_of, words


class AccountStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Account(SQLModel, table=True):
    """One company. Its `id` is every other row's `account_id`."""

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger)
    name: str = words()
    locale: str = words("ru")
    timezone: str = words("Europe/Moscow")
    status: AccountStatus = choice(AccountStatus, AccountStatus.ACTIVE, "status")
    support_email: str = words()
    domain: str | None = words(nullable=True)
    settings: dict[str, Any] = record_of()
    created_at: datetime = moment(is_now=True)

    @property
    def account_id(self) -> int:
        return self.id

    def facts(self) -> dict[str, Any]:
        """Its small values now."""
        return {"name": self.name, "locale": self.locale, "timezone": self.timezone, "status": self.status}
