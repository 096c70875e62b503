"""Which labels a desk gives, learned from its own resolved conversations by the worker; scored anywhere by plain numbers."""

import math
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, text
from sqlmodel import col, select

from app import queue
from app.assist.models import LabelModel
from app.clock import now
from app.database import session, transaction
from app.deliveries.actions import owe
from app.deliveries.courier import Kind as Courier
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError

LEARN = "captain.learn"
LOOKED_AT = 20_000  # conversations, the newest


def learn(account_id: int) -> int:
    """Learn anew what each label looks like; how many can be told well enough. In the worker: scikit-learn is imported.

    Opens its own transactions, and learns outside of any.
    """
    import numpy as np

    from captain.labelling import learned

    with transaction(account_id):
        rows = session().connection().execute(_EXAMPLES, {"account": account_id, "limit": LOOKED_AT}).all()
    models = [row.model for row in rows]
    model = max(set(models), key=models.count) if models else ""
    seen = [row for row in rows if row.model == model]
    vectors = np.array([_numbers(row.embedding) for row in seen], np.float32)
    found = learned(vectors, [row.labels for row in seen], [row.contact_id for row in seen]) if seen else []
    with transaction(account_id) as current:
        current.connection().execute(delete(LabelModel).where(col(LabelModel.account_id) == account_id))
        for one in found:
            fields = {name: value for name, value in vars(one).items() if name != "weights"}
            current.add(
                LabelModel(account_id=account_id, model=model, weights=list(one.weights), trained_at=now(), **fields)
            )
    return len(found)


def told(account_id: int, vector: Sequence[float], model: str) -> list[tuple[LabelModel, float]]:
    """The labels that a question with this vector would be given, each with how likely, likeliest first."""
    query = select(LabelModel).where(col(LabelModel.account_id) == account_id, col(LabelModel.model) == model)
    scored = [(one, _probability(one, vector)) for one in session().exec(query)]
    return sorted(((one, p) for one, p in scored if p >= one.threshold), key=lambda each: -each[1])


def owe_learning(account_id: int) -> None:
    """Once in the coming night, however often it is owed until then."""
    night = (now() + timedelta(days=1)).replace(hour=1, minute=0, second=0, microsecond=0)
    wait = (night - now()).total_seconds()
    owe(account_id, LEARN, f"{night:%Y-%m-%d}", lane="learn:night", delay_seconds=wait)


def learn_soon(account_id: int) -> None:
    """As soon as there is a worker."""
    owe(account_id, LEARN, f"now@{now().timestamp():.0f}", lane="learn:now")


def _probability(one: LabelModel, vector: Sequence[float]) -> float:
    logit = one.intercept + sum(weight * value for weight, value in zip(one.weights, vector, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def _numbers(packed: str) -> list[float]:
    return [float(number) for number in packed.strip("[]").split(",")]


def _prepare(delivery: Delivery) -> int | None:
    return delivery.account_id


def _nudge(account_id: int) -> None:
    """The worker does it: here nothing is imported that learns."""
    if not queue.is_awake():
        raise ChannelError("Valkey does not answer", permanent=False)
    queue.nudge("learn_labels", 0, account_id)


def _done(_delivery: Delivery, _result: None) -> None:
    """What it led to is the worker's to write."""


def _nothing(_delivery: Delivery, _state: DeliveryState, _reason: str) -> None:
    """What was learned before still holds."""


COURIER = Courier(LEARN, _prepare, _nudge, _done, _nothing, may_repeat=True, attempts=20)

_EXAMPLES = text("""
    select m.model, m.embedding::text as embedding, c.labels, c.contact_id
    from memory m join conversation c on c.account_id = m.account_id and c.id = m.conversation_id
    where m.account_id = :account and m.embedding is not null and c.status = 'resolved'
    order by m.conversation_id desc limit :limit
""")
