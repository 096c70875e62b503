"""Wake-ups over Valkey. Nothing depends on them: a sweep every second finds what a lost one would have told.

Two kinds: `wake(message)` tells whoever listens that there is something to look at; `nudge(task, id)` puts an rq job.
Without Valkey both do nothing, at once.
"""

import logging
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from redis import Redis, RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from app.config import settings

log = logging.getLogger(__name__)

CHANNEL = "kulpunai:wake"
# After a failure we do not knock again for a while: a hanging Valkey must not slow anybody down.
PAUSE_SECONDS = 2.0
# Longer than any import or crawl should take
JOB_SECONDS = 6 * 3600
_silent_until = 0.0


@cache
def connection() -> Redis:
    """A connection for short commands: 200 ms or nothing."""
    return Redis.from_url(settings().valkey_url, socket_timeout=0.2, socket_connect_timeout=0.2)


@cache
def _listening() -> Redis:
    return Redis.from_url(settings().valkey_url, socket_timeout=None, socket_connect_timeout=1)


def wake(message: str) -> None:
    """Tell the readers, lanes and deliveries of all processes to look now: `events:7`, `intake`, `deliveries`."""
    _try(lambda: connection().publish(CHANNEL, message))


def nudge(task: str, identifier: int, account_id: int) -> None:
    """Ask the worker to run `app.jobs.<task>(account_id, identifier)` soon. The row it names is the truth, not this."""
    _try(lambda: _jobs().enqueue(f"app.jobs.{task}", account_id, identifier, job_timeout=JOB_SECONDS))


def is_awake() -> bool:
    """Whether Valkey answers."""
    try:
        return bool(connection().ping())
    except RedisError:
        return False


def is_talking() -> bool:
    """Whether what we `wake` is heard: False while we pause after a failure."""
    return time.monotonic() >= _silent_until


def fall_silent() -> None:
    """Valkey did not answer: do not knock again for a while."""
    global _silent_until
    _silent_until = time.monotonic() + PAUSE_SECONDS


def wakes(timeout_seconds: float) -> Iterator[str | None]:
    """What others `wake`, for ever; None whenever `timeout_seconds` pass without, and while Valkey is away."""
    while True:
        try:
            listener: Any = _listening().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            listener.subscribe(CHANNEL)
            yield None
            while True:
                message = listener.get_message(timeout=timeout_seconds)
                yield message["data"].decode() if message else None
        except (RedisError, OSError, ValueError):  # redis-py's word for a connection closed under it is ValueError
            time.sleep(timeout_seconds)
            yield None


@cache
def _jobs() -> Queue:
    return Queue("default", connection=connection(), serializer=JSONSerializer)


def _try(call: Any) -> None:
    if not is_talking():
        return
    try:
        call()
    except (RedisError, OSError) as problem:
        fall_silent()
        log.warning("Valkey does not answer (%s); the sweep takes over", type(problem).__name__)
