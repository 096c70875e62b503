"""A debt to the outside: a channel message, an e-mail, a draft asked of Captain."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlmodel import Field

from app.columns import Row, choice, moment, record_of, words


class DeliveryState(StrEnum):
    """READY → LEASED (a worker has it) → SENDING (the call is under way) → DONE, DEAD, or UNKNOWN: perhaps it arrived."""

    READY = "ready"
    LEASED = "leased"
    SENDING = "sending"
    DONE = "done"
    UNKNOWN = "unknown"
    DEAD = "dead"


class Delivery(Row, table=True):
    """Something owed. `kind` and `ref` say what, once; deliveries of one `lane` go out in order."""

    kind: str = words()
    ref: str = words()
    lane: str = words()
    data: dict[str, Any] = record_of()
    state: DeliveryState = choice(DeliveryState, DeliveryState.READY, "state")
    attempts: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    available_at: datetime = moment(is_now=True)
    leased_until: datetime | None = moment()
    leased_by: str | None = words(nullable=True)
    error: str | None = words(nullable=True)
    created_at: datetime = moment(is_now=True)
    done_at: datetime | None = moment()

    __table_args__ = (
        UniqueConstraint("account_id", "kind", "ref"),
        Index(
            "ix_delivery_open",
            "account_id",
            "kind",
            "lane",
            "id",
            postgresql_where=text("state in ('ready', 'leased', 'sending')"),
        ),
        Index("ix_delivery_ready", "account_id", "id", postgresql_where=text("state = 'ready'")),
        Index(
            "ix_delivery_leased", "account_id", "leased_until", postgresql_where=text("state in ('leased', 'sending')")
        ),
    )
