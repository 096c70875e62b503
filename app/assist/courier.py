"""What the courier asks Captain for: vectors of articles, drafts for agents. Never inside a transaction."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from app.assist import actions, queries
from app.assist.models import TITLE, Draft, Passage
from app.assist.reactions import DRAFT, EMBED
from app.config import settings
from app.conversations.models import Conversation, Message, MessageType
from app.conversations.queries import locked
from app.database import session, transaction
from app.deliveries.courier import Kind
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError
from app.help_center.models import Article, ArticleStatus
from captain.client import Captain, CaptainAway
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


def _cut(delivery: Delivery) -> Unread | None:
    """Bring the article's passages up to date; what is unchanged keeps its vector. Unpublished, it has none."""
    article = session().get(Article, (delivery.account_id, delivery.data["article_id"]))
    mine = (col(Passage.account_id) == delivery.account_id, col(Passage.article_id) == delivery.data["article_id"])
    if article is None or article.status != ArticleStatus.PUBLISHED:
        session().connection().execute(delete(Passage).where(*mine))
        return None
    known = {row.position: row for row in session().exec(select(Passage).where(*mine).with_for_update())}
    vectors = {row.content_hash: (row.embedding, row.model) for row in known.values() if row.embedding is not None}
    read = {TITLE: article.title} | {
        piece.position: piece.embedded for piece in passages(article.title, article.content)
    }
    for position, row in _wanted(article).items():
        place = known.pop(position, None) or Passage(
            account_id=article.account_id, article_id=article.id, position=position
        )
        for name, value in row.items():
            setattr(place, name, value)
        place.embedding, place.model = vectors.get(place.content_hash, (None, None))
        session().add(place)
    for gone in known.values():
        session().delete(gone)
    session().flush()
    rows = session().exec(select(Passage).where(*mine, col(Passage.embedding).is_(None)))
    unread = {row.id: read[row.position] for row in rows}
    return Unread(unread) if unread else None


def _wanted(article: Article) -> dict[int, dict[str, Any]]:
    common = {"portal_id": article.portal_id, "locale": article.locale, "title": article.title}
    title = common | {"heading": "", "content": "", "content_hash": f"title:{article.title}", "is_whole": False}
    pieces = {
        piece.position: common
        | {
            "heading": piece.heading,
            "content": piece.text,
            "content_hash": piece.content_hash,
            "is_whole": piece.is_whole,
        }
        for piece in passages(article.title, article.content)
    }
    return {TITLE: title} | pieces


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
    scope = queries.scope_of_account(message.account_id)
    if scope is None or actions.went_on(conversation, message):
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
    return Question(message.account_id, message.id, message.content[:1000], tuple(reversed(list(earlier))), scope)


def _ask(question: Question) -> actions.Proposal:
    try:
        return _proposal(question, DRAFT_SECONDS)
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away


def _proposal(question: Question, budget_seconds: float) -> actions.Proposal:
    sure_from = settings().captain_draft_confidence
    reply = queries.ask(captain(budget_seconds), question.scope, question.text, question.context, sure_from=sure_from)
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
    EMBED: Kind(EMBED, _cut, _read, _keep, _nothing, may_repeat=True, attempts=50),
    DRAFT: Kind(DRAFT, _understand, _ask, _propose, _nothing, may_repeat=True, attempts=4),
}
