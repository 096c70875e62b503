"""What the courier asks Captain for: vectors of articles, drafts for agents. Never inside a transaction."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from app.assist import actions, hints, learning, memory, mining, queries, reading, reembedding, trials, turns
from app.assist.actions import EMBED
from app.assist.assistants import scope_of, serving
from app.assist.calibrating import correction, noted
from app.assist.models import TITLE, Document, DocumentState, Draft, Passage
from app.assist.reactions import DRAFT
from app.config import settings
from app.conversations.models import Conversation, Message, MessageType
from app.conversations.queries import locked
from app.database import session, transaction
from app.deliveries.actions import owe
from app.deliveries.courier import Kind
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError
from app.help_center.models import Article, ArticleStatus
from app.inboxes.models import Inbox
from captain.client import Captain, CaptainAway
from captain.passages import Passage as Piece
from captain.passages import passages
from captain.wire import Calibration, Candidate, Understood, Verdict

DRAFT_SECONDS = 15.0
EMBED_SECONDS = 120.0
EMBED_BATCH = 32
NO_SENTENCES = dict.fromkeys(("sentences_hash", "sentence_embeddings", "next_sentence_embeddings"))
NO_VECTORS = dict.fromkeys(("model", "embedding", "next_model", "next_embedding")) | NO_SENTENCES
CONTEXT_MESSAGES = 3


@dataclass(frozen=True)
class Unread:
    """Passages Captain has no vectors for yet: {row id: what the model reads}.

    in_use: the model that the account searches with. bare: those it has not read either.
    """

    texts: dict[int, str]
    in_use: str | None = None
    bare: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Read:
    """Their vectors, by the model Captain has; and where another is still in use, by that one too, if he can."""

    model: str
    vectors: dict[int, list[float]]
    in_use: str | None
    vectors_in_use: dict[int, list[float]]


@dataclass(frozen=True)
class Single:
    """Sentences Captain has no vectors for yet: {row id: (their hash, what the model reads of each)}."""

    texts: dict[int, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class SingleRead:
    """Their vectors: {row id: (the hash of what was read, a vector of each sentence)}."""

    model: str
    vectors: dict[int, tuple[str, list[list[float]]]]


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
    calibration: Calibration


def draft_now(account_id: int, message_id: int, budget_seconds: float) -> Draft | None:
    """Captain's draft for the message, asked for now; None when he has none. CaptainAway when he is not there in time.

    Opens its own transactions: he is asked outside of any.
    """
    with transaction(account_id) as current:
        message = current.get_one(Message, (account_id, message_id))
        known = actions.draft_of(message)
        question = question_of(message)
    if known is not None or question is None:
        return known
    proposal = proposal_for(question, budget_seconds)
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


def _prepare(delivery: Delivery) -> Unread | Single | None:
    """What the model is to read now: passages, and when all of the account's have been found by these, their sentences."""
    return _unread_sentences(delivery) if delivery.data.get("is_single") else _cut(delivery)


def _mine(delivery: Delivery) -> tuple[Any, ...]:
    name = _name(delivery)
    return col(Passage.account_id) == delivery.account_id, col(getattr(Passage, name)) == delivery.data[name]


def _name(delivery: Delivery) -> str:
    return "document_id" if "document_id" in delivery.data else "article_id"


def _whole(delivery: Delivery) -> Whole | None:
    return _document(delivery) if _name(delivery) == "document_id" else _article(delivery)


def _cut(delivery: Delivery) -> Unread | None:
    """Bring the passages up to date; what is unchanged keeps its vector. What is not published any more has none."""
    mine, whole = _mine(delivery), _whole(delivery)
    if whole is None:
        reembedding.lock(delivery.account_id)
        session().connection().execute(delete(Passage).where(*mine))
        reembedding.switch(delivery.account_id)
        return None
    known = {row.position: row for row in session().exec(select(Passage).where(*mine).with_for_update())}
    vectors = {row.content_hash: _vectors(row) for row in known.values()}
    pieces = passages(whole.title, whole.content)
    read = {TITLE: whole.title} | {piece.position: piece.embedded for piece in pieces}
    for position, row in _wanted(whole, pieces).items():
        place = known.pop(position, None) or Passage(position=position, **whole.keys)
        kept = vectors.get(row["content_hash"], NO_VECTORS)
        unchanged = kept if kept["sentences_hash"] == row["sentences_hash"] else NO_SENTENCES
        for field, value in (kept | unchanged | row).items():
            setattr(place, field, value)
        session().add(place)
    for gone in known.values():
        session().delete(gone)
    session().flush()
    rows = [
        row for row in session().exec(select(Passage).where(*mine)) if not _is_read(row, delivery.data.get("model"))
    ]
    if not rows:
        _owe_sentences(delivery)
    bare = frozenset(row.id for row in rows if row.embedding is None)
    in_use = queries.model_in_use(delivery.account_id)
    return Unread({row.id: read[row.position] for row in rows}, in_use, bare) if rows else None


def _owe_sentences(delivery: Delivery) -> None:
    """Those that nobody has read, one article after another, so that whoever waits for Captain waits for one at most."""
    name = _name(delivery)
    if any(_lacks_sentences(row) for row in session().exec(select(Passage).where(*_mine(delivery)))):
        whose: dict[str, Any] = {name: delivery.data[name]}
        owe(delivery.account_id, EMBED, f"{delivery.ref}:sentences", lane="sentences", is_single=True, **whose)


def _lacks_sentences(row: Passage) -> bool:
    newest = row.sentence_embeddings if row.next_model is None else row.next_sentence_embeddings
    return bool(row.sentences_hash) and newest is None


def _unread_sentences(delivery: Delivery) -> Single | None:
    """Of passages as they are cut now; whoever changes the text meanwhile cuts it anew, and owes what is new in it."""
    whole = _whole(delivery)
    pieces = passages(whole.title, whole.content) if whole else []
    read = {piece.position: piece for piece in pieces}
    rows = [row for row in session().exec(select(Passage).where(*_mine(delivery))) if _lacks_sentences(row)]
    known = [(row, read[row.position]) for row in rows if row.position in read]
    texts = {
        row.id: (one.sentences_hash, one.in_place) for row, one in known if one.sentences_hash == row.sentences_hash
    }
    return Single(texts) if texts else None


def _vectors(row: Passage) -> dict[str, Any]:
    return {field: getattr(row, field) for field in NO_VECTORS}


def _is_read(row: Passage, model: str | None) -> bool:
    """Whether it has a vector: of this model, if one is named."""
    made = {row.model if row.embedding is not None else None, row.next_model} - {None}
    return bool(made) if model is None else model in made


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
    return {TITLE: title | {"sentences_hash": ""}} | {
        piece.position: common
        | {
            "heading": piece.heading,
            "content": piece.text,
            "content_hash": piece.content_hash,
            "is_whole": piece.is_whole,
            "sentences_hash": piece.sentences_hash,
        }
        for piece in pieces
    }


def _read(unread: Unread | Single) -> Read | SingleRead:
    asked = captain(EMBED_SECONDS)
    if isinstance(unread, Single):
        return _read_sentences(asked, unread)
    try:
        model, vectors = asked.ping(), _embedded(asked, unread.texts)
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away
    in_use: dict[int, list[float]] = {}
    if unread.in_use not in (None, model):
        with contextlib.suppress(CaptainAway):
            in_use = _embedded(asked, {one: unread.texts[one] for one in unread.bare}, unread.in_use)
    return Read(model, vectors, unread.in_use, in_use)


def _read_sentences(asked: Captain, unread: Single) -> SingleRead:
    """Each once: the passages of a short article are quoted whole, and have the same ones."""
    texts = dict(enumerate(dict.fromkeys(text for _, own in unread.texts.values() for text in own)))
    try:
        model, made = asked.ping(), _embedded(asked, texts)
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away
    vectors = {texts[n]: vector for n, vector in made.items()}
    return SingleRead(
        model, {one: (digest, [vectors[text] for text in own]) for one, (digest, own) in unread.texts.items()}
    )


def _embedded(asked: Captain, texts: dict[int, str], model: str | None = None) -> dict[int, list[float]]:
    ids = list(texts)
    slices = [ids[start : start + EMBED_BATCH] for start in range(0, len(ids), EMBED_BATCH)]
    vectors = [row for part in slices for row in asked.embed_documents([texts[one] for one in part], model)]
    return dict(zip(ids, vectors, strict=True))


def _keep(delivery: Delivery, read: Read | SingleRead) -> None:
    reembedding.lock(delivery.account_id)
    if isinstance(read, SingleRead):
        _keep_sentences(delivery, read)
        return
    is_next = queries.model_in_use(delivery.account_id) not in (None, read.model)
    for identifier, vector in read.vectors.items():
        row = session().get(Passage, (delivery.account_id, identifier))
        if row is None:
            continue
        if not is_next:
            row.embedding, row.model = vector, read.model
            continue
        row.next_embedding, row.next_model = vector, read.model
        if identifier in read.vectors_in_use:
            row.embedding, row.model = read.vectors_in_use[identifier], read.in_use
    session().flush()
    _owe_sentences(delivery)
    if is_next:
        reembedding.switch(delivery.account_id)


def _keep_sentences(delivery: Delivery, read: SingleRead) -> None:
    """Beside the passage's own vector of the same model, if the passage still says the same."""
    for identifier, (digest, vectors) in read.vectors.items():
        row = session().get(Passage, (delivery.account_id, identifier), with_for_update=True)
        if row is None or row.sentences_hash != digest:
            continue
        if row.next_model == read.model:
            row.next_sentence_embeddings = vectors
        elif row.model == read.model:
            row.sentence_embeddings = vectors
    session().flush()
    reembedding.switch(delivery.account_id)


def _understand(delivery: Delivery) -> Question | None:
    message = session().get(Message, (delivery.account_id, delivery.data["message_id"]))
    if message is None or message.content_attributes.get("asked_in") == "help_center":
        # there he has answered it already, and the customer wants somebody else's answer
        return None
    return question_of(message)


def question_of(message: Message) -> Question | None:
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
    manner = (assistant.tone, assistant.instructions, correction(message.account_id))
    return Question(message.account_id, message.id, message.content[:1000], context, scope, *manner)


def _ask(question: Question) -> actions.Proposal:
    try:
        return proposal_for(question, DRAFT_SECONDS)
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away


def proposal_for(
    question: Question,
    budget_seconds: float,
    *,
    sure_from: float | None = None,
    arrange: Callable[[Understood, list[Candidate]], list[Candidate]] | None = None,
) -> actions.Proposal:
    """What Captain answers, if he is as sure as drafts have to be, or as `sure_from`; arrange: see `queries.ask`. CaptainAway."""
    reply = queries.ask(
        captain(budget_seconds),
        question.scope,
        question.text,
        question.context,
        sure_from=settings().captain_draft_confidence if sure_from is None else sure_from,
        tone=question.tone,
        instructions=question.instructions,
        arrange=arrange,
        calibration=question.calibration,
    )
    return actions.Proposal(
        text=reply.text,
        citations=queries.cited(reply),
        confidence=reply.confidence,
        article_ids=[int(hit.article_id) for hit in reply.ranking.hits[:10]],
        scores=[round(hit.score, 4) for hit in reply.ranking.hits[:10]],
        features=reply.ranking.features | noted(question.calibration),
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
    trials.TRIAL: trials.COURIER,
    EMBED: Kind(EMBED, _prepare, _read, _keep, _nothing, may_repeat=True, attempts=50),
    memory.REMEMBER: memory.COURIER,
    learning.LEARN: learning.COURIER,
    hints.HINT: hints.COURIER,
    DRAFT: Kind(DRAFT, _understand, _ask, _propose, _nothing, may_repeat=True, attempts=4),
}
