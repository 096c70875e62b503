"""The courier: takes what is owed, sends it outside of any transaction, and writes down how it went.

Claim, with a lease, and commit. Mark as sending, and commit. Call. Record the outcome, and commit. A worker that dies
before the call loses its lease and the work returns; one that dies during the call leaves `unknown`, which is not sent
again blindly, unless the kind `may_repeat` (its receiver recognises a repetition).
"""

import logging
import os
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from app.clock import now
from app.database import across_accounts, transaction
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError
from app.failpoints import reach

logger = logging.getLogger(__name__)

LEASE_SECONDS = 30
ATTEMPTS = 20
LONGEST_WAIT_SECONDS = 3600.0


@dataclass(frozen=True)
class Kind:
    """How to deliver one kind, in four steps.

    prepare: reads what the call needs, in a transaction; None when there is nothing to send any more.
    send: makes the call, outside of any transaction. ChannelError when it certainly did not arrive; any other exception
    leaves `unknown`, unless the kind `may_repeat`.
    sent, ended: write down the result, or that it is `unknown` or `dead`, in the transaction that closes the delivery.
    """

    name: str
    prepare: Callable[[Delivery], Any]
    send: Callable[[Any], Any]
    sent: Callable[[Delivery, Any], None]
    ended: Callable[[Delivery, DeliveryState, str], None]
    may_repeat: bool = False
    attempts: int = ATTEMPTS


def deliver_next(kinds: dict[str, Kind]) -> bool:
    """Send one delivery that is due; False if there was none. Fair between accounts, in order within a lane."""
    reach("courier.before_lease")
    delivery = _claim(sorted(kinds))
    if delivery is None:
        return False
    reach("courier.after_lease")
    kind = kinds[delivery.kind]
    try:
        parcel = _prepare(delivery, kind)
    except Exception as problem:
        logger.exception("delivery %s (%s) could not be prepared", delivery.id, delivery.kind)
        _finish(delivery, kind, DeliveryState.READY, problem)
        return True
    if parcel is None:
        return True
    reach("courier.before_call")
    try:
        result = kind.send(parcel)
    except ChannelError as refusal:
        _finish(delivery, kind, DeliveryState.DEAD if refusal.permanent else DeliveryState.READY, refusal)
    except Exception as cut_off:
        logger.warning("delivery %s (%s) was cut off: %r", delivery.id, delivery.kind, cut_off)
        _finish(delivery, kind, DeliveryState.READY if kind.may_repeat else DeliveryState.UNKNOWN, cut_off)
    else:
        reach("courier.after_call")
        _done(delivery, lambda fresh: kind.sent(fresh, result))
        reach("courier.after_record")
    return True


def recover(kinds: dict[str, Kind]) -> int:
    """Bring back the work of dead workers: `leased` becomes ready, `sending` becomes unknown. How many there were."""
    with across_accounts() as current:
        lost = [(row.account_id, row.id) for row in current.connection().execute(_EXPIRED)]
    for account_id, identifier in lost:
        with transaction(account_id) as current:
            delivery = current.get(Delivery, (account_id, identifier), with_for_update={"skip_locked": True})
            if delivery is None or not _has_expired(delivery):
                continue
            kind = kinds.get(delivery.kind)
            if delivery.state == DeliveryState.SENDING and kind is not None and not kind.may_repeat:
                delivery.state, delivery.error = DeliveryState.UNKNOWN, "the worker stopped while sending"
                kind.ended(delivery, DeliveryState.UNKNOWN, delivery.error)
            else:
                delivery.state = DeliveryState.READY
    return len(lost)


def _claim(kinds: list[str]) -> Delivery | None:
    """The next delivery, leased to us."""
    with across_accounts() as current:
        row = current.connection().execute(_CLAIM, {"kinds": kinds, "lease": LEASE_SECONDS, "worker": _name()}).first()
        return None if row is None else current.get(Delivery, (row.account_id, row.id))


def _prepare(delivery: Delivery, kind: Kind) -> Any:
    """What to send; the commit of this transaction says that from now on it may have been sent."""
    with transaction(delivery.account_id) as current:
        fresh = current.get(Delivery, (delivery.account_id, delivery.id), with_for_update=True)
        if fresh is None or fresh.state != DeliveryState.LEASED or fresh.leased_by != delivery.leased_by:
            return None
        parcel = kind.prepare(fresh)
        if parcel is None:
            fresh.state, fresh.done_at = DeliveryState.DONE, now()
            return None
        current.flush()
        current.connection().execute(_SENDING, {"account_id": fresh.account_id, "id": fresh.id, "lease": LEASE_SECONDS})
        return parcel


def _done(delivery: Delivery, write_down: Callable[[Delivery], None]) -> None:
    with transaction(delivery.account_id) as current:
        fresh = current.get(Delivery, (delivery.account_id, delivery.id), with_for_update=True)
        if fresh is None:
            return
        fresh.state, fresh.done_at, fresh.error = DeliveryState.DONE, now(), None
        write_down(fresh)


def _finish(delivery: Delivery, kind: Kind, state: DeliveryState, problem: Exception) -> None:
    with transaction(delivery.account_id) as current:
        fresh = current.get(Delivery, (delivery.account_id, delivery.id), with_for_update=True)
        if fresh is None:
            return
        if state == DeliveryState.READY and fresh.attempts >= kind.attempts:
            state = DeliveryState.DEAD
        fresh.state, fresh.error = state, f"{type(problem).__name__}: {problem}"[:2000]
        if state == DeliveryState.READY:
            wait = _wait_seconds(fresh.attempts, getattr(problem, "retry_at", None))
            current.flush()
            current.connection().execute(_LATER, {"account_id": fresh.account_id, "id": fresh.id, "seconds": wait})
            return
        fresh.done_at = now()
        kind.ended(fresh, state, str(problem))


def _wait_seconds(attempts: int, retry_at: datetime | None) -> float:
    """The provider's Retry-After, else doubling from one second to an hour, with jitter so that a crowd spreads."""
    if retry_at is not None:
        return max(0.0, (retry_at - now()).total_seconds()) + random.uniform(0, 1)  # noqa: S311
    return float(min(LONGEST_WAIT_SECONDS, 2.0 ** min(attempts, 12)) * random.uniform(0.5, 1))  # noqa: S311


def _has_expired(delivery: Delivery) -> bool:
    return (
        delivery.state in {DeliveryState.LEASED, DeliveryState.SENDING}
        and delivery.leased_until is not None
        and delivery.leased_until < now()
    )


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


# The oldest ready delivery of each account, if nothing of its lane is under way or stands before it; then the account
# that has waited longest. SKIP LOCKED lets any number of couriers do this at once.
_CLAIM = text("""
    with firsts as (
        select distinct on (account_id, kind, lane) account_id, id, state, available_at, kind
        from delivery where state in ('ready', 'leased', 'sending') and kind = any(:kinds)
        order by account_id, kind, lane, id
    ), due as (
        select account_id, id, row_number() over (partition by account_id order by available_at, id) as turn, available_at
        from firsts where state = 'ready' and available_at <= now()
    ), mine as (
        select d.account_id, d.id from delivery d join due using (account_id, id)
        where d.state = 'ready' and d.available_at <= now()
        order by due.turn, due.available_at limit 1 for update of d skip locked
    )
    update delivery d set state = 'leased', attempts = d.attempts + 1, leased_by = :worker,
        leased_until = now() + make_interval(secs => :lease)
    from mine where d.account_id = mine.account_id and d.id = mine.id
    returning d.account_id, d.id
""")
_SENDING = text(
    "update delivery set state = 'sending', leased_until = now() + make_interval(secs => :lease)"
    " where account_id = :account_id and id = :id"
)
_LATER = text(
    "update delivery set available_at = now() + make_interval(secs => :seconds) where account_id = :account_id and id = :id"
)
_EXPIRED = text(
    "select account_id, id from delivery where state in ('leased', 'sending') and leased_until < now() limit 500"
)
