"""The event log and how to read it. Only `record.py` writes it; the database refuses changes to what is written."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, text
from sqlmodel import Field, SQLModel, col, select

from app.columns import moment, number, record_of, words
from app.database import session


class Event(SQLModel, table=True):
    """One fact about one account. `seq` is dense and in the order of commits: `seq > cursor` misses none.

    `occurred_at` is the clock of the source, `recorded_at` ours. `data` holds ids, `[before, after]` pairs and the small
    values of that moment; never a person's data or text, so that it need not be erased.
    """

    account_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="account.id")
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    name: str = words()
    conversation_id: int | None = number(nullable=True)
    actor: str = words()
    causation_seq: int | None = number(nullable=True)
    schema_version: int = Field(default=1, sa_type=Integer, sa_column_kwargs={"server_default": text("1")})
    occurred_at: datetime = moment(nullable=False)
    recorded_at: datetime = moment(is_now=True)
    data: dict[str, Any] = record_of()

    __table_args__ = (Index("ix_event_conversation", "account_id", "conversation_id", "seq"),)


class Counter(SQLModel, table=True):
    """A number that only grows, one per account and kind: `event` for the log, `conversation` for display_id."""

    account_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="account.id")
    kind: str = Field(primary_key=True)
    value: int = number()


def read(account_id: int, after: int, limit: int = 100, names: Sequence[str] | None = None) -> list[Event]:
    """Up to `limit` events with `seq > after`, oldest first; of `names` alone when given."""
    query = select(Event).where(col(Event.account_id) == account_id, col(Event.seq) > after)
    if names is not None:
        query = query.where(col(Event.name).in_(names))
    return list(session().exec(query.order_by(col(Event.seq)).limit(limit)))


def of_conversation(
    account_id: int,
    conversation_id: int,
    *,
    names: Collection[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Event]:
    """The story of one conversation, oldest first; of `names` alone, or of a stretch of time, when asked."""
    query = select(Event).where(col(Event.account_id) == account_id, col(Event.conversation_id) == conversation_id)
    if names is not None:
        query = query.where(col(Event.name).in_(names))
    if since is not None:
        query = query.where(col(Event.occurred_at) >= since)
    if until is not None:
        query = query.where(col(Event.occurred_at) <= until)
    return list(session().exec(query.order_by(col(Event.seq))))


def last_seq(account_id: int) -> int:
    """The `seq` of the newest event; 0 in an empty log."""
    query = select(Counter.value).where(col(Counter.account_id) == account_id, col(Counter.kind) == "event")
    return session().exec(query).first() or 0


def last_seqs(account_ids: set[int]) -> dict[int, int]:
    """The newest `seq` of each of these accounts."""
    query = select(Counter.account_id, Counter.value).where(
        col(Counter.account_id).in_(account_ids), col(Counter.kind) == "event"
    )
    return dict(session().exec(query).all())
