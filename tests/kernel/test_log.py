"""The log: whoever reads `seq > cursor` misses nothing, however many write."""

import contextlib
import random
import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.accounts.models import Account
from app.database import session, transaction
from app.events import log
from app.events.record import record
from tests.kernel.conftest import account, at_once

WRITERS = 8
EACH = 150


def test_a_reader_racing_many_writers_sees_every_event_once_and_in_order(database):
    accounts = [account(f"Account {n}") for n in range(3)]
    written = [set() for _ in accounts]
    seen = [[] for _ in accounts]
    done = threading.Event()

    def write(number: int) -> None:
        dice = random.Random(number)
        for turn in range(EACH):
            which = dice.randrange(len(accounts))
            marks = [f"{number}/{turn}/{n}" for n in range(dice.randrange(1, 4))]
            with transaction(accounts[which]) as current:
                mine = current.get_one(Account, accounts[which])
                for mark in marks:
                    record("account.updated", mine, by="system", changed=[mark])
                time.sleep(dice.random() / 200)
            written[which].update(marks)

    def read() -> None:
        while True:
            was_done = done.is_set()
            for which, account_id in enumerate(accounts):
                cursor = seen[which][-1].seq if seen[which] else 0
                with transaction(account_id):
                    seen[which].extend(log.read(account_id, cursor, 1000))
            if was_done:
                return

    reader = threading.Thread(target=read)
    reader.start()
    at_once(WRITERS, write)
    done.set()
    reader.join(30)

    for which, account_id in enumerate(accounts):
        assert [event.seq for event in seen[which]] == list(range(1, len(seen[which]) + 1))
        marks = [event.data["changed"][0] for event in seen[which] if event.name == "account.updated"]
        assert sorted(marks) == sorted(written[which])
        for writer in range(WRITERS):
            mine = [mark for mark in marks if mark.startswith(f"{writer}/")]
            assert mine == sorted(mine, key=lambda mark: [int(part) for part in mark.split("/")])
        with transaction(account_id):
            assert log.last_seq(account_id) == len(seen[which])


def test_what_is_undone_leaves_no_gap(acme):
    with contextlib.suppress(ZeroDivisionError), transaction(acme) as current:
        record("account.updated", current.get_one(Account, acme), by="system", changed=["lost"])
        raise ZeroDivisionError
    with transaction(acme) as current:
        record("account.updated", current.get_one(Account, acme), by="system", changed=["kept"])
    with transaction(acme):
        events = log.read(acme, 0)
    assert [(event.seq, event.name) for event in events] == [(1, "account.created"), (2, "account.updated")]
    assert events[1].data["changed"] == ["kept"]


def test_a_savepoint_undone_later_does_not_take_what_was_recorded_before_it(acme):
    with transaction(acme) as current:
        record("account.updated", current.get_one(Account, acme), by="system", changed=["kept"])
        with pytest.raises(ZeroDivisionError), current.begin_nested():
            raise ZeroDivisionError
    with transaction(acme):
        assert [event.data.get("changed") for event in log.read(acme, 1)] == [["kept"]]


def test_nothing_is_recorded_inside_a_savepoint(acme):
    with transaction(acme) as current, current.begin_nested(), pytest.raises(RuntimeError):
        record("account.updated", session().get_one(Account, acme), by="system", changed=[])


def test_what_is_written_stays_written(acme):
    for statement in ("update event set name = 'other'", "delete from event"):
        with pytest.raises(DBAPIError), transaction(acme) as current:
            current.connection().execute(text(statement))
    with transaction(acme):
        assert [event.name for event in log.read(acme, 0)] == ["account.created"]
