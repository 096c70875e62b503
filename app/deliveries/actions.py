"""Owing something, and taking a decision on what may or may not have arrived."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from app.clock import now
from app.database import session
from app.deliveries.models import Delivery, DeliveryState


def owe(account_id: int, kind: str, ref: str, *, lane: str, delay_seconds: float = 0, **data: Any) -> None:
    """Write down that `kind` is owed for `ref`. Owing the same twice changes nothing."""
    current = session()
    row = {"account_id": account_id, "kind": kind, "ref": ref, "lane": lane, "data": data}
    available_at = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, delay_seconds)
    current.connection().execute(insert(Delivery).values(**row, available_at=available_at).on_conflict_do_nothing())
    current.info.setdefault("wake", set()).add("deliveries")


def send_again(delivery: Delivery) -> None:
    """Try a dead or unknown delivery once more, because a person said so."""
    if delivery.state in {DeliveryState.DEAD, DeliveryState.UNKNOWN}:
        delivery.state, delivery.attempts, delivery.error, delivery.done_at = DeliveryState.READY, 0, None, None
        session().info.setdefault("wake", set()).add("deliveries")


def settle(delivery: Delivery, state: DeliveryState, error: str | None = None) -> None:
    """Record how it ended, for kinds that learn it later (a status callback, a reconciliation)."""
    delivery.state, delivery.error, delivery.done_at = state, error, now()
