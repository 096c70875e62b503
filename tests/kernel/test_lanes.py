"""Lanes: what one sender sent is worked through in order, by one worker at a time; poison stays in its lane."""

import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from app.config import ROOT
from app.database import session, transaction
from app.inboxes.models import Inbox
from app.intake import hands, lanes
from app.intake.actions import take_in
from app.intake.models import Intake, IntakeState
from app.labels.models import Label
from tests.kernel.conftest import at_once, inbox_of


def bring(inbox: Inbox, lane: str, *keys: str) -> None:
    with transaction(inbox.account_id):
        for key in keys:
            take_in(inbox.account_id, inbox.id, provider_key=key, lane=lane, raw=key.encode())


def keep(row: Intake) -> None:
    """An effect that can be counted: two of the same name are refused by the database."""
    session().add(Label(account_id=row.account_id, title=row.raw.decode()))


def no_give_up(row: Intake, reason: str) -> None:
    raise AssertionError(f"{row.raw!r} was given up: {reason}")


def kept(account_id: int) -> list[str]:
    with transaction(account_id) as current:
        return list(current.exec(select(Label.title).order_by(col(Label.id))))


def work_all(handle=keep, give_up=no_give_up) -> None:
    while waiting := lanes.waiting():
        for lane in waiting:
            while lanes.work(lane, handle, give_up):
                pass


def states(account_id: int) -> dict[str, str]:
    with transaction(account_id) as current:
        return {row.provider_key: row.state for row in current.exec(select(Intake))}


def let_time_pass(account_id: int) -> None:
    """What waits for its next try may be tried now."""
    with transaction(account_id) as current:
        past = text("now() - interval '1 hour'")
        current.connection().execute(
            update(Intake).where(col(Intake.account_id) == account_id).values(available_at=past)
        )


def test_what_came_twice_is_kept_once(inbox):
    with transaction(inbox.account_id):
        assert take_in(inbox.account_id, inbox.id, provider_key="1", lane="a", raw=b"x")
        assert not take_in(inbox.account_id, inbox.id, provider_key="1", lane="a", raw=b"x")
    work_all()
    bring(inbox, "a", "1")
    work_all()
    assert kept(inbox.account_id) == ["x"]


def test_a_lane_is_worked_through_in_order(inbox):
    keys = [f"{number:03}" for number in range(65)]
    bring(inbox, "a", *keys)
    work_all()
    assert kept(inbox.account_id) == keys


def test_many_workers_keep_the_order_of_every_lane_and_do_nothing_twice(inbox):
    senders = [f"sender{number}" for number in range(6)]
    for turn in range(30):
        for sender in senders:
            bring(inbox, sender, f"{sender}/{turn:02}")

    at_once(6, lambda _number: work_all())
    work_all()

    done = kept(inbox.account_id)
    assert len(done) == 180
    with transaction(inbox.account_id) as current:
        assert set(current.exec(select(Intake.attempts))) == {0}
    for sender in senders:
        mine = [title for title in done if title.startswith(f"{sender}/")]
        assert mine == sorted(mine)


def test_no_two_workers_are_in_one_lane(inbox):
    bring(inbox, "a", "1", "2")
    [lane] = lanes.waiting()

    def look_in_again(row: Intake) -> None:
        keep(row)
        found = []
        at_once(1, lambda _number: found.append(lanes.work(lane, no_handle, no_give_up)))
        assert found == [False]

    def no_handle(_row: Intake) -> None:
        raise AssertionError("somebody else was let in")

    lanes.work(lane, look_in_again, no_give_up)
    assert kept(inbox.account_id) == ["1", "2"]


def poisoned(row: Intake) -> None:
    keep(row)
    if b"poison" in row.raw:
        raise ZeroDivisionError("cannot be read")


def test_poison_is_tried_three_times_then_set_aside_where_people_see_it(inbox):
    bring(inbox, "a", "before", "poison", "after")
    seen = []

    def give_up(row: Intake, reason: str) -> None:
        seen.append((row.provider_key, reason))
        session().add(Label(account_id=row.account_id, title="stub"))

    for attempt in (1, 2):
        work_all(poisoned, give_up)
        assert states(inbox.account_id) == {"before": "done", "poison": "ready", "after": "ready"}
        assert lanes.waiting() == [], f"after try {attempt} the lane waits a while"
        let_time_pass(inbox.account_id)
    work_all(poisoned, give_up)

    assert states(inbox.account_id) == {"before": "done", "poison": "dead", "after": "done"}
    assert seen == [("poison", "ZeroDivisionError: cannot be read")]
    assert kept(inbox.account_id) == ["before", "stub", "after"]


def test_nobody_passes_the_first_of_a_lane_while_it_waits_for_its_next_try(inbox):
    bring(inbox, "a", "poison", "after")
    [lane] = lanes.waiting()
    work_all(poisoned)
    assert not lanes.work(lane, keep, no_give_up), "a worker that had seen the lane before"
    assert kept(inbox.account_id) == []


DEADLY = """
import os, time
from app.intake import hands, lanes

def handle(row):
    if row.raw == b"deadly":
        os._exit(137)
    while row.raw == b"endless":
        pass

hands.LONGEST_SECONDS = 0.2
for lane in lanes.waiting():
    lanes.work(lane, handle, lambda row, reason: None)
"""


@pytest.mark.parametrize("poison", ["deadly", "endless"])
def test_what_kills_the_process_that_reads_it_is_set_aside_after_six_deaths(inbox, poison):
    bring(inbox, "a", "before", poison, "after")
    seen = []
    for _death in range(lanes.DEATHS):
        assert seen == []
        died = subprocess.run([sys.executable, "-c", DEADLY], cwd=ROOT, check=False, stderr=subprocess.DEVNULL)
        assert died.returncode
        lanes.count_fallen(lambda row, reason: seen.append((row.provider_key, reason)))
        let_time_pass(inbox.account_id)

    assert seen == [(poison, "RuntimeError: the process that worked on it died")]
    work_all()
    assert states(inbox.account_id) == {"before": "done", poison: "dead", "after": "done"}


def test_what_fell_together_does_not_come_back_at_the_same_moment(inbox):
    for key in "abcdef":
        bring(inbox, key, key)

    def fall(_row: Intake) -> None:
        raise ZeroDivisionError

    work_all(fall)
    with transaction(inbox.account_id) as current:
        moments = list(current.exec(select(Intake.available_at)))
    assert max(moments) - min(moments) > timedelta(seconds=0.1)


def test_a_worker_that_lives_is_not_mourned(inbox):
    bring(inbox, "a", "1", "2")
    told = []

    def look(row: Intake) -> None:
        keep(row)
        told.extend(hands.fallen())

    # a thread of its own has a file of its own, which nobody has seen before
    at_once(1, lambda _number: work_all(look))
    at_once(1, lambda _number: told.extend(hands.fallen()))
    assert told == []


def test_poison_does_not_delay_other_lanes(inbox):
    bring(inbox, "a", "poison", "a1")
    bring(inbox, "b", "b1")
    bring(inbox_of(inbox.account_id), "a", "c1")
    work_all(poisoned)
    assert kept(inbox.account_id) == ["b1", "c1"]


class Killed(BaseException):
    """What no handler catches: the process is gone at this very place."""


@pytest.mark.parametrize("place", range(1, 25, 4))
def test_a_worker_that_dies_anywhere_loses_and_repeats_nothing(inbox, place):
    keys = [f"{number:02}" for number in range(1, 26)]
    bring(inbox, "a", *keys)

    def die(row: Intake) -> None:
        keep(row)
        if row.provider_key == f"{place:02}":
            raise Killed

    with pytest.raises(Killed):
        work_all(die)
    work_all()
    assert kept(inbox.account_id) == keys


def test_a_lost_database_is_no_failed_try(inbox, cut_connection):
    bring(inbox, "a", "1", "2")

    def cut(row: Intake) -> None:
        keep(row)
        cut_connection()

    for _turn in range(4):
        with pytest.raises(DBAPIError):
            work_all(cut)
    with transaction(inbox.account_id) as current:
        assert {row.attempts for row in current.exec(select(Intake))} == {0}
    work_all()
    assert kept(inbox.account_id) == ["1", "2"]


def test_an_account_with_a_flood_does_not_make_others_wait(inbox, globex):
    for number in range(300):
        bring(inbox, f"sender{number}", f"{number}")
    other = inbox_of(globex)
    bring(other, "quiet", "1")
    assert lanes.Lane(globex, other.id, "quiet") in lanes.waiting(limit=2)


def test_a_dead_row_keeps_its_bytes_and_can_be_given_another_try(inbox):
    bring(inbox, "a", "poison")
    for _turn in range(3):
        work_all(poisoned, lambda _row, _reason: None)
        let_time_pass(inbox.account_id)
    with transaction(inbox.account_id) as current:
        row = current.exec(select(Intake)).one()
        assert (row.state, row.raw, row.attempts) == (IntakeState.DEAD, b"poison", 3)
        row.state = IntakeState.READY
    work_all()
    assert kept(inbox.account_id) == ["poison"]
