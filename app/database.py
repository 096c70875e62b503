"""PostgreSQL, through one door: `transaction(account_id)` sees that account alone, `across_accounts()` sees all.

Row-level security does the seeing: each transaction takes a role that owns nothing (`kulpunai_app`, or
`kulpunai_system` for the few jobs that look across accounts), so that a forgotten filter finds no rows
instead of somebody else's.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import Session as SQLAlchemySession
from sqlmodel import Session, create_engine

from app.config import settings

APP_ROLE = "kulpunai_app"
SYSTEM_ROLE = "kulpunai_system"
# A connection that lay longer than this is asked whether it still lives; no database restarts in less
RESTED_SECONDS = 1.0

_current: ContextVar[Session] = ContextVar("current_session")


@cache
def engine() -> Engine:
    """The connection pool of this process; made at first use, so after any fork."""
    made = create_engine(
        settings().sqlalchemy_url,
        pool_size=settings().database_pool,
        max_overflow=settings().database_pool,
        pool_timeout=5,
        connect_args={
            # A statement has 15 s, a lock 5 s, and nobody sits on an open transaction: one stuck query must not stop all.
            "options": "-c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"
            " -c timezone=UTC",
            "connect_timeout": 5,
        },
    )
    event.listen(made, "checkin", _lay_down)
    event.listen(made, "checkout", _wake_up)
    return made


@contextmanager
def transaction(account_id: int) -> Iterator[Session]:
    """One transaction that sees and writes the rows of `account_id` and no other. Commits at the end, or not at all."""
    with _begin(APP_ROLE, account_id) as current:
        yield current


@contextmanager
def across_accounts() -> Iterator[Session]:
    """One transaction that sees every account: for sign-in, for finding whose turn it is, for set-up. Use it seldom."""
    with _begin(SYSTEM_ROLE, 0) as current:
        yield current


def session() -> Session:
    """The session of the transaction we are in. RuntimeError outside of one."""
    current = _current.get(None)
    if current is None:
        raise RuntimeError("No transaction is open here: write `with transaction(account_id):` in the door or the job.")
    return current


def was_away(problem: Exception) -> bool:
    """Whether the database was lost, undid a deadlock or gave up waiting for a lock: nobody's fault, so no failed attempt."""
    if not isinstance(problem, DBAPIError):
        return False
    return problem.connection_invalidated or getattr(problem.orig, "sqlstate", None) in {"40001", "40P01", "55P03"}


@contextmanager
def _begin(role: str, account_id: int) -> Iterator[Session]:
    if _current.get(None) is not None:
        raise RuntimeError("A transaction is already open here; the outer one must hold the whole change.")
    with Session(engine(), expire_on_commit=False, info={"role": role, "account_id": account_id}) as current:
        token = _current.set(current)
        try:
            yield current
            current.commit()
        finally:
            _current.reset(token)


@event.listens_for(SQLAlchemySession, "after_begin")
def _take_role(current: SQLAlchemySession, _transaction: Any, connection: Any) -> None:
    if "role" in current.info and not current.in_nested_transaction():
        connection.execute(_TAKE_ROLE, {"role": current.info["role"], "account_id": str(current.info["account_id"])})


@event.listens_for(SQLAlchemySession, "loaded_as_persistent")
@event.listens_for(SQLAlchemySession, "pending_to_persistent")
@event.listens_for(SQLAlchemySession, "detached_to_persistent")
def _keep(current: SQLAlchemySession, row: object) -> None:
    """What a transaction has read it keeps until its end. SQLAlchemy would forget a row that nobody holds, and a reader
    that goes through a hundred events of one inbox would ask for it a hundred times."""
    current.info.setdefault("kept", []).append(row)


_TAKE_ROLE = text("select set_config('role', :role, true), set_config('app.account_id', :account_id, true)")


def _lay_down(_connection: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _wake_up(connection: Any, record: Any, _proxy: Any) -> None:
    """As `pool_pre_ping`, which asks every time: three words to the database for each transaction, one in ten of all."""
    if time.monotonic() - record.info.get("rests_since", time.monotonic()) < RESTED_SECONDS:
        return
    try:
        connection.execute("select 1")
        connection.rollback()
    except psycopg.Error as problem:
        raise DisconnectionError from problem
