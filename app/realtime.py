"""Live screens: the log as server-sent events, replayed from where a client was cut off.

One thread of the process reads each account's new events once and hands them to everybody who listens there. A client
that comes back with the `seq` it saw last gets what it missed; one that was away too long is told to start anew.
Whether a viewer may hear of an event is asked for each event, and whether he is still signed in every half minute.
The same thread hears wake-ups that are no events, for those who `listen` to them.
"""

import json
import logging
import queue as queues
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app import queue
from app.database import across_accounts, transaction
from app.events import log
from app.events.catalog import CATALOG

_log = logging.getLogger(__name__)

PING_SECONDS = 15.0
RECHECK_SECONDS = 30.0
# Farther behind than this, fetching the page anew is quicker than replaying
REPLAY_LIMIT = 5000
# A client that does not read: 1,000 small events, then it is cut off and comes back by its cursor
BUFFER = 1000
_LIVE = sorted(name for name, entry in CATALOG.items() if entry.is_live)
# After these somebody who listens may be nobody here any more
_ENDING = {"session.revoked", "agent.removed"}


@dataclass(frozen=True)
class Whisper:
    """Something that is no event: typing, looking. Told now or never."""

    kind: str
    data: dict[str, Any]


@dataclass(eq=False)
class _Subscriber:
    inbox: "queues.Queue[log.Event | Whisper | None]" = field(default_factory=lambda: queues.Queue(BUFFER))
    is_cut: bool = False


def subscribe(
    account_id: int,
    after: int,
    allowed: Callable[[log.Event], bool],
    still: Callable[[], bool],
    hears: Callable[[Whisper], bool],
    told: "Callable[[log.Event | Whisper], str] | None" = None,
) -> Iterator[str]:
    """Server-sent events of the account with `seq > after` that `allowed` lets through, for ever; each `id` is its seq.

    still: asked every half minute, and at once when a session was revoked or an agent removed; False ends the stream.
    hears: which whispers.
    told: how it is said on the stream, to those who may not know all that an event holds.
    """
    me = _Subscriber()
    _hub.add(account_id, me)
    try:
        yield from _stream(me, account_id, after, allowed, still, hears, told or _told)
    finally:
        _hub.remove(account_id, me)


def whisper(account_id: int, kind: str, **data: Any) -> None:
    """Tell all open screens of the account, on all machines, something worth no event."""
    queue.wake(f"whisper:{account_id}:{json.dumps({'kind': kind, **data})}")
    if not queue.is_talking():
        _hub.hand(account_id, Whisper(kind, data))


def listen(word: str, tell: Callable[[str], None]) -> None:
    """From now on, `tell` hears in this process what stands behind `word:` in wake-ups."""
    _hub.listen(word, tell)


def _stream(
    me: _Subscriber,
    account_id: int,
    after: int,
    allowed: Callable[[log.Event], bool],
    still: Callable[[], bool],
    hears: Callable[[Whisper], bool],
    told: Callable[[log.Event | Whisper], str],
) -> Iterator[str]:
    # first in line, then read what was missed: whatever is written meanwhile is in both, and told once
    yield "retry: 1000\n\n"
    missed = _missed(account_id, after)
    if missed is None:
        yield "event: reset\ndata: {}\n\n"
        return
    for event in missed:
        after = event.seq
        if allowed(event):
            yield told(event)
    checked_at = spoke_at = time.monotonic()
    # streams that began together, as after a restart, must not all ask at once: they would wait for a connection in vain
    recheck_seconds = RECHECK_SECONDS * random.uniform(0.7, 1.3)  # noqa: S311
    while not me.is_cut:
        try:
            item = me.inbox.get(timeout=min(PING_SECONDS, 5.0))
        except queues.Empty:
            item = None
        is_ending = isinstance(item, log.Event) and item.name in _ENDING
        if is_ending or time.monotonic() - checked_at > recheck_seconds:
            checked_at = time.monotonic()
            if not still():
                yield "event: signed_out\ndata: {}\n\n"
                return
        if isinstance(item, Whisper) and hears(item):
            spoke_at = time.monotonic()
            yield told(item)
        elif isinstance(item, log.Event) and item.seq > after:
            after = item.seq
            if allowed(item) and item.name in _LIVE:
                spoke_at = time.monotonic()
                yield told(item)
        elif time.monotonic() - spoke_at > PING_SECONDS:
            spoke_at = time.monotonic()
            yield "event: ping\ndata: {}\n\n"


def _told(item: log.Event | Whisper) -> str:
    if isinstance(item, Whisper):
        return f"event: {item.kind}\ndata: {json.dumps(item.data)}\n\n"
    event = item
    data = {"seq": event.seq, "name": event.name, "actor": event.actor, **event.data}
    return f"id: {event.seq}\nevent: log\ndata: {json.dumps(data)}\n\n"


def _missed(account_id: int, after: int) -> list[log.Event] | None:
    """What the client has not heard; None when that is too much."""
    with transaction(account_id):
        if log.last_seq(account_id) - after > REPLAY_LIMIT:
            return None
        return log.follow(account_id, after, REPLAY_LIMIT, _LIVE)[0]


class _Hub:
    """Who listens to which account in this process, and how far each account has been read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, set[_Subscriber]] = {}
        self._read_up_to: dict[int, int] = {}
        self._told: dict[str, Callable[[str], None]] = {}
        self._is_running = False

    def add(self, account_id: int, subscriber: _Subscriber) -> None:
        with self._lock:
            if account_id not in self._listeners:
                with transaction(account_id):
                    self._read_up_to[account_id] = log.last_seq(account_id)
            self._listeners.setdefault(account_id, set()).add(subscriber)
            self._start()

    def listen(self, word: str, tell: Callable[[str], None]) -> None:
        with self._lock:
            self._told[word] = tell
            self._start()

    def remove(self, account_id: int, subscriber: _Subscriber) -> None:
        with self._lock:
            self._listeners.get(account_id, set()).discard(subscriber)
            if not self._listeners.get(account_id):
                self._listeners.pop(account_id, None)
                self._read_up_to.pop(account_id, None)

    def hand(self, account_id: int, item: log.Event | Whisper) -> None:
        """Give it to everybody who listens there; who does not keep up is cut off, and returns by his cursor."""
        with self._lock:
            listeners = list(self._listeners.get(account_id, ()))
        for subscriber in listeners:
            try:
                subscriber.inbox.put_nowait(item)
            except queues.Full:
                subscriber.is_cut = True

    def _start(self) -> None:
        if not self._is_running:
            self._is_running = True
            threading.Thread(target=self._run, daemon=True, name="live").start()

    def _run(self) -> None:
        while True:  # whatever happens: without this thread every screen of the process stands still
            try:
                for message in queue.wakes(1.0):
                    self._hear(message)
            except Exception:
                _log.warning("live screens: reading the log again in a moment", exc_info=True)
                time.sleep(0.2)

    def _hear(self, message: str | None) -> None:
        if message is None:
            for account_id in self._behind():
                self._read(account_id)
        elif message.startswith("events:"):
            self._read(int(message.removeprefix("events:")))
        elif message.startswith("whisper:"):
            _, account, body = message.split(":", 2)
            data = json.loads(body)
            self.hand(int(account), Whisper(data.pop("kind"), data))
        elif tell := self._told.get(message.partition(":")[0]):
            tell(message.partition(":")[2])

    def _behind(self) -> list[int]:
        with self._lock:
            known = dict(self._read_up_to)
        if not known:
            return []
        with across_accounts():
            newest = log.last_seqs(set(known))
        return [account_id for account_id, seq in newest.items() if seq > known.get(account_id, seq)]

    def _read(self, account_id: int) -> None:
        with self._lock:
            after = self._read_up_to.get(account_id)
        if after is None:
            return
        with transaction(account_id):
            events, upto = log.follow(account_id, after, 500)
        for event in events:
            self.hand(account_id, event)
        with self._lock:
            if account_id in self._read_up_to:
                self._read_up_to[account_id] = upto
        if len(events) == 500 or upto == after + log.STRIDE:
            self._read(account_id)


_hub = _Hub()
