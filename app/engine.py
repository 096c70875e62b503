"""The engine: readers, lanes, deliveries and the ticker, as threads of one process, or each alone, as many as wanted.

A wake-up over Valkey makes them look at once; a sweep every second finds everything anyway. Nobody owns any work: a
lock, a lease or a cursor says whose turn it is, so any number of engines may run on any number of machines.
"""

import logging
import signal
import threading
from collections.abc import Callable

from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from app import queue, timers
from app.config import settings
from app.consumers import DELIVERIES, GIVE_UP, HANDLE, READERS, TIMERS
from app.deliveries import courier
from app.events import cursors, runner
from app.intake import lanes

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0


class Loop(threading.Thread):
    """Calls `step` until it finds nothing more to do, then sleeps until it is woken or a second has passed."""

    def __init__(self, name: str, step: Callable[[], bool], stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._step, self._stop_asked = step, stop
        self._wake = threading.Event()

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            self._wake.clear()
            try:
                while self._step() and not self._stop_asked.is_set():
                    pass
            except (OperationalError, InterfaceError, TimeoutError) as problem:
                logger.warning("%s waits for the database: %s", self.name, type(problem).__name__)
                self._stop_asked.wait(SWEEP_SECONDS)
            except Exception:
                logger.exception("%s stumbled and goes on", self.name)
                self._stop_asked.wait(SWEEP_SECONDS)
            self._wake.wait(SWEEP_SECONDS)


def run(kinds: set[str]) -> None:
    """Work on `kinds` (readers, lanes, deliveries, ticker) until SIGTERM or SIGINT."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    loops = start(kinds, stop)
    threading.Thread(target=_listen, args=(loops, stop), daemon=True, name="wake-ups").start()
    stop.wait()
    for loop in loops:
        loop.wake()
    for loop in loops:
        loop.join(10)


def start(kinds: set[str], stop: threading.Event) -> list[Loop]:
    """The threads for these kinds, running."""
    wanted: list[tuple[str, Callable[[], bool], int]] = [
        ("readers", read, 1),
        ("lanes", work_lanes, settings().engine_lanes),
        ("deliveries", lambda: courier.deliver_next(DELIVERIES), settings().engine_deliveries),
        ("ticker", tick, 1),
    ]
    loops = [Loop(f"{kind}-{n}", step, stop) for kind, step, count in wanted if kind in kinds for n in range(count)]
    if "deliveries" in kinds:
        loops.append(Loop("leases", renew, stop))
    for loop in loops:
        loop.start()
    return loops


def read() -> bool:
    """Let every reader that is behind catch up by one batch; True if there may be more."""
    lags = cursors.lagging(sorted(READERS))
    return any([runner.catch_up(READERS[lag.reader], lag.account_id) for lag in lags])


def work_lanes() -> bool:
    """Work on the lanes that wait; True if there may be more."""
    lanes.count_fallen(GIVE_UP)
    waiting = lanes.waiting()
    return any([lanes.work(lane, HANDLE, GIVE_UP) for lane in waiting]) or len(waiting) == lanes.AT_ONCE


def renew() -> bool:
    """Keep the leases of calls that take long."""
    courier.renew()
    return False


def tick() -> bool:
    """Fire what is due, bring back what dead workers held; True if there may be more."""
    courier.recover(DELIVERIES)
    return timers.fire_due(TIMERS) >= 100


def _listen(loops: list[Loop], stop: threading.Event) -> None:
    for message in queue.wakes(SWEEP_SECONDS):
        if stop.is_set():
            return
        if message is None:
            continue
        kind = {"intake": "lanes", "deliveries": "deliveries"}.get(message, "readers")
        for loop in loops:
            if loop.name.startswith(kind):
                loop.wake()
