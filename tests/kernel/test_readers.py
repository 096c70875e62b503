"""Readers: what they do in the database happens exactly once; what fails is set aside, and the rest goes on."""

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from app.accounts.models import Account
from app.database import session, transaction
from app.events import cursors, log, runner
from app.events.cursors import Cursor, ParkedEvent
from app.events.record import record
from app.labels.models import Label
from tests.kernel.conftest import at_once

NAMES = frozenset({"account.updated"})


def tell(account_id: int, count: int) -> None:
    """Events 2 … count + 1, as the first tells of the account itself."""
    with transaction(account_id) as current:
        for number in range(count):
            record("account.updated", current.get_one(Account, account_id), by="system", changed=[f"n{number}"])


def write_label(event: log.Event) -> None:
    """An effect that can be counted: two of the same name are refused by the database."""
    session().add(Label(account_id=event.account_id, title=event.data["changed"][0]))


def labels(account_id: int) -> list[str]:
    with transaction(account_id) as current:
        return list(current.exec(select(Label.title).order_by(col(Label.id))))


def cursor(account_id: int, name: str = "test") -> int:
    with transaction(account_id) as current:
        found = current.get(Cursor, (account_id, name))
        return found.seq if found else 0


def parked(account_id: int) -> list[int]:
    with transaction(account_id) as current:
        return list(current.exec(select(ParkedEvent.seq)))


def reader(handle=write_label) -> runner.Reader:
    return runner.Reader("test", NAMES, handle)


def read_all(handle, account_id: int) -> None:
    while runner.catch_up(reader(handle), account_id):
        pass


def test_a_reader_handles_each_event_once_and_moves_on(acme):
    tell(acme, 250)
    read_all(write_label, acme)
    assert labels(acme) == [f"n{number}" for number in range(250)]
    assert cursor(acme) == 251
    runner.catch_up(reader(), acme)
    assert len(labels(acme)) == 250


def test_several_processes_reading_for_one_reader_do_nothing_twice(acme):
    tell(acme, 300)

    def read(_number: int) -> None:
        for _turn in range(20):
            runner.catch_up(reader(), acme)

    at_once(4, read)
    read_all(write_label, acme)
    assert labels(acme) == [f"n{number}" for number in range(300)]
    assert parked(acme) == []


def test_one_bad_event_is_parked_alone(acme):
    tell(acme, 120)

    def stumble(event: log.Event) -> None:
        write_label(event)
        if event.data["changed"] == ["n7"]:
            raise ZeroDivisionError("seven")

    read_all(stumble, acme)
    assert labels(acme) == [f"n{number}" for number in range(120) if number != 7]
    assert parked(acme) == [9]
    with transaction(acme) as current:
        assert "seven" in current.get_one(ParkedEvent, (acme, "test", 9)).error


def test_a_parked_event_tried_again_is_done_once_and_forgotten(acme):
    tell(acme, 3)

    def fail(_event: log.Event) -> None:
        raise ZeroDivisionError

    read_all(fail, acme)
    assert parked(acme) == [2, 3, 4]
    assert not runner.retry(reader(fail), acme, 3)
    assert runner.retry(reader(), acme, 3)
    assert runner.retry(reader(), acme, 3)
    assert labels(acme) == ["n1"]
    assert parked(acme) == [2, 4]


class Killed(BaseException):
    """What no handler catches: the process is gone at this very place."""


@pytest.mark.parametrize("place", [2, 60, 101, 102, 150])
def test_a_reader_that_dies_anywhere_in_a_batch_loses_and_repeats_nothing(acme, place):
    tell(acme, 150)

    def die(event: log.Event) -> None:
        write_label(event)
        if event.seq == place:
            raise Killed

    with pytest.raises(Killed):
        read_all(die, acme)
    read_all(write_label, acme)
    assert labels(acme) == [f"n{number}" for number in range(150)]
    assert parked(acme) == []


def test_a_reader_that_dies_while_parking_loses_nothing(acme, monkeypatch):
    tell(acme, 5)

    def fail(event: log.Event) -> None:
        if event.seq == 4:
            raise ZeroDivisionError
        write_label(event)

    def die(*_args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(runner, "_park", die)
        with pytest.raises(Killed):
            runner.catch_up(reader(fail), acme)
    read_all(fail, acme)
    assert labels(acme) == ["n0", "n1", "n3", "n4"]
    assert parked(acme) == [4]


def test_a_lost_database_parks_nothing(acme, cut_connection):
    tell(acme, 3)

    def cut(event: log.Event) -> None:
        write_label(event)
        if event.seq == 3:
            cut_connection()

    with pytest.raises(DBAPIError):
        runner.catch_up(reader(cut), acme)
    assert parked(acme) == []
    runner.catch_up(reader(), acme)
    assert labels(acme) == ["n0", "n1", "n2"]


def test_what_a_reader_records_names_its_cause(acme):
    tell(acme, 1)

    def answer(event: log.Event) -> None:
        if event.causation_seq is None:
            record("account.updated", session().get_one(Account, acme), by="automation", changed=["echo"])

    read_all(answer, acme)
    runner.catch_up(reader(answer), acme)
    with transaction(acme):
        assert [event.causation_seq for event in log.read(acme, 1)] == [None, 2]


def test_the_readers_that_lag_are_known(acme, globex):
    tell(acme, 3)
    runner.catch_up(reader(), acme)
    tell(acme, 2)
    lags = {(lag.account_id, lag.reader): lag.behind for lag in cursors.lagging(["test", "other"])}
    assert lags == {(acme, "test"): 2, (acme, "other"): 6, (globex, "test"): 1, (globex, "other"): 1}
