"""What becomes of Captain's proposals: shown, sent as they are, sent changed, put aside. Each is a line in the log."""

import re
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from app.assist.models import Draft, DraftState
from app.clock import now
from app.conversations.actions import Writing, by_user, reply
from app.conversations.models import Conversation, Message, MessageType
from app.database import session
from app.errors import NotFound
from app.events.record import record
from app.i18n import _
from app.users.models import User

_NUMBERS = re.compile(r"\s*\[\d+\](?!\()")


@dataclass(frozen=True)
class Proposal:
    """What Captain answered to a message: words with sources, or none and why."""

    text: str
    citations: list[dict[str, Any]]
    confidence: float
    article_ids: list[int]
    scores: list[float]
    features: dict[str, Any]
    is_answer: bool


def propose(conversation: Conversation, message: Message, proposal: Proposal) -> Draft | None:
    """Show the draft to the agent, unless the thread has gone on meanwhile; record what was found, drafted or not.

    One draft a message: who asks again gets the one there is.
    """
    known_draft = draft_of(message)
    if known_draft is not None:
        return known_draft
    known: dict[str, Any] = {"message_id": message.id, "confidence": round(proposal.confidence, 4)}
    record(
        "captain.retrieved",
        conversation,
        by="captain",
        message_id=message.id,
        article_ids=proposal.article_ids,
        scores=proposal.scores,
    )
    if not proposal.is_answer:
        record("captain.abstained", conversation, by="captain", reason="not_sure", **known)
        return None
    if went_on(conversation, message):
        record("captain.abstained", conversation, by="captain", reason="went_on", **known)
        return None
    for old in _shown(conversation):
        old.state, old.decided_at = DraftState.STALE, now()
    draft = Draft(
        account_id=conversation.account_id,
        conversation_id=conversation.id,
        message_id=message.id,
        content=proposal.text,
        citations=proposal.citations,
        confidence=proposal.confidence,
        features=proposal.features,
        created_at=now(),
    )
    session().add(draft)
    session().flush()
    record("captain.drafted", conversation, by="captain", draft_id=draft.id, **known)
    return draft


def outdate(conversation: Conversation, message_id: int) -> None:
    """Somebody has answered by another way: what was proposed before `message_id` is out of date."""
    for draft in _shown(conversation):
        if draft.message_id < message_id:
            draft.state, draft.decided_at = DraftState.STALE, now()


def draft_of(message: Message) -> Draft | None:
    """What Captain proposed to this message, if anything."""
    query = select(Draft).where(col(Draft.account_id) == message.account_id, col(Draft.message_id) == message.id)
    return session().exec(query).first()


def accept(conversation: Conversation, draft_id: int, *, by: User, seen_version: int | None = None) -> Message:
    """Send Captain's words as the agent's own. Accepting twice sends once."""
    draft = _draft(conversation, draft_id)
    writing = Writing(sendable(draft), client_message_id=f"captain-draft-{draft.id}")
    message = reply(conversation, by_user(by), writing, seen_version=seen_version)
    _decide(conversation, draft, DraftState.ACCEPTED, by, message, distance=0)
    return message


def reject(conversation: Conversation, draft_id: int, *, by: User) -> None:
    """Put the draft aside."""
    _decide(conversation, _draft(conversation, draft_id), DraftState.REJECTED, by)


def note_reply(conversation: Conversation, message: Message, *, by: User, proposed_id: int | None) -> None:
    """The agent has answered himself: with Captain's words changed, or with his own, and then the draft is out of date."""
    for draft in _shown(conversation):
        if draft.id == proposed_id:
            distance = edit_distance(sendable(draft), message.content)
            _decide(conversation, draft, DraftState.EDITED if distance else DraftState.ACCEPTED, by, message, distance)
        else:
            draft.state, draft.decided_at = DraftState.STALE, now()


def sendable(draft: Draft) -> str:
    """The draft as a customer reads it in any channel: no numbers in brackets, the sources by address below."""
    words = _NUMBERS.sub("", draft.content)
    links = dict.fromkeys(source["url"].partition("#")[0] for source in draft.citations if source.get("url"))
    return "\n\n".join([words, *(_("More about it: %(url)s", url=url) for url in links)])


def edit_distance(one: str, other: str, limit: int = 2000) -> int:
    """How many letters were put in, taken out or changed (Levenshtein), on the first `limit` letters of both."""
    one, other = one[:limit], other[:limit]
    before = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, wanted in enumerate(other, start=1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != wanted)))
        before = row
    return before[-1]


def _decide(
    conversation: Conversation,
    draft: Draft,
    state: DraftState,
    by: User,
    message: Message | None = None,
    distance: int | None = None,
) -> None:
    if draft.state != DraftState.SHOWN:
        return
    draft.state, draft.decided_by, draft.decided_at, draft.edit_distance = state, by.id, now(), distance
    draft.sent_message_id = message.id if message else None
    facts: dict[str, Any] = {
        "draft_id": draft.id,
        "message_id": draft.message_id,
        "confidence": round(draft.confidence, 4),
    }
    if distance is not None:
        facts["edit_distance"] = distance
    record(f"captain.draft_{state}", conversation, by=by.actor, **facts)


def _draft(conversation: Conversation, draft_id: int) -> Draft:
    found = session().get(Draft, (conversation.account_id, draft_id), with_for_update=True)
    if found is None or found.conversation_id != conversation.id:
        raise NotFound(_("There is no such draft."))
    return found


def _shown(conversation: Conversation) -> list[Draft]:
    query = select(Draft).where(
        col(Draft.account_id) == conversation.account_id,
        col(Draft.conversation_id) == conversation.id,
        col(Draft.state) == DraftState.SHOWN,
    )
    return list(session().exec(query.with_for_update()))


def went_on(conversation: Conversation, message: Message) -> bool:
    """Whether anybody has written to the customer, or he again, since: then another draft is due, or none."""
    query = select(Message.id).where(
        col(Message.account_id) == conversation.account_id,
        col(Message.conversation_id) == conversation.id,
        col(Message.id) > message.id,
        col(Message.is_private).is_(False),
        col(Message.message_type).in_([MessageType.INCOMING, MessageType.OUTGOING]),
    )
    return session().exec(query.limit(1)).first() is not None
