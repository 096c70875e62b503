"""Accounts and an inbox that the kernel's tests work on."""

import threading
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import text

from app.accounts.actions import open_account
from app.database import across_accounts, session, transaction
from app.embedded import SUPERUSER, Cluster
from app.inboxes.actions import create_inbox
from app.inboxes.models import Channel, Inbox


def account(name: str) -> int:
    with across_accounts():
        return open_account(name, by="system").id


def inbox_of(account_id: int, bot_token: str = "123456:kernel-test") -> Inbox:
    with transaction(account_id):
        secrets = {"bot_token": bot_token}
        return create_inbox(account_id, Channel.TELEGRAM, "Telegram", by="system", channel_secrets=secrets)


@pytest.fixture
def acme(database: None) -> int:
    return account("Acme")


@pytest.fixture
def globex(database: None) -> int:
    return account("Globex")


@pytest.fixture
def inbox(acme: int) -> Inbox:
    return inbox_of(acme)


@pytest.fixture
def cut_connection(cluster: Cluster) -> Callable[[], None]:
    """Has the server end the connection of the transaction we are in; the next word on it fails."""

    def cut() -> None:
        number = session().connection().execute(text("select pg_backend_pid()")).scalar_one()
        with psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True) as administrator:
            administrator.execute("select pg_terminate_backend(%s)", [number])

    return cut


def at_once(count: int, work: Callable[[int], None], seconds: float = 120) -> None:
    """`work(0)` … `work(count - 1)`, each in a thread of its own, all let go at the same moment. What fails in one fails here."""
    gate, problems = threading.Barrier(count), []

    def run(number: int) -> None:
        try:
            gate.wait(seconds)
            work(number)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not [thread for thread in threads if thread.is_alive()], "somebody waits for ever"
    if problems:
        raise problems[0]
