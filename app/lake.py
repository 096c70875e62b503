"""The lake: every account's log as Parquet and its marts, kept fresh by `kulpunai work lake`, a process of its own.

What is new is looked for every few seconds; extraction goes on where the last part ends, so any crash costs a repeat.
With LAKE_URL the folder here is a working copy: what other machines have put there comes first, what was made here goes there.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from analytics import mirror
from analytics.build import build
from analytics.command import export_command
from analytics.export import People
from analytics.extract import extract
from analytics.lake import LakeError
from analytics.lake import account as home_of
from app import outbound
from app.accounts.actions import tell_of_export
from app.accounts.models import Account
from app.config import settings
from app.database import APP_ROLE, across_accounts, transaction
from app.errors import ChannelError
from app.events import log

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


def folder() -> Path:
    """Where the lake is."""
    return settings().home / "lake"


def run() -> None:
    """Keep every account's numbers fresh until SIGTERM or SIGINT."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    done: dict[int, int] = {}
    rests_until: dict[int, float] = {}
    while not stop.is_set():
        try:
            for account_id, seq in _newest().items():
                began = time.monotonic()
                if stop.is_set() or done.get(account_id) == seq or rests_until.get(account_id, 0) > began:
                    continue
                if _tend(account_id):
                    done[account_id] = seq
                # a large account's marts take a while: let them take half of the time at most
                rests_until[account_id] = time.monotonic() + (time.monotonic() - began)
        except (SQLAlchemyError, psycopg.Error) as problem:
            logger.warning("the lake waits for the database: %s", type(problem).__name__)
        stop.wait(LOOK_SECONDS)


def _tend(account_id: int) -> bool:
    """Whether it is fresh now. What is wrong with one account's lake is said, and keeps nobody else waiting."""
    try:
        return refresh(account_id)
    except (SQLAlchemyError, psycopg.Error):
        raise
    except Exception:
        logger.exception("the lake of account %s could not be brought up to date; it tries again", account_id)
        return False


def refresh(account_id: int) -> bool:
    """Bring one account's lake up to date; False if the storage behind LAKE_URL could not be reached, and is not."""
    folder().mkdir(parents=True, exist_ok=True)
    if not settings().lake_url:
        _bring(account_id)
        return True
    home = home_of(folder(), account_id)
    with _alone(account_id):
        _try(lambda: mirror.pull(home, mirror.store(storage_url(), account_id)))
        _bring(account_id)
        return _try(lambda: mirror.push(home, mirror.store(storage_url(), account_id)))


def storage_url() -> str:
    """Where the lake is copied to; empty when nowhere. outbound.Refused for an endpoint in a network we may not call."""
    if settings().lake_url and (endpoint := mirror.endpoint()):
        called = urlsplit(endpoint)
        port = called.port or (80 if called.scheme == "http" else 443)
        outbound.addresses(called.hostname or "", port, frozenset({port}))
    return settings().lake_url


def _bring(account_id: int) -> None:
    """The log to the folder, and the marts of it. Row-level security is on while it is read."""
    with connected(account_id) as connection:
        extract(connection, account_id, folder())
    build(folder(), account_id)


def _try(work: Callable[[], object]) -> bool:
    """Whether it could be done; the numbers here stay fresh when it could not."""
    try:
        work()
    except (OSError, LakeError, ChannelError) as problem:
        logger.warning("the lake's storage: %s", problem)
        return False
    return True


@contextmanager
def _alone(account_id: int) -> Iterator[None]:
    """Of all machines on this database, one at a time tends the account's storage."""
    with _connection() as connection:
        connection.autocommit = True
        connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [f"lake/{account_id}"])
        yield


def export(account_id: int, out: Path, *, with_personal_data: bool, by: str, is_csv: bool) -> dict[str, int]:
    """Rows by table of the account's export, as fresh as can be. Names and words of people are told to the log first."""
    refresh(account_id)
    if with_personal_data:
        with transaction(account_id) as current:
            tell_of_export(current.get_one(Account, account_id), by=by)
    with connected(account_id) as connection:
        people = People(connection, with_personal_data)
        return export_command(folder(), account_id, out, people=people, is_csv=is_csv)


@contextmanager
def connected(account_id: int) -> Iterator[psycopg.Connection[Any]]:
    """A connection that sees the rows of this account, and no others."""
    with _connection() as connection:
        connection.execute(
            "select set_config('role', %s, false), set_config('app.account_id', %s, false)", (APP_ROLE, str(account_id))
        )
        yield connection


def _connection() -> psycopg.Connection[Any]:
    return psycopg.connect(settings().sqlalchemy_url.replace("postgresql+psycopg://", "postgresql://", 1))


def _newest() -> dict[int, int]:
    with across_accounts() as current:
        ids = set(current.exec(select(col(Account.id))))
        return log.last_seqs(ids)
