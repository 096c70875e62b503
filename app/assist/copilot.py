"""An agent asks, beside a conversation: answered from what the inbox's assistant may know and from resolved conversations
that the agent may see, with numbered sources. Kept for him and this conversation."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from app.assist import actions, memory, queries
from app.assist.assistants import scope_of, serving
from app.assist.models import Memory, Suggestion, SuggestionKind
from app.config import settings
from app.conversations.models import Conversation
from app.conversations.queries import locked, thread
from app.database import session, transaction
from app.errors import NotFound
from app.i18n import _
from app.inboxes.models import Inbox
from captain.client import Captain
from captain.wire import Alternative, Candidate, Citation, Ranked, Reply, Understood, Verdict

SECONDS = 10.0
REMEMBERED = 3  # of his questions before, that a new one may lean on
SHOWN = 20  # exchanges
TALKS = 6  # resolved conversations that are looked at
TALKS_FROM = 0.3  # cosine; how well they answer is judged after
CLOSEST = 3
TEXT_LIMIT = 1500
_ABOUT_REPLY = re.compile(
    r"^\W*((что|как) (мне |нам |ему |ей |тут |здесь )*(ответить|сказать|написать)"
    r"|how (do|should|can) (i|we) (reply|answer|respond)|what (do|should|can) (i|we) (reply|answer|say))"
    r"(\s+(ему|ей|клиенту|на это|to (him|her|them|this)))*\W*$",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"\s*\[\d+\](?!\()")


@dataclass(frozen=True)
class Asked:
    """A question with where to look. inbox_ids: whose conversations the agent may see, None for all."""

    account_id: int
    conversation_id: int
    user_id: int
    words: str
    question: str
    context: tuple[str, ...]
    scope: queries.Scope
    inbox_ids: tuple[int, ...] | None
    message_id: int | None
    tone: str
    instructions: str


def said(conversation: Conversation, user_id: int) -> list[Suggestion]:
    """What this agent has asked here and was answered, in order."""
    query = select(Suggestion).where(
        col(Suggestion.account_id) == conversation.account_id,
        col(Suggestion.conversation_id) == conversation.id,
        col(Suggestion.kind) == SuggestionKind.COPILOT,
        col(Suggestion.user_id) == user_id,
    )
    return list(session().exec(query.order_by(col(Suggestion.id).desc()).limit(SHOWN)))[::-1]


def asked(conversation: Conversation, user_id: int, words: str, inbox_ids: tuple[int, ...] | None) -> Asked:
    """The question made ready. «Что ответить?» asks what the customer has asked. NotFound where no assistant serves."""
    assistant = serving(session().get_one(Inbox, (conversation.account_id, conversation.inbox_id)))
    if assistant is None:
        raise NotFound(_("Captain is switched off in this inbox."))
    customers, message_id = memory.question_now(thread(conversation, limit=memory.READ, public_only=True))
    is_about_reply = bool(_ABOUT_REPLY.match(words)) and bool(customers)
    before = (
        [] if is_about_reply else [customers[:300], *(one.asked for one in said(conversation, user_id)[-REMEMBERED:])]
    )
    return Asked(
        account_id=conversation.account_id,
        conversation_id=conversation.id,
        user_id=user_id,
        words=words,
        question=customers if is_about_reply else words,
        context=tuple(one for one in before if one),
        scope=scope_of(assistant) or queries.Scope(conversation.account_id, (), ()),
        inbox_ids=inbox_ids,
        message_id=message_id,
        tone=assistant.tone,
        instructions=assistant.instructions,
    )


def answer(wanted: Asked) -> Suggestion:
    """What Captain says to it, kept. CaptainAway when he is; opens its own transactions, asks him outside of any."""
    reply = queries.ask(
        Captain(settings().captain_socket, SECONDS / 2),
        wanted.scope,
        wanted.question,
        wanted.context,
        sure_from=settings().captain_draft_confidence,
        tone=wanted.tone,
        instructions=wanted.instructions,
        arrange=lambda understood, found: [*found, *_talks(wanted, understood)],
    )
    is_answer = reply.verdict == Verdict.ANSWER and bool(reply.text)
    shown = [_source(source) for source in queries.cited(reply)] if is_answer else _closest(reply)
    with transaction(wanted.account_id):
        conversation = locked(wanted.account_id, wanted.conversation_id)
        if memory.is_erased(conversation) or not _are_there(wanted.account_id, shown):
            raise NotFound(_("What this was about has been deleted meanwhile."))
        return actions.suggest(
            conversation,
            SuggestionKind.COPILOT,
            message_id=wanted.message_id,
            user_id=wanted.user_id,
            asked=wanted.words,
            content=reply.text if is_answer else "",
            shown=shown,
            confidence=reply.confidence,
        )


def sendable(found: Suggestion) -> str:
    """The answer as a customer reads it: without numbers, with the addresses of articles below, and of nothing else."""
    words = _NUMBERS.sub("", found.content)
    articles = [
        source["url"].partition("#")[0] for source in found.shown if source.get("article_id") and source.get("url")
    ]
    return "\n\n".join([words, *(_("More about it: %(url)s", url=url) for url in dict.fromkeys(articles))])


def quoted(one: Suggestion) -> set[int]:
    """The conversations that it shows something of."""
    return {source["conversation_id"] for source in one.shown if "conversation_id" in source}


def _talks(wanted: Asked, understood: Understood) -> list[Candidate]:
    """Resolved conversations as Captain reads passages: asked is the title, answered the text."""
    with transaction(wanted.account_id):
        near = memory.alike(
            wanted.account_id,
            understood.vector,
            understood.embedder,
            inbox_ids=wanted.inbox_ids,
            but=wanted.conversation_id,
            limit=TALKS,
            from_score=TALKS_FROM,
        )
    return [
        Candidate(
            passage_id=f"conversation:{one.conversation_id}",
            article_id=f"conversation:{one.conversation_id}",
            title=one.question[:200],
            text=one.answer[:TEXT_LIMIT],
            url=f"/conversations/{one.display_id}",
            cosine=one.score,
            title_cosine=one.score,
            is_whole=len(one.answer) <= TEXT_LIMIT,
            position=0,
        )
        for one in near
    ]


def _source(source: dict[str, Any]) -> dict[str, Any]:
    """A source with the number of what it is: an article (a document's is negative), or a conversation."""
    kept = {name: source[name] for name in ("n", "title", "url", "quote") if source.get(name)}
    return kept | _named(source["article_id"])


def _named(article_id: int | str) -> dict[str, int]:
    kind, _colon, number = str(article_id).rpartition(":")
    return {"conversation_id" if kind else "article_id": int(number)}


def _closest(reply: Reply) -> list[dict[str, Any]]:
    """Without an answer: what comes nearest, each once."""
    found: Sequence[Alternative | Ranked | Citation] = reply.alternatives or reply.ranking.hits
    each = {one.article_id: one for one in reversed(found) if one.title}
    first = [each[number] for number in dict.fromkeys(one.article_id for one in found) if number in each][:CLOSEST]
    return [{"title": one.title, "url": one.url or ""} | _named(one.article_id) for one in first]


def _are_there(account_id: int, shown: Sequence[dict[str, Any]]) -> bool:
    """Whether the conversations it quotes are still remembered: a deleted customer's are not."""
    numbers = {source["conversation_id"] for source in shown if "conversation_id" in source}
    query = select(Memory.conversation_id).where(
        col(Memory.account_id) == account_id, col(Memory.conversation_id).in_(numbers)
    )
    return not numbers or set(session().exec(query)) == numbers
