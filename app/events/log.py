"""The event log and how to read it. Only `record.py` writes it; the database refuses changes to what is written."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, text
from sqlmodel import Field, SQLModel, col, select

from app.columns import moment, number, record_of, words
from app.database import session

# What an importer tells
HISTORY = "history"
# So many events are looked through for news at once: an import may have written millions
STRIDE = 100_000


class Event(SQLModel, table=True):
    """One fact about one account. `seq` is dense and in the order of commits: `seq > cursor` misses none.

    `occurred_at` is the clock of the source, `recorded_at` ours. `data` holds ids, `[before, after]` pairs and the small
    values of that moment; never a person's data or text, so that it need not be erased. `causation` is HISTORY where
    an import tells of the past: nobody acts on it, everybody counts it.
    """

    account_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="account.id")
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    name: str = words()
    conversation_id: int | None = number(nullable=True)
    actor: str = words()
    causation_seq: int | None = number(nullable=True)
    causation: str | None = words(nullable=True)
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


def follow(account_id: int, after: int, limit: int, names: Sequence[str] | None = None) -> tuple[list[Event], int]:
    """The next news after `after`, `limit` at most, and up to where the log was looked through. What an import tells of
    the past is no news."""
    # first how far, then what: in the other order something committed in between would be stepped over
    upto = min(last_seq(account_id), after + STRIDE)
    query = select(Event).where(col(Event.account_id) == account_id, col(Event.seq) > after, col(Event.seq) <= upto)
    query = query.where(col(Event.causation).is_(None))
    if names is not None:
        query = query.where(col(Event.name).in_(names))
    found = list(session().exec(query.order_by(col(Event.seq)).limit(limit)))
    return found, found[-1].seq if len(found) == limit else max(upto, after)


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
