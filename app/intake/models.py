"""The raw bytes a provider or a mailbox gave us."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from app.columns import Row, belongs_to, choice, moment, record_of, reference, words


class IntakeState(StrEnum):
    READY = "ready"
    DONE = "done"
    DEAD = "dead"


class Intake(Row, table=True):
    """One thing a provider sent, kept until it is a message. `lane` is the sender within the inbox: a lane keeps order."""

    inbox_id: int = reference()
    provider_key: str = words()
    lane: str = words()
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    headers: dict[str, Any] = record_of()
    state: IntakeState = choice(IntakeState, IntakeState.READY, "state")
    attempts: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    error: str | None = words(nullable=True)
    received_at: datetime = moment(is_now=True)
    available_at: datetime = moment(is_now=True)
    done_at: datetime | None = moment()

    __table_args__ = (
        belongs_to("inbox", "inbox_id"),
        UniqueConstraint("account_id", "inbox_id", "provider_key"),
        Index("ix_intake_ready", "inbox_id", "lane", "id", postgresql_where=text("state = 'ready'")),
        Index("ix_intake_dead", "account_id", "id", postgresql_where=text("state = 'dead'")),
    )
