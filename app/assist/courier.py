"""What the courier asks Captain for: vectors of articles, drafts for agents. Never inside a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from app.assist import actions, mining, queries, reading, turns
from app.assist.actions import EMBED
from app.assist.assistants import scope_of, serving
from app.assist.models import TITLE, Document, DocumentState, Draft, Passage
from app.assist.reactions import DRAFT
from app.config import settings
from app.conversations.models import Conversation, Message, MessageType
from app.conversations.queries import locked
from app.database import session, transaction
from app.deliveries.courier import Kind
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError
from app.help_center.models import Article, ArticleStatus
from app.inboxes.models import Inbox
from captain.client import Captain, CaptainAway
from captain.passages import Passage as Piece
from captain.passages import passages
from captain.wire import Verdict

DRAFT_SECONDS = 15.0
EMBED_SECONDS = 120.0
EMBED_BATCH = 32
CONTEXT_MESSAGES = 3


@dataclass(frozen=True)
class Unread:
    """Passages Captain has no vectors for yet: {row id: what the model reads}."""

    texts: dict[int, str]


@dataclass(frozen=True)
class Question:
    """What a customer asked, with what he wrote before it."""

    account_id: int
    message_id: int
    text: str
    context: tuple[str, ...]
    scope: queries.Scope
    tone: str
    instructions: str


def draft_now(account_id: int, message_id: int, budget_seconds: float) -> Draft | None:
    """Captain's draft for the message, asked for now; None when he has none. CaptainAway when he is not there in time.

    Opens its own transactions: he is asked outside of any.
    """
    with transaction(account_id) as current:
        message = current.get_one(Message, (account_id, message_id))
        known = actions.draft_of(message)
        question = _question(message)
    if known is not None or question is None:
        return known
    proposal = _proposal(question, budget_seconds)
    with transaction(account_id):
        return actions.propose(locked(account_id, message.conversation_id), message, proposal)


def captain(budget_seconds: float) -> Captain:
    """Captain, who must answer within the budget."""
    return Captain(settings().captain_socket, budget_seconds)


@dataclass(frozen=True)
class Whole:
    """What is cut into passages: an article that is published, or a document that is approved."""

    title: str
    content: str
    keys: dict[str, Any]  # of its passages, whose they are
    common: dict[str, Any]  # of its passages, where they may be found


def _cut(delivery: Delivery) -> Unread | None:
    """Bring the passages up to date; what is unchanged keeps its vector. What is not published any more has none."""
    name = "document_id" if "document_id" in delivery.data else "article_id"
    mine = (col(Passage.account_id) == delivery.account_id, col(getattr(Passage, name)) == delivery.data[name])
    whole = _document(delivery) if name == "document_id" else _article(delivery)
    if whole is None:
        session().connection().execute(delete(Passage).where(*mine))
        return None
    known = {row.position: row for row in session().exec(select(Passage).where(*mine).with_for_update())}
    vectors = {row.content_hash: (row.embedding, row.model) for row in known.values() if row.embedding is not None}
    pieces = passages(whole.title, whole.content)
    read = {TITLE: whole.title} | {piece.position: piece.embedded for piece in pieces}
    for position, row in _wanted(whole, pieces).items():
        place = known.pop(position, None) or Passage(position=position, **whole.keys)
        for field, value in row.items():
            setattr(place, field, value)
        place.embedding, place.model = vectors.get(place.content_hash, (None, None))
        session().add(place)
    for gone in known.values():
        session().delete(gone)
    session().flush()
    # read anew, each keeps its old vector until the new one is there
    is_wanted = () if delivery.data.get("is_anew") else (col(Passage.embedding).is_(None),)
    rows = session().exec(select(Passage).where(*mine, *is_wanted))
    unread = {row.id: read[row.position] for row in rows}
    return Unread(unread) if unread else None


def _article(delivery: Delivery) -> Whole | None:
    found = session().get(Article, (delivery.account_id, delivery.data["article_id"]))
    if found is None or found.status != ArticleStatus.PUBLISHED:
        return None
    keys = {"account_id": found.account_id, "article_id": found.id}
    return Whole(found.title, found.content, keys, {"portal_id": found.portal_id, "locale": found.locale})


def _document(delivery: Delivery) -> Whole | None:
    found = session().get(Document, (delivery.account_id, delivery.data["document_id"]))
    if found is None or found.state != DocumentState.APPROVED:
        return None
    keys = {"account_id": found.account_id, "document_id": found.id}
    common = {"assistant_id": found.assistant_id, "locale": found.locale, "url": found.url}
    return Whole(found.title, found.content, keys, common)


def _wanted(whole: Whole, pieces: Sequence[Piece]) -> dict[int, dict[str, Any]]:
    common = whole.common | {"title": whole.title}
    title = common | {"heading": "", "content": "", "content_hash": f"title:{whole.title}", "is_whole": False}
    return {TITLE: title} | {
        piece.position: common
        | {
            "heading": piece.heading,
            "content": piece.text,
            "content_hash": piece.content_hash,
            "is_whole": piece.is_whole,
        }
        for piece in pieces
    }


def _read(unread: Unread) -> tuple[str, dict[int, list[float]]]:
    ids, texts = list(unread.texts), list(unread.texts.values())
    try:
        asked = captain(EMBED_SECONDS)
        vectors: list[list[float]] = []
        for start in range(0, len(texts), EMBED_BATCH):
            vectors += asked.embed_documents(texts[start : start + EMBED_BATCH])
        return asked.ping(), dict(zip(ids, vectors, strict=True))
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away


def _keep(delivery: Delivery, read: tuple[str, dict[int, list[float]]]) -> None:
    model, vectors = read
    for identifier, vector in vectors.items():
        row = session().get(Passage, (delivery.account_id, identifier))
        if row is not None:
            row.embedding, row.model = vector, model


def _understand(delivery: Delivery) -> Question | None:
    message = session().get(Message, (delivery.account_id, delivery.data["message_id"]))
    return None if message is None else _question(message)


def _question(message: Message) -> Question | None:
    """What to ask Captain; None when there is nothing to draft for any more, or nowhere to look."""
    if not message.content or message.deleted_at is not None:
        return None
    conversation = session().get_one(Conversation, (message.account_id, message.conversation_id))
    assistant = serving(session().get_one(Inbox, (message.account_id, message.inbox_id)))
    scope = scope_of(assistant) if assistant else None
    if assistant is None or scope is None or actions.went_on(conversation, message):
        return None
    earlier = session().exec(
        select(Message.content)
        .where(
            col(Message.account_id) == message.account_id,
            col(Message.conversation_id) == message.conversation_id,
            col(Message.message_type) == MessageType.INCOMING,
            col(Message.id) < message.id,
        )
        .order_by(col(Message.id).desc())
        .limit(CONTEXT_MESSAGES)
    )
    context = tuple(reversed(list(earlier)))
    manner = (assistant.tone, assistant.instructions)
    return Question(message.account_id, message.id, message.content[:1000], context, scope, *manner)


def _ask(question: Question) -> actions.Proposal:
    try:
        return _proposal(question, DRAFT_SECONDS)
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away


def _proposal(question: Question, budget_seconds: float) -> actions.Proposal:
    sure_from = settings().captain_draft_confidence
    reply = queries.ask(
        captain(budget_seconds),
        question.scope,
        question.text,
        question.context,
        sure_from=sure_from,
        tone=question.tone,
        instructions=question.instructions,
    )
    return actions.Proposal(
        text=reply.text,
        citations=queries.cited(reply),
        confidence=reply.confidence,
        article_ids=[int(hit.article_id) for hit in reply.ranking.hits[:10]],
        scores=[round(hit.score, 4) for hit in reply.ranking.hits[:10]],
        features=dict(reply.ranking.features),
        is_answer=reply.verdict == Verdict.ANSWER,
    )


def _propose(delivery: Delivery, proposal: actions.Proposal) -> None:
    message = session().get_one(Message, (delivery.account_id, delivery.data["message_id"]))
    actions.propose(locked(message.account_id, message.conversation_id), message, proposal)


def _nothing(_delivery: Delivery, _state: DeliveryState, _reason: str) -> None:
    """Captain stays silent; nobody waits for him."""


COURIERS = {
    turns.TURN: turns.COURIER,
    reading.READ: reading.COURIER,
    mining.MINE: mining.COURIER,
    EMBED: Kind(EMBED, _cut, _read, _keep, _nothing, may_repeat=True, attempts=50),
    DRAFT: Kind(DRAFT, _understand, _ask, _propose, _nothing, may_repeat=True, attempts=4),
}
