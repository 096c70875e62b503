"""Lanes: the intake of one sender in one inbox, worked through in order, by one worker at a time.

The rows of a lane, what came of them and their done mark are one commit. A row that fails is tried three times, with its
lane waiting and the others going on; then it is set aside as dead, visible to people, and the lane goes on. So is a row
that processes die with, after six: what kills a process takes along what its other threads had in hand.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import col, select

from app.clock import now
from app.database import across_accounts, session, transaction, was_away
from app.intake import hands
from app.intake.models import Intake, IntakeState

logger = logging.getLogger(__name__)

AT_ONCE = 200
PER_TRANSACTION = 20
ATTEMPTS = 3
# A process killed from without has rows in hand that are innocent, and whoever replaces it takes the same ones first. With
# three, 100 kills within a minute on a busy machine set aside eight of 10,000 messages.
DEATHS = 6


@dataclass(frozen=True)
class Lane:
    """The sender `key` in inbox `inbox_id`."""

    account_id: int
    inbox_id: int
    key: str


Handle = Callable[[Intake], None]
GiveUp = Callable[[Intake, str], None]


def waiting(limit: int = AT_ONCE) -> list[Lane]:
    """The lanes with something to do now, the longest waiting first, fairly between accounts."""
    with across_accounts() as current:
        rows = current.connection().execute(_WAITING, {"limit": limit})
        return [Lane(row.account_id, row.inbox_id, row.lane) for row in rows]


def work(lane: Lane, handle: Handle, give_up: GiveUp) -> bool:
    """Handle the next rows of the lane, in order; True if there may be more. Does nothing while another worker has it."""
    try:
        return _work(lane, handle, PER_TRANSACTION)
    except _Failed as failure:
        logger.warning("intake %s failed: %r", failure.intake_id, failure.problem)
    # what stood before the failing row was undone with it: go one by one, so that it counts
    for _ in range(PER_TRANSACTION):
        try:
            if not _work(lane, handle, 1):
                return False
        except _Failed as failure:
            return _set_back(lane.account_id, failure, give_up, ATTEMPTS)
    return True


def count_fallen(give_up: GiveUp) -> None:
    """What a process of this machine died with has been tried once more."""
    for account_id, intake_id in hands.fallen():
        death = _Failed(intake_id, RuntimeError("the process that worked on it died"))
        _set_back(account_id, death, give_up, DEATHS)


def _work(lane: Lane, handle: Handle, limit: int) -> bool:
    with hands.resting(), transaction(lane.account_id):
        clock = _hold(lane)
        if clock is None:
            return False
        rows = _next(lane, limit, clock)
        for row in rows:
            hands.take(row.account_id, row.id)
            try:
                handle(row)
                session().flush()
            except Exception as problem:
                if was_away(problem):
                    raise
                raise _Failed(row.id, problem) from problem
        if rows:
            done = {"account_id": lane.account_id, "ids": [row.id for row in rows], "moment": now()}
            session().connection().execute(_DONE, done)
        return len(rows) == limit


def _set_back(account_id: int, failure: "_Failed", give_up: GiveUp, tries: int) -> bool:
    with transaction(account_id) as current:
        row = current.get(Intake, (account_id, failure.intake_id), with_for_update=True)
        if row is None or row.state != IntakeState.READY:
            return True
        row.attempts += 1
        row.error = f"{type(failure.problem).__name__}: {failure.problem}"[:2000]
        current.flush()
        if row.attempts < tries:
            current.connection().execute(_LATER, {"account_id": row.account_id, "id": row.id, "attempts": row.attempts})
            return False
        row.state = IntakeState.DEAD
        give_up(row, row.error)
        return True


def _hold(lane: Lane) -> datetime | None:
    """The database's time, once the lane is ours until the commit; None while it is another's."""
    key = {"key": f"{lane.account_id}/{lane.inbox_id}/{lane.key}"}
    return session().connection().execute(_LOCK, key).scalar()


def _next(lane: Lane, limit: int, clock: datetime) -> list[Intake]:
    query = (
        select(Intake)
        .where(
            col(Intake.account_id) == lane.account_id,
            col(Intake.inbox_id) == lane.inbox_id,
            col(Intake.lane) == lane.key,
            col(Intake.state) == IntakeState.READY,
        )
        .order_by(col(Intake.id))
        .limit(limit)
        .with_for_update()
    )
    rows = list(session().exec(query))
    return rows if rows and rows[0].available_at <= clock else []


class _Failed(Exception):
    def __init__(self, intake_id: int, problem: Exception) -> None:
        super().__init__(f"intake {intake_id}: {problem!r}")
        self.intake_id = intake_id
        self.problem = problem


_LOCK = text("select case when pg_try_advisory_xact_lock(hashtextextended(:key, 0)) then now() end")
_DONE = text("update intake set state = 'done', done_at = :moment where account_id = :account_id and id = any(:ids)")
# Not all at the same moment: what fell together must not fall together again.
_LATER = text(
    "update intake set available_at = now() + make_interval(secs => power(3, least(:attempts, 3)) * (0.5 + random()))"
    " where account_id = :account_id and id = :id"
)
# The first row of a lane decides: while it waits to be tried again, those behind it wait too.
_WAITING = text(
    "select account_id, inbox_id, lane from ("
    " select distinct on (inbox_id, lane) account_id, inbox_id, lane, id, available_at"
    " from intake where state = 'ready' order by inbox_id, lane, id) firsts"
    " where available_at <= now()"
    " order by row_number() over (partition by account_id order by id), id limit :limit"
)
