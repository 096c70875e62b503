"""Readers catching up: a batch of events in one transaction that also moves the cursor; one by one when one fails.

So effects inside the database happen exactly once: a crash repeats work, and undoes what it repeats. A reader never
calls the network; what it owes to the outside it writes down as a delivery or a timer.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.database import transaction, was_away
from app.events import log
from app.events.cursors import Cursor, ParkedEvent

logger = logging.getLogger(__name__)

BATCH = 100


@dataclass(frozen=True)
class Reader:
    """Someone who follows the log: `handle` is called with each event of `names`, in order."""

    name: str
    names: frozenset[str]
    handle: Callable[[log.Event], None]


def catch_up(reader: Reader, account_id: int) -> bool:
    """Handle the next events of the account; True if there may be more. Two processes never read for one reader."""
    try:
        return _handle_batch(reader, account_id, BATCH)
    except _Failed:
        logger.exception("%s failed on a batch of account %s; going one by one", reader.name, account_id)
    return _one_by_one(reader, account_id)


def retry(reader: Reader, account_id: int, seq: int) -> bool:
    """Try a parked event again; True when it worked and is no longer parked."""
    try:
        with transaction(account_id) as current:
            parked = current.get(ParkedEvent, (account_id, reader.name, seq), with_for_update=True)
            event = current.get(log.Event, (account_id, seq))
            if parked is None or event is None:
                return True
            _handle(reader, event, current)
            current.delete(parked)
            return True
    except _Failed as failure:
        with transaction(account_id) as current:
            parked = current.get(ParkedEvent, (account_id, reader.name, seq), with_for_update=True)
            if parked is not None:
                parked.attempts += 1
                parked.error = _sentence(failure.problem)
        return False


def _handle_batch(reader: Reader, account_id: int, limit: int) -> bool:
    with transaction(account_id) as current:
        cursor = _claim(reader, account_id, current)
        if cursor is None:
            return False
        events, upto = log.follow(account_id, cursor.seq, limit, sorted(reader.names))
        for event in events:
            _handle(reader, event, current)
        is_cut = len(events) == limit or upto == cursor.seq + log.STRIDE
        cursor.seq = upto
        return is_cut


def _one_by_one(reader: Reader, account_id: int) -> bool:
    for _ in range(BATCH):
        try:
            if not _handle_batch(reader, account_id, 1):
                return False
        except _Failed as failure:
            _park(reader, account_id, failure)
    return True


def _handle(reader: Reader, event: log.Event, current: Session) -> None:
    current.info["causation_seq"] = event.seq
    try:
        reader.handle(event)
        current.flush()
    except Exception as problem:
        if was_away(problem):
            raise
        raise _Failed(event.seq, problem) from problem
    finally:
        current.info.pop("causation_seq", None)


def _claim(reader: Reader, account_id: int, current: Session) -> Cursor | None:
    """The reader's cursor, locked; None while somebody else holds it."""
    key = {"account_id": account_id, "reader": reader.name}
    found = current.exec(_FREE, params=key).first()
    if found is not None:
        return found
    # somebody has it, or this is its first event here
    current.connection().execute(insert(Cursor).values(**key, seq=0).on_conflict_do_nothing())
    return current.exec(_FREE, params=key).first()


_FREE = (
    select(Cursor)
    .where(col(Cursor.account_id) == bindparam("account_id"), col(Cursor.reader) == bindparam("reader"))
    .with_for_update(skip_locked=True)
)


def _park(reader: Reader, account_id: int, failure: "_Failed") -> None:
    """Set the event aside and step over it, in one transaction: else a crash in between would lose it."""
    logger.error("%s parks event %s of account %s: %r", reader.name, failure.seq, account_id, failure.problem)
    row = {"account_id": account_id, "reader": reader.name, "seq": failure.seq, "error": _sentence(failure.problem)}
    with transaction(account_id) as current:
        cursor = _claim(reader, account_id, current)
        # it was the next news: if the cursor does not stand before it, somebody else has dealt with it meanwhile
        if cursor is not None and cursor.seq < failure.seq:
            cursor.seq = failure.seq
            current.connection().execute(insert(ParkedEvent).values(row).on_conflict_do_nothing())


def _sentence(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"[:2000]


class _Failed(Exception):
    def __init__(self, seq: int, problem: Exception) -> None:
        super().__init__(f"event {seq}: {problem!r}")
        self.seq = seq
        self.problem = problem
