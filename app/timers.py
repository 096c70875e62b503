"""What is due when: snoozes that end, SLA targets, automatic closing. Rows, so that any number of tickers may run.

A timer fires in the transaction of what it causes: exactly once, also after the ticker was down. The database's clock
is the only one that judges.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field

from app.clock import now
from app.columns import Row, choice, moment, record_of, words
from app.database import across_accounts, session, transaction

logger = logging.getLogger(__name__)


# Each try waits twice as long as the one before: the last comes nine hours after the first.
ATTEMPTS = 16


class TimerState(StrEnum):
    PENDING = "pending"
    FIRED = "fired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Timer(Row, table=True):
    """`kind` is to happen to `ref` at `due_at`."""

    kind: str = words()
    ref: str = words()
    due_at: datetime = moment(nullable=False)
    data: dict[str, Any] = record_of()
    state: TimerState = choice(TimerState, TimerState.PENDING, "state")
    attempts: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    error: str | None = words(nullable=True)
    created_at: datetime = moment(is_now=True)
    ended_at: datetime | None = moment()

    __table_args__ = (
        UniqueConstraint("account_id", "kind", "ref", "due_at"),
        Index("ix_timer_pending", "due_at", postgresql_where=text("state = 'pending'")),
    )


Fire = Callable[[Timer], None]


def set_timer(account_id: int, kind: str, ref: str, due_at: datetime, **data: Any) -> None:
    """Let `kind` happen to `ref` at `due_at`. Setting the same again wakes it, should it have been cancelled."""
    row = {"account_id": account_id, "kind": kind, "ref": ref, "due_at": due_at, "data": data}
    again = {"state": TimerState.PENDING.value, "data": data, "ended_at": None}
    pending = Timer.__table__.c.state == TimerState.CANCELLED  # type: ignore[attr-defined]
    session().connection().execute(
        insert(Timer)
        .values(row)
        .on_conflict_do_update(index_elements=["account_id", "kind", "ref", "due_at"], set_=again, where=pending)
    )


def cancel(account_id: int, kind: str, ref: str) -> None:
    """Let whatever of `kind` is still to happen to `ref` not happen.

    Never waits for one that is firing just now: it holds its own row and waits for the subject that we hold. Once it gets
    it, it looks again whether it still applies.
    """
    session().connection().execute(_CANCEL, {"account_id": account_id, "kind": kind, "ref": ref, "ended_at": now()})


def fire_due(kinds: dict[str, Fire], limit: int = 100) -> int:
    """Fire what is due, each in a transaction of its own; how many there were."""
    with across_accounts() as current:
        due = current.connection().execute(_DUE, {"kinds": sorted(kinds), "limit": limit}).all()
    for account_id, identifier in due:
        try:
            _fire(account_id, identifier, kinds)
        except Exception as problem:
            logger.exception("timer %s of account %s failed", identifier, account_id)
            _set_aside(account_id, identifier, problem)
    return len(due)


def _fire(account_id: int, identifier: int, kinds: dict[str, Fire]) -> None:
    with transaction(account_id) as current:
        timer = current.get(Timer, (account_id, identifier), with_for_update={"skip_locked": True})
        if timer is None or timer.state != TimerState.PENDING:
            return
        timer.state, timer.ended_at = TimerState.FIRED, now()
        kinds[timer.kind](timer)


def _set_aside(account_id: int, identifier: int, problem: Exception) -> None:
    with transaction(account_id) as current:
        timer = current.get(Timer, (account_id, identifier), with_for_update=True)
        if timer is None or timer.state != TimerState.PENDING:
            return
        timer.attempts += 1
        timer.error = repr(problem)[:2000]
        if timer.attempts >= ATTEMPTS:
            timer.state, timer.ended_at = TimerState.FAILED, now()


_CANCEL = text(
    "update timer set state = 'cancelled', ended_at = :ended_at where account_id = :account_id and id in ("
    " select id from timer where account_id = :account_id and kind = :kind and ref = :ref and state = 'pending'"
    " for update skip locked)"
)
_DUE = text(
    "select account_id, id from timer where state = 'pending' and due_at <= now() and kind = any(:kinds)"
    " and due_at + make_interval(secs => power(2, attempts) - 1) <= now() order by due_at limit :limit"
)
