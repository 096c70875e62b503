"""How often somebody may do something: token buckets in Valkey, shared by all processes.

While Valkey is away each process counts by itself: then the limit is as many times wider as there are processes, but
there still is one.
"""

import logging
import threading
import time
from math import ceil

from redis import RedisError

from app.errors import TooMany
from app.i18n import _
from app.queue import connection

logger = logging.getLogger(__name__)

# After a failure Valkey is left in peace for a while: a hanging one must not slow every request down
PAUSE_SECONDS = 2.0
LOCAL_BUCKETS = 20_000
_silent_until = 0.0
_local: dict[str, float] = {}
_lock = threading.Lock()


def spend(bucket: str, per_seconds: float, limit: int) -> None:
    """Take one of the `limit` tokens that `bucket` gets back every `per_seconds`, evenly. TooMany when it is empty."""
    wait_seconds = _spend_shared(bucket, per_seconds, limit)
    if wait_seconds is None:
        wait_seconds = _spend_local(bucket, per_seconds, limit, time.monotonic())
    if wait_seconds > 0:
        raise TooMany(_("Too much at once. Try again a little later."), ceil(wait_seconds))


def _spend_shared(bucket: str, per_seconds: float, limit: int) -> float | None:
    """Seconds to wait for a token, 0 when there was one; None when Valkey does not answer."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return None
    try:
        return float(connection().eval(_SPEND, 1, f"kulpunai:limit:{bucket}", per_seconds * 1000, limit)) / 1000
    except (RedisError, OSError) as problem:
        _silent_until = time.monotonic() + PAUSE_SECONDS
        logger.warning("Valkey does not answer (%s); limits are per process", type(problem).__name__)
        return None


def _spend_local(bucket: str, per_seconds: float, limit: int, moment: float) -> float:
    with _lock:
        if len(_local) > LOCAL_BUCKETS:
            for name in [name for name, full_at in _local.items() if full_at <= moment]:
                del _local[name]
        full_at = max(_local.get(bucket, moment), moment) + per_seconds / limit
        if full_at - moment > per_seconds:
            return full_at - moment - per_seconds
        _local[bucket] = full_at
        return 0.0


# A bucket is kept as the moment when it will be full again: one number, gone by itself when it is.
_SPEND = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local period, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + period / limit
if full_at - now > period then
    return math.ceil(full_at - now - period)
end
redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.ceil(full_at - now))
return 0
"""
