"""A calendar and its versions: what was true of it, from when on."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.columns import Row, belongs_to, list_of_words, moment, words

OFFICE_WEEK = [[["09:00", "18:00"]]] * 5 + [[], []]


class Calendar(Row, table=True):
    """Working hours that inboxes and teams may share. Its hours stand in its versions."""

    name: str = words()
    external_id: str | None = words(nullable=True)
    created_at: datetime = moment(is_now=True)

    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        Index("uq_calendar_external_id", "account_id", "external_id", unique=True),
    )


class CalendarVersion(SQLModel, table=True):
    """How a calendar is from `since` on; the earliest holds before it too, of two with one `since` the higher version.

    week: seven lists, Monday first, of ["HH:MM", "HH:MM"], closing at "24:00" at the latest. holidays: ISO dates, all of them.
    """

    __tablename__ = "calendar_version"

    account_id: int = Field(primary_key=True, sa_type=BigInteger)
    calendar_id: int = Field(primary_key=True, sa_type=BigInteger)
    version: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    since: datetime = moment(nullable=False)
    timezone: str = words()
    week: list[list[list[str]]] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    holidays: list[str] = list_of_words()
    created_at: datetime = moment(is_now=True)

    __table_args__ = (belongs_to("calendar", "calendar_id"),)

    def facts(self) -> dict[str, Any]:
        return {
            "calendar_id": self.calendar_id,
            "version": self.version,
            "since": self.since.isoformat(),
            "timezone": self.timezone,
            "week": self.week,
            "holidays": list(self.holidays),
        }
