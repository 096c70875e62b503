"""The courier: takes what is owed, sends it outside of any transaction, and writes down how it went.

Claim, with a lease, and commit. Mark as sending, and commit. Call. Record the outcome, and commit. A worker that dies
before the call loses its lease and the work returns; one that dies during the call leaves `unknown`, which is not sent
again blindly, unless the kind `may_repeat` (its receiver recognises a repetition).
"""

import logging
import os
import random
import secrets
import socket
import threading
import time
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
# Of one account; more couriers than this at once find nothing more to do for it
AT_ONCE = 50
LONGEST_WAIT_SECONDS = 3600.0
# A call that takes longer hangs: its lease is no longer renewed.
LONGEST_CALL_SECONDS = 600.0
_UNDER_WAY = frozenset({DeliveryState.LEASED, DeliveryState.SENDING, DeliveryState.UNKNOWN})
# A restarted container has the same name and process number as the dead one
_LOT = secrets.token_hex(4)
# The workers of this process that have a delivery in hand, and until when we believe them
_busy: dict[str, float] = {}


@dataclass(frozen=True)
class Kind:
    """How to deliver one kind, in four steps.

    prepare: reads what the call needs, in a transaction; None when there is nothing to send any more.
    send: makes the call, outside of any transaction. ChannelError when it certainly did not arrive; any other exception
    leaves `unknown`, unless the kind `may_repeat`.
    sent, ended: write down the result, or that it is `unknown` or `dead`, in the transaction that closes the delivery.
    What a refusal says of its progress stands in `delivery.data["progress"]` at the next `prepare`.
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
    _busy[_name()] = time.monotonic() + LONGEST_CALL_SECONDS
    try:
        _deliver(delivery, kinds[delivery.kind])
    finally:
        del _busy[_name()]
    return True


def _deliver(delivery: Delivery, kind: Kind) -> None:
    try:
        parcel = _prepare(delivery, kind)
    except Exception as problem:
        logger.exception("delivery %s (%s) could not be prepared", delivery.id, delivery.kind)
        _finish(delivery, kind, DeliveryState.READY, problem)
        return
    if parcel is None:
        return
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


def recover(kinds: dict[str, Kind]) -> int:
    """Bring back the work of dead workers: `leased` becomes ready, `sending` becomes unknown. How many there were."""
    with across_accounts() as current:
        lost = current.connection().execute(_EXPIRED, {"kinds": sorted(kinds)}).all()
    for account_id, identifier in lost:
        try:
            _bring_back(account_id, identifier, kinds)
        except Exception:
            logger.exception("delivery %s of account %s could not be brought back", identifier, account_id)
    return len(lost)


def renew() -> None:
    """Keep the leases of what this process is busy with; to be called every few seconds, for calls that take long."""
    names = [name for name, until in list(_busy.items()) if time.monotonic() < until]
    if names:
        with across_accounts() as current:
            current.connection().execute(_RENEW, {"workers": names, "lease": LEASE_SECONDS})


def _claim(kinds: list[str]) -> Delivery | None:
    """The next delivery, leased to us."""
    with across_accounts() as current:
        wanted = {"kinds": kinds, "lease": LEASE_SECONDS, "worker": _name(), "few": AT_ONCE}
        row = current.connection().execute(_CLAIM, wanted).first()
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
    """It arrived: true whatever others have thought of it meanwhile."""
    with transaction(delivery.account_id) as current:
        fresh = current.get(Delivery, (delivery.account_id, delivery.id), with_for_update=True)
        if fresh is None or fresh.state == DeliveryState.DONE:
            return
        fresh.state, fresh.done_at, fresh.error = DeliveryState.DONE, now(), None
        write_down(fresh)


def _finish(delivery: Delivery, kind: Kind, state: DeliveryState, problem: Exception) -> None:
    with transaction(delivery.account_id) as current:
        fresh = current.get(Delivery, (delivery.account_id, delivery.id), with_for_update=True)
        # after our lease has run out it may be another's, or settled
        if fresh is None or fresh.leased_by != delivery.leased_by or fresh.state not in _UNDER_WAY:
            return
        if state == DeliveryState.READY and fresh.attempts >= kind.attempts:
            state = DeliveryState.DEAD
        fresh.state, fresh.error = state, f"{type(problem).__name__}: {problem}"[:2000]
        if progress := getattr(problem, "progress", ()):
            fresh.data = {**fresh.data, "progress": list(progress)}
        if state == DeliveryState.READY:
            wait = _wait_seconds(fresh.attempts, getattr(problem, "retry_at", None))
            current.flush()
            current.connection().execute(_LATER, {"account_id": fresh.account_id, "id": fresh.id, "seconds": wait})
            return
        fresh.done_at = now()
        kind.ended(fresh, state, str(problem))


def _bring_back(account_id: int, identifier: int, kinds: dict[str, Kind]) -> None:
    with transaction(account_id) as current:
        # the database's clock judges, and again under the lock: its worker may have come to an end meanwhile
        if current.connection().execute(_HOLD_EXPIRED, {"account_id": account_id, "id": identifier}).first() is None:
            return
        delivery = current.get_one(Delivery, (account_id, identifier))
        kind = kinds[delivery.kind]
        if delivery.state == DeliveryState.SENDING and not kind.may_repeat:
            delivery.state = DeliveryState.UNKNOWN
        else:
            delivery.state = DeliveryState.DEAD if delivery.attempts >= kind.attempts else DeliveryState.READY
        if delivery.state != DeliveryState.READY:
            delivery.error, delivery.done_at = "the worker stopped while sending", now()
            kind.ended(delivery, delivery.state, delivery.error)


def _wait_seconds(attempts: int, retry_at: datetime | None) -> float:
    """The provider's Retry-After, else doubling from one second to an hour, with jitter so that a crowd spreads."""
    if retry_at is not None:
        return max(0.0, (retry_at - now()).total_seconds()) + random.uniform(0, 1)  # noqa: S311
    return float(min(LONGEST_WAIT_SECONDS, 2.0 ** min(attempts, 12)) * random.uniform(0.5, 1))  # noqa: S311


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{_LOT}:{threading.get_ident()}"


# Of every account with something ready, the first few that are due and first in their lane; then the account with the
# fewest under way, by lot between equals: by age, one account's flood would go before everybody who came later. SKIP
# LOCKED lets any number of couriers do this at once. It takes 5 ms with 100,000 waiting (all firsts at once: 700 ms);
# `limit 1` keeps the planner from joining the whole backlog with itself.
_CLAIM = text("""
    with recursive accounts as (
        select min(account_id) as account_id from delivery where state = 'ready'
        union all
        select (select min(d.account_id) from delivery d where d.state = 'ready' and d.account_id > a.account_id)
        from accounts a where a.account_id is not null
    ), due as (
        select a.account_id, firsts.id, under_way.count + row_number() over (partition by a.account_id order by firsts.id)
            as turn
        from accounts a cross join lateral (
            select d.id from delivery d
            where d.account_id = a.account_id and d.state = 'ready' and d.available_at <= now() and d.kind = any(:kinds)
                and d.id = (
                    select e.id from delivery e
                    where e.account_id = d.account_id and e.kind = d.kind and e.lane = d.lane
                        and e.state in ('ready', 'leased', 'sending')
                    order by e.id limit 1
                )
            order by d.id limit :few
        ) firsts cross join lateral (
            select count(*) from delivery u where u.account_id = a.account_id and u.state in ('leased', 'sending')
        ) under_way
    ), mine as (
        select d.account_id, d.id from delivery d join due using (account_id, id)
        where d.state = 'ready' and d.available_at <= now()
        order by due.turn, random() limit 1 for update of d skip locked
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
_RENEW = text(
    "update delivery set leased_until = now() + make_interval(secs => :lease)"
    " where leased_by = any(:workers) and state in ('leased', 'sending')"
)
_EXPIRED = text(
    "select account_id, id from delivery"
    " where state in ('leased', 'sending') and leased_until < now() and kind = any(:kinds) limit 500"
)
_HOLD_EXPIRED = text(
    "select 1 from delivery where account_id = :account_id and id = :id"
    " and state in ('leased', 'sending') and leased_until < now() for update skip locked"
)
