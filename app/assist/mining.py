"""A resolved conversation becomes a pair of question and answer that waits for a look, where Captain did not know it.

The customer's question as he wrote it and what a person answered, without greetings and without what tells who he is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from app.assist import actions, queries
from app.assist.assistants import assistant, scope_of, serving
from app.assist.models import Assistant, Document, DocumentKind, DocumentState
from app.assist.wishes import Wish, wish
from app.config import settings
from app.contacts.models import Contact
from app.conversations.models import Conversation, Message, MessageType, SenderType
from app.conversations.queries import locked, thread
from app.database import session
from app.deliveries.courier import Kind as Courier
from app.deliveries.models import Delivery, DeliveryState
from app.errors import ChannelError
from app.inboxes.models import Inbox
from captain.client import Captain, CaptainAway

MINE = "captain.mine"
SECONDS = 15.0
# From this confidence on he has answered it well enough from what he knows: nothing new
KNOWN_FROM = 0.5
# Cosine of two questions as the model reads them, from which they are taken for one: of 23 help centers (data/captain) four
# pairs of five that come so near are of one entry, and the others ask nearly the same; at 0.65 it is two of three
ALIKE = 0.7
WAITING = 100  # pairs that a new one is compared with
QUESTION_LETTERS, ANSWER_LETTERS = range(12, 400), range(40, 3000)

_GREETING = re.compile(
    r"^(здравствуйте|добрый (день|вечер)|доброе утро|приветствую|привет|hello|hi|good (morning|afternoon|evening))"
    r"(,?\s+[\w-]{2,20}){0,2}\s*[.!,\n]+\s*",
    re.IGNORECASE,
)
_PRIVATE = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "…"),
    (re.compile(r"\+?\d[\d\s()-]{8,}\d"), "…"),
    (re.compile(r"(?<![\w/.])[#№]?\d{5,}(?![\w/])"), "…"),
)


@dataclass(frozen=True)
class Pair:
    """A question and what a person answered to it."""

    question: str
    answer: str
    scope: queries.Scope | None
    waiting: tuple[str, ...]


def pair_of(messages: Sequence[Message]) -> tuple[str, str] | None:
    """(question, answer) of a thread; None when it holds none worth keeping."""
    first = next((i for i, m in enumerate(messages) if m.sender_type == SenderType.USER), None)
    if first is None:
        return None
    asked = [m.content for m in messages[:first] if m.message_type == MessageType.INCOMING and m.content]
    questions = [without_names(words) for words in asked if wish(words) in {Wish.QUESTION, Wish.MONEY}]
    said: list[str] = []
    for message in messages[first:]:
        if message.sender_type != SenderType.USER:
            break
        said.append(message.content)
    question, answer = " ".join(questions[-2:]), without_names("\n\n".join(said))
    # an answer that only asks back answers nothing
    if len(question) not in QUESTION_LETTERS or len(answer) not in ANSWER_LETTERS or answer.endswith("?"):
        return None
    return question, answer


def without_names(words: str) -> str:
    """Without a greeting by name, addresses and numbers that may tell who it is."""
    words = _GREETING.sub("", words.strip())
    for pattern, instead in _PRIVATE:
        words = pattern.sub(instead, words)
    return words.strip()


def _prepare(delivery: Delivery) -> Pair | None:
    conversation = session().get(Conversation, (delivery.account_id, delivery.data["conversation_id"]))
    if conversation is None or _was_mined(conversation):
        return None
    found = serving(session().get_one(Inbox, (conversation.account_id, conversation.inbox_id)))
    pair = pair_of(thread(conversation, limit=60, public_only=True)) if found else None
    return Pair(*pair, scope_of(found), _waiting(found)) if found and pair else None


def _compare(pair: Pair) -> Pair | None:
    """The pair, if neither what Captain knows answers the question nor a pair that waits asks the same."""
    captain = Captain(settings().captain_socket, SECONDS)
    try:
        if pair.waiting and _is_asked(captain, pair):
            return None
        known = queries.ask(captain, pair.scope, pair.question, sure_from=KNOWN_FROM) if pair.scope else None
    except CaptainAway as away:
        raise ChannelError(str(away), permanent=False) from away
    return None if known is not None and known.confidence >= KNOWN_FROM else pair


def _is_asked(captain: Captain, pair: Pair) -> bool:
    mine, *others = captain.embed_queries([pair.question, *pair.waiting])
    return any(cosine(mine, other) >= ALIKE for other in others)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two vectors of unit length, in [-1, 1]."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def _keep(delivery: Delivery, pair: Pair | None) -> None:
    conversation = locked(delivery.account_id, delivery.data["conversation_id"])
    contact = session().get_one(Contact, (conversation.account_id, conversation.contact_id))
    found = serving(session().get_one(Inbox, (conversation.account_id, conversation.inbox_id)))
    if pair is None or found is None or contact.erased_at is not None or _was_mined(conversation):
        return
    actions.suggest_pair(
        assistant(found.account_id, found.id),
        pair.question,
        pair.answer,
        by="captain",
        state=DocumentState.PENDING,
        conversation_id=conversation.id,
    )


def _waiting(found: Assistant) -> tuple[str, ...]:
    query = select(Document.title).where(
        col(Document.account_id) == found.account_id,
        col(Document.assistant_id) == found.id,
        col(Document.kind) == DocumentKind.FAQ,
        col(Document.state) != DocumentState.APPROVED,
    )
    return tuple(session().exec(query.order_by(col(Document.id).desc()).limit(WAITING)))


def _was_mined(conversation: Conversation) -> bool:
    query = select(Document.id).where(
        col(Document.account_id) == conversation.account_id,
        col(Document.kind) == DocumentKind.FAQ,
        col(Document.conversation_id) == conversation.id,
    )
    return session().exec(query.limit(1)).first() is not None


def _nothing(_delivery: Delivery, _state: DeliveryState, _reason: str) -> None:
    """It was only a thought."""


COURIER = Courier(MINE, _prepare, _compare, _keep, _nothing, may_repeat=True, attempts=4)
