"""The courier: sends in order, fairly, never blindly twice; what a dead worker held comes back."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import col, select

from app.clock import now
from app.database import across_accounts, transaction
from app.deliveries import courier
from app.deliveries.actions import owe, send_again
from app.deliveries.courier import Kind, deliver_next, recover
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError
from tests.kernel.conftest import account, at_once


class Outside:
    """Somebody who is sent things, and what he was sent. `answer` may refuse by raising."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.ended: list[tuple[str, str, str]] = []
        self.answer: Callable[[str], Any] = lambda _ref: None
        self._lock = threading.Lock()

    def kind(self, **more: Any) -> dict[str, Kind]:
        return {
            "test": Kind("test", lambda delivery: delivery.ref, self._take, self._sent, self._ended, **more),
        }

    def _take(self, ref: str) -> str:
        self.answer(ref)
        with self._lock:
            self.received.append(ref)
        return f"receipt for {ref}"

    def _sent(self, delivery: Delivery, receipt: str) -> None:
        assert receipt == f"receipt for {delivery.ref}"

    def _ended(self, delivery: Delivery, state: DeliveryState, reason: str) -> None:
        self.ended.append((delivery.ref, state.value, reason))


@pytest.fixture
def outside() -> Outside:
    return Outside()


def owed(account_id: int, *refs: str, lane: str | None = None) -> None:
    with transaction(account_id):
        for ref in refs:
            owe(account_id, "test", ref, lane=lane or ref)


def send_all(kinds: dict[str, Kind]) -> None:
    while deliver_next(kinds):
        pass


def states(account_id: int) -> dict[str, str]:
    with transaction(account_id) as current:
        return {row.ref: row.state for row in current.exec(select(Delivery))}


def one(account_id: int, ref: str) -> Delivery:
    with transaction(account_id) as current:
        return current.exec(select(Delivery).where(col(Delivery.ref) == ref)).one()


def seconds_until_due(account_id: int, ref: str) -> float:
    with transaction(account_id) as current:
        query = text("select extract(epoch from available_at - now()) from delivery where ref = :ref")
        return float(current.connection().execute(query, {"ref": ref}).scalar_one())


def let_time_pass(account_id: int) -> None:
    """Whatever waits may be tried now, and every lease has run out."""
    past = text("now() - interval '1 hour'")
    with transaction(account_id) as current:
        mine = update(Delivery).where(col(Delivery.account_id) == account_id)
        current.connection().execute(mine.values(available_at=past))
        current.connection().execute(mine.where(col(Delivery.leased_until).is_not(None)).values(leased_until=past))


def test_what_is_owed_is_sent_once(acme, outside):
    owed(acme, "a", "b")
    owed(acme, "a")
    send_all(outside.kind())
    assert sorted(outside.received) == ["a", "b"]
    assert states(acme) == {"a": "done", "b": "done"}


def test_what_was_undone_is_not_owed(acme, outside):
    with contextlib.suppress(ZeroDivisionError), transaction(acme):
        owe(acme, "test", "a", lane="a")
        raise ZeroDivisionError
    send_all(outside.kind())
    assert outside.received == []


def test_a_lane_goes_out_in_order_with_many_couriers(acme, outside):
    refs = [f"{number:03}" for number in range(40)]
    owed(acme, *refs, lane="one")
    others = [f"other{number}" for number in range(20)]
    owed(acme, *others)

    at_once(6, lambda _number: send_all(outside.kind()))
    send_all(outside.kind())

    assert [ref for ref in outside.received if ref.isdigit()] == refs
    assert sorted(ref for ref in outside.received if not ref.isdigit()) == sorted(others)


def test_what_waits_for_another_try_holds_its_lane_and_no_other(acme, outside):
    owed(acme, "first", "second", lane="one")
    owed(acme, "elsewhere")

    def refuse(ref: str) -> None:
        if ref == "first":
            raise ChannelError("busy", permanent=False)

    outside.answer = refuse
    send_all(outside.kind())
    assert outside.received == ["elsewhere"]
    outside.answer = lambda _ref: None
    let_time_pass(acme)
    send_all(outside.kind())
    assert outside.received == ["elsewhere", "first", "second"]


def test_a_permanent_refusal_is_told_and_the_lane_goes_on(acme, outside):
    owed(acme, "first", "second", lane="one")

    def refuse(ref: str) -> None:
        if ref == "first":
            raise ChannelError("blocked", permanent=True)

    outside.answer = refuse
    send_all(outside.kind())
    assert outside.received == ["second"]
    assert outside.ended == [("first", "dead", "blocked")]
    assert states(acme) == {"first": "dead", "second": "done"}


def test_retry_after_is_honoured(acme, outside):
    owed(acme, "a")

    def refuse(_ref: str) -> None:
        raise ChannelError("slow down", permanent=False, retry_at=now() + timedelta(seconds=600))

    outside.answer = refuse
    send_all(outside.kind())
    assert 590 < seconds_until_due(acme, "a") < 610


def test_each_refusal_waits_longer_up_to_an_hour_and_in_the_end_it_is_given_up(acme, outside):
    owed(acme, "a")

    def refuse(_ref: str) -> None:
        raise ChannelError("down", permanent=False)

    outside.answer = refuse
    waits = []
    for _turn in range(courier.ATTEMPTS - 1):
        send_all(outside.kind())
        waits.append(seconds_until_due(acme, "a"))
        let_time_pass(acme)
    assert waits[0] < 2.1
    assert all(later > 0.9 * earlier for earlier, later in zip(waits[:10], waits[2:12], strict=True))
    assert max(waits) <= courier.LONGEST_WAIT_SECONDS
    assert outside.ended == []
    send_all(outside.kind())
    assert outside.ended == [("a", "dead", "down")]


def test_a_call_cut_off_is_unknown_and_never_repeated_by_itself(acme, outside):
    owed(acme, "a")

    def cut(_ref: str) -> None:
        raise TimeoutError("no answer")

    outside.answer = cut
    send_all(outside.kind())
    outside.answer = lambda _ref: None
    let_time_pass(acme)
    recover(outside.kind())
    send_all(outside.kind())
    assert outside.received == []
    assert outside.ended == [("a", "unknown", "no answer")]


def test_a_call_cut_off_is_repeated_when_the_receiver_can_tell(acme, outside):
    owed(acme, "a")

    def cut(_ref: str) -> None:
        raise TimeoutError("no answer")

    outside.answer = cut
    send_all(outside.kind(may_repeat=True))
    outside.answer = lambda _ref: None
    let_time_pass(acme)
    send_all(outside.kind(may_repeat=True))
    assert outside.received == ["a"]


def test_a_person_may_send_again_what_is_unknown_or_dead(acme, outside):
    owed(acme, "a")

    def cut(_ref: str) -> None:
        raise TimeoutError("no answer")

    outside.answer = cut
    send_all(outside.kind())
    outside.answer = lambda _ref: None
    with transaction(acme) as current:
        send_again(current.exec(select(Delivery).with_for_update()).one())
    send_all(outside.kind())
    assert outside.received == ["a"]
    with transaction(acme) as current:
        send_again(current.exec(select(Delivery)).one())
    send_all(outside.kind())
    assert outside.received == ["a"], "what has arrived is not sent again"


class Killed(BaseException):
    """What no handler catches: the process is gone at this very place."""


def die(*_args: object) -> None:
    raise Killed


def test_the_work_of_a_worker_that_died_before_the_call_returns_when_its_lease_runs_out(acme, outside):
    owed(acme, "a")
    with pytest.raises(Killed):
        deliver_next({"test": replace(outside.kind()["test"], prepare=die)})
    send_all(outside.kind())
    assert recover(outside.kind()) == 0
    assert outside.received == [], "as long as the lease runs it may still be at work"
    let_time_pass(acme)
    assert recover(outside.kind()) == 1
    send_all(outside.kind())
    assert outside.received == ["a"]


def test_what_a_worker_was_sending_when_it_died_is_unknown(acme, outside):
    owed(acme, "a", "b", lane="one")
    outside.answer = die
    with pytest.raises(Killed):
        deliver_next(outside.kind())
    outside.answer = lambda _ref: None
    let_time_pass(acme)
    recover(outside.kind())
    send_all(outside.kind())
    assert outside.received == ["b"]
    assert outside.ended == [("a", "unknown", "the worker stopped while sending")]


def test_work_that_kills_every_worker_is_given_up(acme, outside):
    owed(acme, "a")
    kinds = outside.kind(attempts=3)
    for _turn in range(3):
        with pytest.raises(Killed):
            deliver_next({"test": replace(kinds["test"], prepare=die)})
        let_time_pass(acme)
        recover(kinds)
    assert not deliver_next(kinds)
    assert states(acme) == {"a": "dead"}


def test_a_lease_that_is_renewed_does_not_run_out(acme, outside):
    owed(acme, "a")

    def look(_ref: str) -> None:
        let_time_pass(acme)
        courier.renew()
        at_once(1, lambda _number: recover(outside.kind()))
        assert states(acme) == {"a": "sending"}

    outside.answer = look
    send_all(outside.kind())
    assert states(acme) == {"a": "done"}


def test_what_arrived_after_its_lease_ran_out_is_known_to_have_arrived(acme, outside):
    owed(acme, "a")

    def be_late(_ref: str) -> None:
        let_time_pass(acme)
        at_once(1, lambda _number: recover(outside.kind()))
        assert states(acme) == {"a": "unknown"}

    outside.answer = be_late
    send_all(outside.kind())
    assert states(acme) == {"a": "done"}


def test_a_refusal_that_comes_too_late_does_not_touch_what_another_has_in_hand(acme, outside):
    owed(acme, "a")
    kinds = outside.kind(may_repeat=True)

    def be_late(_ref: str) -> None:
        outside.answer = lambda _ref: None
        let_time_pass(acme)
        at_once(1, lambda _number: (recover(kinds), deliver_next(kinds)))
        raise ChannelError("too late", permanent=True)

    outside.answer = be_late
    deliver_next(kinds)
    assert states(acme) == {"a": "done"}
    assert outside.ended == []


def test_kinds_nobody_here_knows_are_left_to_others(acme, outside):
    owed(acme, "a")
    outside.answer = die
    with pytest.raises(Killed):
        deliver_next(outside.kind())
    let_time_pass(acme)
    assert recover({}) == 0
    assert states(acme) == {"a": "sending"}


def test_how_far_a_refused_message_came_is_kept_for_the_next_try(acme, outside):
    owed(acme, "a")

    def halfway(_ref: str) -> None:
        raise ChannelError("slow down", permanent=False, progress=("7:1", "7:2"))

    outside.answer = halfway
    send_all(outside.kind())
    assert one(acme, "a").data["progress"] == ["7:1", "7:2"]


def test_one_account_s_flood_does_not_make_another_wait(acme, globex, outside):
    owed(acme, *[f"flood{number}" for number in range(300)])
    owed(globex, "b")
    for _turn in range(20):
        deliver_next(outside.kind())
    assert "b" in outside.received, (
        "by age it would have been the 301st; by lot its chance to wait this long is 1 : 10⁶"
    )


def test_accounts_take_turns_when_several_couriers_are_busy(acme, globex, outside):
    owed(acme, *[f"flood{number}" for number in range(30)])
    owed(globex, "b")
    taken = []

    def look(ref: str) -> None:
        if len(taken) == 0:
            taken.append(ref)
            at_once(1, lambda _number: deliver_next(outside.kind()))

    outside.answer = look
    deliver_next(outside.kind())
    assert "b" in outside.received, "of two under way, each account has one"


def test_ten_accounts_and_eight_couriers_send_everything_once(database, outside):
    accounts = [account(f"Account {number}") for number in range(10)]
    for account_id in accounts:
        owed(account_id, *[f"{account_id}/{number}" for number in range(20)])
    at_once(8, lambda _number: send_all(outside.kind()))
    send_all(outside.kind())
    assert sorted(outside.received) == sorted(f"{a}/{n}" for a in accounts for n in range(20))
    with across_accounts() as current:
        assert set(current.exec(select(Delivery.state))) == {DeliveryState.DONE}
