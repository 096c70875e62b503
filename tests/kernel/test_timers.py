"""Timers: what is due happens exactly once, whoever looks and however often."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update
from sqlmodel import col, select

from app import timers
from app.accounts.models import Account
from app.database import session, transaction
from app.events import log
from app.events.record import record
from app.timers import Timer, TimerState, cancel, fire_due, set_timer
from tests.kernel.conftest import at_once

PAST = datetime(2026, 1, 1, tzinfo=UTC)


def fire(timer: Timer) -> None:
    """An effect that can be counted, also when it happens twice."""
    account = session().get_one(Account, timer.account_id)
    record("account.updated", account, by="system", changed=[timer.ref])


KINDS = {"test": fire}


def fired(account_id: int) -> list[str]:
    with transaction(account_id):
        return sorted(event.data["changed"][0] for event in log.read(account_id, 1, 1000))


def states(account_id: int) -> set[str]:
    with transaction(account_id) as current:
        return set(current.exec(select(Timer.state)))


def attempts(account_id: int) -> set[int]:
    with transaction(account_id) as current:
        return set(current.exec(select(Timer.attempts)))


def test_four_tickers_racing_fire_each_timer_once(acme, globex):
    refs = [f"{number:03}" for number in range(200)]
    for account_id in (acme, globex):
        with transaction(account_id):
            for ref in refs:
                set_timer(account_id, "test", ref, PAST)

    def tick(_number: int) -> None:
        while fire_due(KINDS, limit=50):
            pass

    at_once(4, tick)
    assert fired(acme) == refs
    assert fired(globex) == refs
    assert states(acme) == {TimerState.FIRED}
    assert attempts(acme) == attempts(globex) == {0}, "nobody even tried what another had in hand"


def test_nothing_fires_before_its_time_by_the_clock_of_the_database(acme):
    with transaction(acme) as current:
        soon = current.connection().execute(text("select now() + interval '1 hour'")).scalar_one()
        set_timer(acme, "test", "early", soon)
    fire_due(KINDS)
    assert fired(acme) == []
    with transaction(acme) as current:
        current.connection().execute(update(Timer).where(col(Timer.account_id) == acme).values(due_at=PAST))
    fire_due(KINDS)
    assert fired(acme) == ["early"]


def test_the_same_timer_set_twice_fires_once(acme):
    for _turn in range(2):
        with transaction(acme):
            set_timer(acme, "test", "once", PAST)
        fire_due(KINDS)
    assert fired(acme) == ["once"]


def test_a_cancelled_timer_stays_silent_until_it_is_set_again(acme):
    with transaction(acme):
        set_timer(acme, "test", "a", PAST)
        cancel(acme, "test", "a")
    fire_due(KINDS)
    assert fired(acme) == []
    with transaction(acme):
        set_timer(acme, "test", "a", PAST)
    fire_due(KINDS)
    assert fired(acme) == ["a"]


def test_a_failing_timer_undoes_itself_is_tried_again_and_holds_up_nobody(acme):
    with transaction(acme):
        set_timer(acme, "test", "bad", PAST)
        set_timer(acme, "test", "good", PAST + timedelta(days=1))

    def stumble(timer: Timer) -> None:
        fire(timer)
        if timer.ref == "bad":
            raise ZeroDivisionError("no such thing")

    fire_due({"test": stumble})
    assert fired(acme) == ["good"]
    fire_due(KINDS)
    assert fired(acme) == ["bad", "good"]


def test_a_timer_that_never_works_is_given_up_with_its_reason(acme):
    def fail(_timer: Timer) -> None:
        raise ZeroDivisionError("no such thing")

    with transaction(acme):
        set_timer(acme, "test", "bad", PAST)
    for _turn in range(timers.ATTEMPTS + 1):
        fire_due({"test": fail})
    with transaction(acme) as current:
        timer = current.exec(select(Timer)).one()
        assert (timer.state, timer.attempts) == (TimerState.FAILED, timers.ATTEMPTS)
        assert "no such thing" in (timer.error or "")


def test_a_failed_try_waits_longer_each_time(acme):
    with transaction(acme) as current:
        now = current.connection().execute(text("select now()")).scalar_one()
        set_timer(acme, "test", "bad", now)
        current.connection().execute(update(Timer).where(col(Timer.account_id) == acme).values(attempts=10))
    assert fire_due(KINDS) == 0


class Killed(BaseException):
    """What no handler catches: the process is gone at this very place."""


def test_a_ticker_that_dies_while_firing_loses_nothing(acme):
    def die(timer: Timer) -> None:
        fire(timer)
        raise Killed

    with transaction(acme):
        set_timer(acme, "test", "a", PAST)
    with pytest.raises(Killed):
        fire_due({"test": die})
    fire_due(KINDS)
    assert fired(acme) == ["a"]


def test_kinds_nobody_here_knows_are_left_to_others(acme):
    with transaction(acme):
        set_timer(acme, "other", "a", PAST)
    assert fire_due(KINDS) == 0
    assert states(acme) == {TimerState.PENDING}
