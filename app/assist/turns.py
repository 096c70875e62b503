"""A customer has written where Captain answers: the courier's way through one turn.

He waits a moment, so that a burst is one question; decides what words decide; asks the captain process within the
budget; and acts only if nothing has happened meanwhile. Whatever fails, people get the conversation (F28).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from app.accounts.models import Account
from app.assist import actions, queries, steps
from app.assist.assistants import scope_of, serving
from app.assist.models import Mode
from app.assist.steps import Kind, Past, Reason, Step
from app.assist.wishes import Wish, language, says_the_same, wish
from app.clock import now
from app.config import settings
from app.conversations.actions import CAPTAIN, hand_off
from app.conversations.models import Conversation, Holder, Message, MessageType, SenderType
from app.conversations.queries import locked
from app.database import session
from app.deliveries.courier import Kind as Courier
from app.deliveries.models import Delivery, DeliveryState
from app.i18n import _, speaking
from app.inboxes.models import Channel, Inbox
from captain.client import Captain, CaptainAway
from captain.wire import Reply, Verdict

logger = logging.getLogger(__name__)

TURN = "captain.turn"
BURST_SECONDS = 2.0
# Of each of the two calls that one try makes; with the two seconds of the burst people have it within fifteen
BUDGETS_SECONDS = (5.0, 2.0)
REMEMBERED = 40  # messages of a thread that are looked back upon
QUESTION_LIMIT = 1000
LINKS = 3


@dataclass(frozen=True)
class Asked:
    """A turn with all that deciding it takes."""

    turn: actions.Turn
    text: str
    context: tuple[str, ...]
    has_files: bool
    past: Past
    is_allowed: bool
    sure_from: float
    scope: queries.Scope | None
    is_website: bool
    tone: str
    instructions: str


def decide(asked: Asked) -> Step:
    """What to do; asks the captain process, outside of any transaction. Never raises: what fails is handed over."""
    with speaking(asked.turn.language):
        if not asked.is_allowed:
            return steps.hand_over(Reason.OFF)
        try:
            return steps.by_words(asked.text, asked.past, has_files=asked.has_files) or _by_search(asked)
        except Exception:
            logger.exception("Captain stumbled over message %s", asked.turn.message_id)
            return steps.hand_over(Reason.AWAY)


def _by_search(asked: Asked) -> Step:
    if asked.scope is None:
        return steps.hand_over(Reason.NOT_SURE)
    for budget_seconds in BUDGETS_SECONDS:
        try:
            reply = queries.ask(
                Captain(settings().captain_socket, budget_seconds),
                asked.scope,
                asked.text[:QUESTION_LIMIT],
                asked.context,
                sure_from=asked.sure_from,
                language=asked.turn.language,
                tone=asked.tone,
                instructions=asked.instructions,
            )
            return _from_reply(asked, reply)
        except CaptainAway as away:
            logger.warning("Captain does not answer message %s: %s", asked.turn.message_id, away)
    return steps.hand_over(Reason.AWAY)


def _from_reply(asked: Asked, reply: Reply) -> Step:
    hits = reply.ranking.hits[:10]
    known: dict[str, Any] = {
        "confidence": reply.confidence,
        "article_ids": [int(hit.article_id) for hit in hits],
        "scores": [round(hit.score, 4) for hit in hits],
        "features": dict(reply.ranking.features),
    }
    links = [(other.title, other.url or "") for other in reply.alternatives]
    if reply.verdict == Verdict.ANSWER and reply.text:
        sources = queries.cited(reply)
        if not all(source["quote"] in asked.past.told for source in sources):
            return Step(Kind.ANSWER, reply.text, sources=sources, **known)
        # he has read just this already, so it is not what he asks
        links = [(sources[0]["title"], sources[0]["url"] or ""), *links]
        if not asked.past.failures:
            return Step(Kind.SUGGEST, _again(links[:LINKS], is_website=asked.is_website), **known)
    if reply.verdict == Verdict.SUGGEST and links and not asked.past.failures:
        return Step(Kind.SUGGEST, _offer(links, is_website=asked.is_website), **known)
    reason = Reason.FAILED if asked.past.failures else Reason.NOT_SURE
    closest = links or list({hit.title: (hit.title, hit.url or "") for hit in hits}.values())
    return steps.hand_over(reason, found=closest[:LINKS], **known)


def _offer(links: Sequence[tuple[str, str]], *, is_website: bool) -> str:
    return _listed(_("Perhaps this helps:"), links, is_website=is_website)


def _again(links: Sequence[tuple[str, str]], *, is_website: bool) -> str:
    return _listed(
        _("What I know about it stands above. Perhaps the whole articles help:"), links, is_website=is_website
    )


def _listed(words: str, links: Sequence[tuple[str, str]], *, is_website: bool) -> str:
    if is_website:
        lines = [actions.link(title, url) for title, url in links]
    else:
        # a text fragment is for a link's eyes, not for a reader's
        bare = [(title, url.partition("#")[0]) for title, url in links]
        lines = [f"• {title}: {url}" if url else f"• {title}" for title, url in bare]
    return "\n".join([words, "", *lines])


# -- the courier's steps


def _understand(delivery: Delivery) -> Asked | None:
    """The turn that this message ended; None when a later one will, when he has answered, or has it no more."""
    message = session().get(Message, (delivery.account_id, delivery.data["message_id"]))
    if message is None:
        return None
    conversation = session().get_one(Conversation, (message.account_id, message.conversation_id))
    if conversation.held_by != Holder.CAPTAIN or conversation.is_muted:
        return None
    thread = _thread(conversation)
    spoken = [m for m in thread if m.message_type == MessageType.INCOMING]
    said = [m for m in thread if m.sender_type == SenderType.CAPTAIN]
    answered_until = max((m.content_attributes.get("question_id", 0) for m in said), default=0)
    if not spoken or spoken[-1].id != message.id or answered_until >= message.id:
        return None
    burst = [m for m in spoken if m.id > answered_until and m.deleted_at is None]
    inbox = session().get_one(Inbox, (conversation.account_id, conversation.inbox_id))
    return _asked(conversation, inbox, thread, burst)


def _asked(conversation: Conversation, inbox: Inbox, thread: Sequence[Message], burst: Sequence[Message]) -> Asked:
    assistant = serving(inbox)
    text = _together([m.content for m in burst if m.content])
    earlier = [m.content for m in thread if m.message_type == MessageType.INCOMING and m not in burst and m.content]
    said = [m for m in thread if m.sender_type == SenderType.CAPTAIN]
    otherwise = language(" ".join(earlier), session().get_one(Account, conversation.account_id).locale)
    turn = actions.Turn(
        message_id=burst[-1].id if burst else thread[-1].id,
        thread_version=conversation.thread_version,
        language=language(text, otherwise),
        assistant_id=assistant.id if assistant else None,
        is_first=not said,
    )
    return Asked(
        turn=turn,
        text=text,
        context=tuple(earlier[-3:]),
        has_files=any(m.has_attachments for m in burst),
        past=_past(thread, said, text),
        is_allowed=assistant is not None and assistant.mode == Mode.ANSWERS,
        sure_from=1 - assistant.accepted_error if assistant else 1.0,
        scope=scope_of(assistant) if assistant else None,
        is_website=inbox.channel == Channel.WEBSITE,
        tone=assistant.tone if assistant else "",
        instructions=assistant.instructions if assistant else "",
    )


def _together(burst: Sequence[str]) -> str:
    """What was said in one go, as one question: courtesies beside it are none, and alone they are the last of them."""
    weighty = [words for words in burst if wish(words) not in {Wish.HELLO, Wish.THANKS}]
    return "\n".join(weighty or burst[-1:])


def _past(thread: Sequence[Message], said: Sequence[Message], text: str) -> Past:
    """What Captain has done since a person spoke, and whether `text` has been said before."""
    people = max((m.id for m in thread if m.sender_type == SenderType.USER), default=0)
    mine = [m for m in said if m.id > people]
    answered = [m for m in mine if m.content_attributes.get("captain") in {Kind.ANSWER, Kind.SUGGEST}]
    questions = {m.id: m.content for m in thread}
    spoken = [m for m in thread if m.message_type == MessageType.INCOMING]
    lately = [m.content for m in spoken if m.created_at > now() - timedelta(minutes=1)]
    return Past(
        kinds=[str(m.content_attributes.get("captain", "")) for m in reversed(mine)],
        in_minute=sum(m.created_at > now() - timedelta(minutes=1) for m in said),
        in_hour=sum(m.created_at > now() - timedelta(hours=1) for m in said),
        question=questions.get(answered[-1].content_attributes.get("question_id", 0), "") if answered else "",
        repeats=sum(says_the_same(words, lately[-1]) for words in lately),
        is_echo=any(says_the_same(m.content, text) for m in said),
        told="\n".join(m.content or "" for m in mine),
    )


def _thread(conversation: Conversation) -> list[Message]:
    """What both sides read, the newest REMEMBERED, in order."""
    query = select(Message).where(
        col(Message.account_id) == conversation.account_id,
        col(Message.conversation_id) == conversation.id,
        col(Message.is_private).is_(False),
        col(Message.message_type) != MessageType.ACTIVITY,
    )
    return list(reversed(session().exec(query.order_by(col(Message.id).desc()).limit(REMEMBERED)).all()))


def _decide(asked: Asked) -> tuple[actions.Turn, Step]:
    return asked.turn, decide(asked)


def _act(delivery: Delivery, decided: tuple[actions.Turn, Step]) -> None:
    message = session().get_one(Message, (delivery.account_id, delivery.data["message_id"]))
    actions.take_turn(locked(message.account_id, message.conversation_id), *decided)


def _give_up(delivery: Delivery, _state: DeliveryState, _reason: str) -> None:
    """Nothing worked, again and again: people get it, whatever was to be said."""
    message = session().get(Message, (delivery.account_id, delivery.data["message_id"]))
    if message is not None:
        conversation = locked(message.account_id, message.conversation_id)
        if conversation.held_by == Holder.CAPTAIN:
            actions.brief_people(conversation, Reason.AWAY)
            hand_off(conversation, by=CAPTAIN.actor, reason=Reason.AWAY)


COURIER = Courier(TURN, _understand, _decide, _act, _give_up, may_repeat=True, attempts=3)
