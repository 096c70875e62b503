"""Policies, and the targets of each conversation they apply to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlmodel import Field

from app.columns import Row, belongs_to, choice, flag, list_of_words, moment, number, reference, words


class SlaPolicy(Row, table=True):
    """How soon we promise to answer and to resolve, in seconds; null promises nothing."""

    __tablename__ = "sla_policy"

    name: str = words()
    description: str = words()
    first_response_seconds: int | None = number(nullable=True)
    next_response_seconds: int | None = number(nullable=True)
    resolution_seconds: int | None = number(nullable=True)
    is_business_time: bool = flag()
    pause_while: list[str] = list_of_words()
    version: int = Field(default=1, sa_type=Integer, sa_column_kwargs={"server_default": text("1")})
    external_id: str | None = words(nullable=True)
    created_at: datetime = moment(is_now=True)

    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        Index("uq_sla_policy_external_id", "account_id", "external_id", unique=True),
    )

    def facts(self) -> dict[str, Any]:
        return {
            "sla_policy_id": self.id,
            "version": self.version,
            "targets": {
                "first_response_seconds": self.first_response_seconds,
                "next_response_seconds": self.next_response_seconds,
                "resolution_seconds": self.resolution_seconds,
                "is_business_time": self.is_business_time,
                "pause_while": list(self.pause_while),
            },
        }


class TargetKind(StrEnum):
    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class TargetState(StrEnum):
    """RUNNING, until it is MET in time, MISSED, or VOID: no longer asked for."""

    RUNNING = "running"
    MET = "met"
    MISSED = "missed"
    VOID = "void"


class SlaTarget(Row, table=True):
    """One promise to one customer: `seconds` from `started_at`, as the policy said when it was made.

    promised_at: when it was made, perhaps after it began. due_at: null while the promise is paused, and when its calendar
    never opens again. warned_percent: how much of the time was used up when people were last warned. What is settled stays
    settled.
    """

    __tablename__ = "sla_target"

    conversation_id: int = reference()
    sla_policy_id: int = reference()
    kind: TargetKind = choice(TargetKind, TargetKind.FIRST_RESPONSE, "kind")
    state: TargetState = choice(TargetState, TargetState.RUNNING, "state")
    started_at: datetime = moment(nullable=False)
    due_at: datetime | None = moment()
    seconds: int = number()
    is_business_time: bool = flag()
    pause_while: list[str] = list_of_words()
    warned_percent: int = number()
    promised_at: datetime | None = moment()
    ended_at: datetime | None = moment()

    __table_args__ = (
        belongs_to("conversation", "conversation_id"),
        belongs_to("sla_policy", "sla_policy_id"),
        UniqueConstraint("account_id", "conversation_id", "kind", "started_at"),
        Index("ix_sla_target_running", "account_id", "conversation_id", postgresql_where=text("state = 'running'")),
    )
