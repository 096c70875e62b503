"""What a conversation may need besides a draft, worked out in the background: labels it lacks, a canned response that fits.

Shown beside the composer to all who see the conversation, until one of them decides, or the thread goes on.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from app.assist import actions, learning
from app.assist.memory import READ, is_erased, question_now
from app.assist.mining import cosine
from app.assist.models import CannedVector, LabelModel, Suggestion, SuggestionKind, SuggestionState
from app.clock import now
from app.config import settings
from app.conversations.models import Conversation, Holder, Message, Status
from app.conversations.queries import locked, thread
from app.database import session
from app.deliveries.courier import Kind as Courier
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError
from app.labels.actions import labels
from app.shortcuts.models import CannedResponse
from captain.client import Captain, CaptainAway
from captain.wire import Candidate

HINT = "captain.hint"
SECONDS = 15.0
# How sure Captain must be that a canned response answers, and how near it must be to the question. Of texts without a title
# (273 questions of a shop, half of them unanswerable, 8 to 40 texts) nine in ten of those shown are right, one in twelve is
CANNED_FROM, CANNED_NEAR = 0.7, 0.25
CANNED = 200  # of them are looked at, the newest
NEW = 32  # of them are read at a time
LABELS = 2  # are suggested at once


@dataclass(frozen=True)
class Canned:
    """A canned response, with its vector if the model has read it."""

    id: int
    title: str
    text: str
    content_hash: str
    vector: tuple[float, ...] | None
    model: str


@dataclass(frozen=True)
class Question:
    text: str
    message_id: int
    canned: Sequence[Canned]


@dataclass(frozen=True)
class Hints:
    """The question's vector, what was read of canned responses, and the best of them with how sure it is."""

    message_id: int
    vector: tuple[float, ...]
    model: str
    read: dict[int, tuple[str, list[float]]] = field(default_factory=dict)
    best: tuple[int, float] | None = None


def hints(conversation: Conversation) -> list[Suggestion]:
    """What is shown now: labels it does not have yet, a canned response while nobody has answered since."""
    query = select(Suggestion).where(
        col(Suggestion.account_id) == conversation.account_id,
        col(Suggestion.conversation_id) == conversation.id,
        col(Suggestion.kind).in_([SuggestionKind.LABEL, SuggestionKind.CANNED]),
        col(Suggestion.state) == SuggestionState.SHOWN,
    )
    found = list(session().exec(query.order_by(col(Suggestion.kind), col(Suggestion.id))))
    return [one for one in found if _still_fits(conversation, one)]


def _still_fits(conversation: Conversation, one: Suggestion) -> bool:
    if one.kind == SuggestionKind.LABEL:
        return one.content not in conversation.labels
    asked = session().get(Message, (one.account_id, one.message_id))
    return asked is not None and not actions.went_on(conversation, asked)


# -- the courier's steps


def _prepare(delivery: Delivery) -> Question | None:
    conversation = session().get(Conversation, (delivery.account_id, delivery.data["conversation_id"]))
    if conversation is None or not _wants(conversation):
        return None
    text, message_id = question_now(thread(conversation, limit=READ, public_only=True))
    canned = _canned(delivery.account_id)
    learned = select(LabelModel.id).where(col(LabelModel.account_id) == delivery.account_id)
    if delivery.data.get("message_id", message_id) != message_id:
        return None  # he has written on, and that will be looked at
    if not text or message_id is None or not (canned or session().exec(learned.limit(1)).first()):
        return None
    return Question(text, message_id, canned)


def _wants(conversation: Conversation) -> bool:
    return conversation.status != Status.RESOLVED and conversation.held_by != Holder.CAPTAIN


def _canned(account_id: int) -> list[Canned]:
    query = select(CannedResponse).where(col(CannedResponse.account_id) == account_id)
    responses = session().exec(query.order_by(col(CannedResponse.id).desc()).limit(CANNED)).all()
    rows = session().exec(select(CannedVector).where(col(CannedVector.account_id) == account_id))
    known = {row.canned_response_id: row for row in rows}
    return [_of(response, known.get(response.id)) for response in responses]


def _of(response: CannedResponse, row: CannedVector | None) -> Canned:
    digest = hashlib.sha256(f"{response.short_code}\n{response.content}".encode()).hexdigest()[:32]
    is_known = row is not None and row.content_hash == digest
    vector = tuple(row.embedding) if row is not None and is_known else None
    text = " ".join(response.content.split())
    return Canned(
        response.id, response.short_code, text, digest, vector, row.model if row is not None and is_known else ""
    )


def _ask(question: Question) -> Hints:
    captain = Captain(settings().captain_socket, SECONDS)
    try:
        understood = captain.understand(question.text)
        unread = [one for one in question.canned if one.model != understood.embedder][:NEW]
        vectors = captain.embed_documents([f"{one.title}\n{one.text}" for one in unread]) if unread else []
        read = {one.id: (one.content_hash, vector) for one, vector in zip(unread, vectors, strict=True)}
        found = [_candidate(one, understood.vector, read) for one in question.canned]
        ranking = captain.rank(question.text, [one for one in found if one is not None])
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away
    first = next(iter(ranking.hits), None)
    is_near = first is not None and (first.cosine or 0.0) >= CANNED_NEAR
    best = (int(first.article_id), ranking.confidence) if first is not None and is_near else None
    return Hints(question.message_id, understood.vector, understood.embedder, read, best)


def _candidate(one: Canned, vector: Sequence[float], read: dict[int, tuple[str, list[float]]]) -> Candidate | None:
    mine = read[one.id][1] if one.id in read else one.vector
    if mine is None or len(mine) != len(vector):
        return None
    near = cosine(mine, vector)
    return Candidate(one.id, one.id, one.title, one.text, cosine=near, title_cosine=near, is_whole=True)


def _show(delivery: Delivery, found: Hints) -> None:
    """Write down what was read; and show what is new, unless the thread has gone on or somebody has said no to it."""
    for number, (digest, vector) in found.read.items():
        _remember(delivery.account_id, number, digest, vector, found.model)
    message = session().get(Message, (delivery.account_id, found.message_id))
    if message is None:
        return
    conversation = locked(message.account_id, message.conversation_id)
    if not _wants(conversation) or actions.went_on(conversation, message) or is_erased(conversation):
        return
    wanted = [*_labels(conversation, found), *_best_canned(conversation, found)]
    past = _past(conversation)
    for old in past:
        if old.state == SuggestionState.SHOWN and _key(old) not in [(kind, content) for kind, content, _ in wanted]:
            old.state, old.decided_at = SuggestionState.STALE, now()
    # what stands there stays, what somebody put aside does not come back
    kept = {_key(one) for one in past if one.state in {SuggestionState.SHOWN, SuggestionState.DISMISSED}}
    for kind, content, more in wanted:
        if (kind, content) not in kept:
            actions.suggest(conversation, kind, message_id=message.id, content=content, **more)


def _labels(conversation: Conversation, found: Hints) -> list[tuple[SuggestionKind, str, dict[str, Any]]]:
    offered = {label.title for label in labels(conversation.account_id)} - set(conversation.labels)
    told = learning.told(conversation.account_id, found.vector, found.model)
    likely = [(one, p) for one, p in told if one.label in offered][:LABELS]
    return [
        (SuggestionKind.LABEL, one.label, {"shown": [{"label": one.label, "score": round(p, 4)}], "confidence": p})
        for one, p in likely
    ]


def _best_canned(conversation: Conversation, found: Hints) -> list[tuple[SuggestionKind, str, dict[str, Any]]]:
    if found.best is None or found.best[1] < CANNED_FROM:
        return []
    response = session().get(CannedResponse, (conversation.account_id, found.best[0]))
    if response is None:
        return []
    shown = [{"canned_response_id": response.id, "score": round(found.best[1], 4)}]
    return [(SuggestionKind.CANNED, response.content, {"shown": shown, "confidence": found.best[1]})]


def _past(conversation: Conversation) -> list[Suggestion]:
    query = select(Suggestion).where(
        col(Suggestion.account_id) == conversation.account_id,
        col(Suggestion.conversation_id) == conversation.id,
        col(Suggestion.kind).in_([SuggestionKind.LABEL, SuggestionKind.CANNED]),
    )
    return list(session().exec(query.with_for_update()))


def _key(one: Suggestion) -> tuple[SuggestionKind, str]:
    return one.kind, one.content


def _remember(account_id: int, response_id: int, digest: str, vector: Sequence[float], model: str) -> None:
    if session().get(CannedResponse, (account_id, response_id)) is None:
        return
    row: dict[str, Any] = {"content_hash": digest, "model": model, "embedding": list(vector)}
    written = insert(CannedVector).values(account_id=account_id, canned_response_id=response_id, **row)
    session().connection().execute(
        written.on_conflict_do_update(index_elements=["account_id", "canned_response_id"], set_=row)
    )


def _nothing(_delivery: Delivery, _state: DeliveryState, _reason: str) -> None:
    """It was only a hint."""


COURIER = Courier(HINT, _prepare, _ask, _show, _nothing, may_repeat=True, attempts=4)
