"""Resolved conversations that Captain remembers: what was asked, what solved it; found again by likeness of questions.

Numbers of messages and a vector, no words: whoever is shown one reads the messages as they are then, if he may see them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from app.assist.learning import learn_soon, owe_learning
from app.assist.mining import pair_of
from app.assist.models import Memory
from app.assist.wishes import Wish, wish
from app.clock import now
from app.config import settings
from app.contacts.models import Contact
from app.conversations.models import Conversation, Message, MessageType, SenderType, Status
from app.conversations.queries import locked, thread
from app.database import session
from app.deliveries.actions import owe
from app.deliveries.courier import Kind as Courier
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError
from captain.client import Captain, CaptainAway

REMEMBER = "captain.remember"
SECONDS = 30.0
BATCH = 32  # conversations of the past that are read in one go
READ = 60  # messages of a thread that are looked at
ASKED = 4  # of the customer's messages before an answer
QUESTION_LIMIT = 1000
# Cosine of two questions from which they are shown as alike: of 23 help centers (data/captain) the nearest one is about the
# same thing in seven cases of ten, and an agent sees which
ALIKE = 0.65
NEAR = 20  # looked at for one that may be shown


@dataclass(frozen=True)
class Exchange:
    """What was asked and what a person answered; without answer where nobody did. Numbers of the messages, and words."""

    question_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]
    question: str
    answer: str


@dataclass(frozen=True)
class Alike:
    """A resolved conversation that began as this one. score: cosine of the two questions."""

    conversation_id: int
    display_id: int
    question: str
    answer: str
    resolved_at: datetime
    score: float
    message_ids: tuple[int, ...]


def exchange(messages: Sequence[Message]) -> Exchange | None:
    """The question of a thread with the answer that says most; None where nothing was asked."""
    found = [one for one in map(_answered, _turns(messages)) if one is not None]
    if found:
        return max(found, key=lambda one: len(one.answer))
    asked = _weighty(messages)[:ASKED]
    words = " ".join(message.content for message in asked)[:QUESTION_LIMIT]
    return Exchange(tuple(message.id for message in asked), (), words, "") if asked else None


def question_now(messages: Sequence[Message]) -> tuple[str, int | None]:
    """What the customer asks at the end of a thread, with the number of his newest message; "" when nothing."""
    spoken = [message for message in messages if _is_customers(message)]
    last = max((m.id for m in messages if m.sender_type == SenderType.USER and not m.is_private), default=0)
    # as many as pair_of takes: the vectors of both are compared
    recent = (_weighty([m for m in spoken if m.id > last]) or _weighty(spoken))[-2:]
    return " ".join(m.content for m in recent)[:QUESTION_LIMIT], spoken[-1].id if spoken else None


def alike(
    account_id: int, vector: Sequence[float], model: str, *, inbox_ids: Sequence[int] | None, but: int, limit: int,
    from_score: float = ALIKE,
) -> list[Alike]:  # fmt: skip
    """The answered ones most like the question, best first, in inboxes the reader may see (None: all), not in `but`."""
    values = {
        "account": account_id,
        "vector": "[" + ",".join(f"{value:.5f}" for value in vector) + "]",
        "model": model,
        "inboxes": None if inbox_ids is None else list(inbox_ids),
        "but": but,
        "near": NEAR,
    }
    near = [row for row in session().connection().execute(_NEAR, values) if row.score >= from_score]
    words = _read(account_id, {number for row in near for number in (*row.question_ids, *row.answer_ids)})
    told = [(row, pair_of([words[n] for n in (*row.question_ids, *row.answer_ids) if n in words])) for row in near]
    shown: dict[str, Alike] = {}
    for row, pair in told:
        if pair is not None and pair[1] not in shown:
            ids = (*row.question_ids, *row.answer_ids)
            shown[pair[1]] = Alike(row.conversation_id, row.display_id, *pair, row.last_activity_at, row.score, ids)
    return list(shown.values())[:limit]


def pair(account_id: int, message_ids: Sequence[int]) -> tuple[str, str] | None:
    """(question, answer) in these messages, as they stand now; None when one of them is there no more."""
    words = _read(account_id, set(message_ids))
    return pair_of([words[number] for number in message_ids if number in words])


def remember_past(account_id: int, model: str = "") -> None:
    """Let him read in the background what was resolved before he was here; with a model, all that others have read."""
    ref = f"past@{now().timestamp():.3f}"
    owe(account_id, REMEMBER, ref, lane="remember:past", before=0, model=model)


def begin(model: str) -> None:
    """Another model: it reads all that others have read, in every account. To be called in a transaction across accounts."""
    others = select(Memory.account_id).where(col(Memory.model) != model).distinct()
    for account_id in session().exec(others).all():
        remember_past(account_id, model)


def is_erased(conversation: Conversation) -> bool:
    """Whether its customer was deleted: nothing may be kept of it any more."""
    return session().get_one(Contact, (conversation.account_id, conversation.contact_id)).erased_at is not None


# -- reading them


def _turns(messages: Sequence[Message]) -> list[tuple[list[Message], list[Message]]]:
    """Each stretch of people's messages, with what the customer had written before it."""
    turns: list[tuple[list[Message], list[Message]]] = []
    asked: list[Message] = []
    said: list[Message] = []
    for message in messages:
        if message.sender_type == SenderType.USER and message.content and message.deleted_at is None:
            said.append(message)
            continue
        if said:
            turns.append((asked[-ASKED:], said))
            said = []
        if _is_customers(message):
            asked = [*asked, message]
    return [*turns, (asked[-ASKED:], said)] if said else turns


def _answered(turn: tuple[list[Message], list[Message]]) -> Exchange | None:
    asked, said = turn
    pair = pair_of([*asked, *said])
    return Exchange(tuple(m.id for m in asked), tuple(m.id for m in said), *pair) if pair else None


def _is_customers(message: Message) -> bool:
    """Whether the customer says something in it, still."""
    return message.message_type == MessageType.INCOMING and bool(message.content) and message.deleted_at is None


def _weighty(messages: Sequence[Message]) -> list[Message]:
    """The customer's that ask for something."""
    return [
        m
        for m in messages
        if _is_customers(m) and wish(m.content) not in {Wish.HELLO, Wish.THANKS, Wish.NOTHING, Wish.SOLVED}
    ]


def _read(account_id: int, ids: set[int]) -> dict[int, Message]:
    query = select(Message).where(
        col(Message.account_id) == account_id, col(Message.id).in_(ids), col(Message.deleted_at).is_(None)
    )
    return {message.id: message for message in session().exec(query)} if ids else {}


# -- the courier's steps


@dataclass(frozen=True)
class Unread:
    """Questions without a vector: {conversation id: its exchange}. last_id: where the walk through the past has come to."""

    exchanges: dict[int, Exchange]
    last_id: int = 0


@dataclass(frozen=True)
class Vectors:
    model: str
    exchanges: dict[int, tuple[Exchange, tuple[float, ...]]]
    last_id: int = 0


def _prepare(delivery: Delivery) -> Unread | None:
    if "conversation_id" in delivery.data:
        found = [session().get(Conversation, (delivery.account_id, delivery.data["conversation_id"]))]
    else:
        found = list(_past(delivery.account_id, delivery.data["before"], delivery.data["model"]))
        if not found:
            learn_soon(delivery.account_id)
    exchanges = {c.id: _exchange_of(c) for c in found if c is not None and c.status == Status.RESOLVED}
    last_id = min((c.id for c in found if c is not None), default=0)
    told = {number: one for number, one in exchanges.items() if one is not None}
    is_past = "before" in delivery.data
    return Unread(told, last_id if is_past else 0) if told or (is_past and found) else None


def _exchange_of(conversation: Conversation) -> Exchange | None:
    return exchange(thread(conversation, limit=READ, public_only=True))


def _past(account_id: int, before: int, model: str) -> Sequence[Conversation]:
    """The newest resolved ones first: they matter most."""
    known = select(Memory.conversation_id).where(col(Memory.account_id) == account_id)
    known = known.where(col(Memory.model) == model) if model else known
    query = select(Conversation).where(
        col(Conversation.account_id) == account_id, col(Conversation.status) == Status.RESOLVED
    )
    query = query.where(col(Conversation.id) < before) if before else query
    query = query.where(col(Conversation.id).not_in(known))
    return session().exec(query.order_by(col(Conversation.id).desc()).limit(BATCH)).all()


def _embed(unread: Unread) -> Vectors:
    captain = Captain(settings().captain_socket, SECONDS)
    model, read = "", {}
    try:
        for number, one in unread.exchanges.items():
            understood = captain.understand(one.question)
            model, read[number] = understood.embedder, (one, understood.vector)
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away
    return Vectors(model, read, unread.last_id)


def _keep(delivery: Delivery, read: Vectors) -> None:
    for number in sorted(read.exchanges):
        one, vector = read.exchanges[number]
        if not is_erased(locked(delivery.account_id, number)):
            _write(delivery.account_id, number, one, vector, read.model)
    if not read.last_id:
        owe_learning(delivery.account_id)
        return
    ref = f"{delivery.ref.partition('<')[0]}<{read.last_id}"
    more = {"before": read.last_id, "model": delivery.data["model"]}
    owe(delivery.account_id, REMEMBER, ref, lane="remember:past", **more)


def _write(account_id: int, conversation_id: int, one: Exchange, vector: Sequence[float], model: str) -> None:
    row: dict[str, Any] = {
        "question_ids": list(one.question_ids),
        "answer_ids": list(one.answer_ids),
        "model": model,
        "embedding": list(vector),
    }
    written = insert(Memory).values(account_id=account_id, conversation_id=conversation_id, **row)
    session().connection().execute(
        written.on_conflict_do_update(index_elements=["account_id", "conversation_id"], set_=row)
    )


def _nothing(_delivery: Delivery, _state: DeliveryState, _reason: str) -> None:
    """It is remembered the next time somebody lets him read the past."""


COURIER = Courier(REMEMBER, _prepare, _embed, _keep, _nothing, may_repeat=True, attempts=20)

_NEAR = text("""
    select m.conversation_id, m.question_ids, m.answer_ids, c.display_id, c.last_activity_at,
        1 - (m.embedding <=> cast(:vector as halfvec)) as score
    from memory m join conversation c on c.account_id = m.account_id and c.id = m.conversation_id
    where m.account_id = :account and m.model = :model and m.conversation_id <> :but and cardinality(m.answer_ids) > 0
        and c.status = 'resolved'
        and (cast(:inboxes as bigint[]) is null or c.inbox_id = any(cast(:inboxes as bigint[])))
    order by m.embedding <=> cast(:vector as halfvec) limit :near
""")
