"""The lake: every account's log as Parquet and its marts, kept fresh by `kulpunai work lake`, a process of its own.

What is new is looked for every few seconds; extraction goes on where the last part ends, so any crash costs a repeat.
"""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from analytics.build import build
from analytics.command import export_command
from analytics.export import People
from analytics.extract import extract
from app.accounts.actions import tell_of_export
from app.accounts.models import Account
from app.config import settings
from app.database import APP_ROLE, across_accounts, transaction
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
                refresh(account_id)
                done[account_id] = seq
                # a large account's marts take a while: let them take half of the time at most
                rests_until[account_id] = time.monotonic() + (time.monotonic() - began)
        except (SQLAlchemyError, psycopg.Error) as problem:
            logger.warning("the lake waits for the database: %s", type(problem).__name__)
        except Exception:
            logger.exception("the lake could not be brought up to date; it tries again")
        stop.wait(LOOK_SECONDS)


def refresh(account_id: int) -> bool:
    """Bring one account's lake up to date; True if a new build is shown. Row-level security is on while it is read."""
    folder().mkdir(parents=True, exist_ok=True)
    with connected(account_id) as connection:
        extract(connection, account_id, folder())
    return build(folder(), account_id)


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
    url = settings().sqlalchemy_url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(url) as connection:
        connection.execute(
            "select set_config('role', %s, false), set_config('app.account_id', %s, false)", (APP_ROLE, str(account_id))
        )
        yield connection


def _newest() -> dict[int, int]:
    with across_accounts() as current:
        ids = set(current.exec(select(col(Account.id))))
        return log.last_seqs(ids)
