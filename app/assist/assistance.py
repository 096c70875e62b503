"""What an agent asks Captain for beside a conversation: alike ones that were solved, a summary, his words worded better, a
translation. Each opens its own transactions and asks Captain outside of any; CaptainAway when he is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from app.assist import actions, memory
from app.assist.models import Suggestion, SuggestionKind, SuggestionState
from app.assist.wishes import language
from app.config import settings
from app.conversations.models import Conversation, Message, MessageType, SenderType
from app.conversations.queries import locked, message, thread
from app.database import session, transaction
from app.errors import Invalid, NotFound
from app.i18n import _, locale
from app.text import checked
from app.users.models import User
from captain.client import Captain
from captain.wire import Line, Rewritten, Wish

SECONDS = 10.0
LINES = 120  # messages of a thread that are summed up
LONG = 8  # messages, from which on a summary saves reading
ALIKE_SHOWN = 3
REWRITE_LIMIT = 5000
OTHER_WORDS = 0.8  # of the letters changed, it was not this suggestion any more
BY_RULES = (Wish.FIX, Wish.SHORTER)  # what can be done honestly without a model


def has_model() -> bool:
    """Whether a language model words things here."""
    return bool(settings().captain_model)


def wishes() -> tuple[Wish, ...]:
    """What may be wished for of a reply."""
    return (Wish.FIX, Wish.SHORTER, Wish.FRIENDLIER, Wish.FORMAL) if has_model() else BY_RULES


def newest(conversation: Conversation, kind: SuggestionKind, *, user_id: int | None = None) -> Suggestion | None:
    """The last of that kind that was made for this agent here, or for everybody."""
    query = select(Suggestion).where(
        col(Suggestion.account_id) == conversation.account_id,
        col(Suggestion.conversation_id) == conversation.id,
        col(Suggestion.kind) == kind,
    )
    if user_id is not None:
        query = query.where(col(Suggestion.user_id) == user_id)
    return session().exec(query.order_by(col(Suggestion.id).desc()).limit(1)).first()


def suggestion(conversation: Conversation, suggestion_id: int, user: User) -> Suggestion:
    """The one of that number, ours until the commit. NotFound when it is not of this conversation or was another's."""
    found = session().get(Suggestion, (conversation.account_id, suggestion_id), with_for_update=True)
    if found is None or found.conversation_id != conversation.id or found.user_id not in (None, user.id):
        raise NotFound(_("There is no such suggestion."))
    return found


# -- alike


@dataclass(frozen=True)
class Question:
    """The customer's, of a conversation; message_id: his newest message."""

    account_id: int
    conversation_id: int
    text: str
    message_id: int | None


def question(conversation: Conversation) -> Question:
    """What to look for. Invalid while the customer has asked nothing."""
    text, message_id = memory.question_now(thread(conversation, limit=memory.READ, public_only=True))
    if not text:
        raise Invalid("question", _("The customer has not asked anything yet."))
    return Question(conversation.account_id, conversation.id, text, message_id)


def find_alike(asked: Question, user: User, inbox_ids: tuple[int, ...] | None) -> Suggestion:
    """Up to ALIKE_SHOWN resolved conversations like this one, in inboxes the agent may see; none is told too."""
    understood = Captain(settings().captain_socket, SECONDS).understand(asked.text)
    with transaction(asked.account_id):
        conversation = locked(asked.account_id, asked.conversation_id)
        found = memory.alike(
            asked.account_id,
            understood.vector,
            understood.embedder,
            inbox_ids=inbox_ids,
            but=conversation.id,
            limit=ALIKE_SHOWN,
        )
        shown = [
            {"conversation_id": one.conversation_id, "message_ids": list(one.message_ids), "score": round(one.score, 4)}
            for one in found
        ]
        best = found[0].score if found else 0.0
        return _made(
            conversation, SuggestionKind.SIMILAR, user, message_id=asked.message_id, shown=shown, confidence=best
        )


# -- in short


@dataclass(frozen=True)
class Thread:
    """A thread to be summed up."""

    account_id: int
    conversation_id: int
    lines: tuple[Line, ...]
    message_id: int | None


def is_long(conversation: Conversation) -> bool:
    """Whether a summary saves reading."""
    return len(thread(conversation, limit=LONG, public_only=True)) >= LONG


def to_sum_up(conversation: Conversation) -> Thread:
    """The thread as both sides read it."""
    spoken = [
        one for one in thread(conversation, limit=LINES, public_only=True) if one.content and one.deleted_at is None
    ]
    lines = tuple(Line(one.id, _who(one), one.content[:4000]) for one in spoken if _who(one))
    return Thread(conversation.account_id, conversation.id, lines, spoken[-1].id if spoken else None)


def sum_up(wanted: Thread, user: User) -> Suggestion:
    """The summary, kept until a new message; what was made before while nothing has been written since."""
    with transaction(wanted.account_id) as current:
        conversation = current.get_one(Conversation, (wanted.account_id, wanted.conversation_id))
        known = newest(conversation, SuggestionKind.SUMMARY)
    if known is not None and known.message_id == wanted.message_id:
        return known
    told = Captain(settings().captain_socket, SECONDS).sum_up(wanted.lines, "en" if locale() == "en" else "ru")
    shown = [{"part": point.part, "text": point.text, "message_id": point.id} for point in told.points]
    with transaction(wanted.account_id):
        conversation = locked(wanted.account_id, wanted.conversation_id)
        return _made(
            conversation, SuggestionKind.SUMMARY, None, message_id=wanted.message_id, asked=told.by, shown=shown
        )


def is_fresh(conversation: Conversation, found: Suggestion) -> bool:
    """Whether nothing has been written since the summary."""
    last = thread(conversation, limit=1, public_only=True)
    return not last or last[-1].id == found.message_id


def _who(one: Message) -> str:
    if one.message_type == MessageType.INCOMING:
        return "customer"
    return "agent" if one.sender_type in {SenderType.USER, SenderType.CAPTAIN, SenderType.BOT} else ""


# -- in other words


def reword(conversation: Conversation, raw: str, wished: str, user: User) -> "Rewording":
    """What is to be reworded, and how. Invalid when there is nothing, or when it cannot be done here."""
    text = checked("content", raw, REWRITE_LIMIT, required=True)
    known = {*wishes(), *([Wish.TRANSLATE] if has_model() else [])}
    if wished not in known:
        raise Invalid("wish", _("Choose one of those offered."))
    wish = Wish(wished)
    spoken, _message_id = memory.question_now(thread(conversation, limit=memory.READ, public_only=True))
    into = language(spoken, "ru") if wish == Wish.TRANSLATE else None
    return Rewording(conversation.account_id, conversation.id, text, wish, into, user)


@dataclass(frozen=True)
class Rewording:
    """The agent's words, what he wants of them, and the customer's language for a translation."""

    account_id: int
    conversation_id: int
    text: str
    wish: Wish
    into: str | None
    user: User

    def made(self) -> tuple[Rewritten, Suggestion | None]:
        """(the words, where they are kept until they are sent): nowhere when there are no others."""
        told = Captain(settings().captain_socket, SECONDS).rewrite(self.text, self.wish, self.into)
        if told.by == "nobody":
            return told, None
        kind = SuggestionKind.TRANSLATION if self.wish == Wish.TRANSLATE else SuggestionKind.REWRITE
        shown = [{"wish": self.wish, "by": told.by}]
        with transaction(self.account_id):
            conversation = locked(self.account_id, self.conversation_id)
            return told, _made(conversation, kind, self.user, content=told.text, shown=shown)


def translate(account_id: int, conversation_id: int, message_id: int, into: str) -> None:
    """What a customer wrote in the agent's language, for all who see the conversation; once. Invalid when it cannot be done."""
    with transaction(account_id):
        asked = message(account_id, message_id)
        known = message_id in translations(account_id, {message_id}, into)
    if asked.conversation_id != conversation_id or not asked.content or not has_model():
        raise Invalid("message", _("This message cannot be translated."))
    if known:
        return
    told = Captain(settings().captain_socket, SECONDS).rewrite(asked.content[:REWRITE_LIMIT], Wish.TRANSLATE, into)
    if told.by == "nobody":
        raise Invalid("message", _("The translation did not keep every number and address, so it is not shown."))
    with transaction(account_id):
        conversation = locked(account_id, conversation_id)
        shown = [{"message_id": message_id, "language": into, "by": told.by}]
        _made(conversation, SuggestionKind.TRANSLATION, None, message_id=message_id, content=told.text, shown=shown)


def translations(account_id: int, message_ids: set[int], into: str) -> dict[int, str]:
    """{message id: its words in that language}, of those that somebody had translated."""
    query = select(Suggestion).where(
        col(Suggestion.account_id) == account_id,
        col(Suggestion.kind) == SuggestionKind.TRANSLATION,
        col(Suggestion.message_id).in_(message_ids),
        col(Suggestion.shown).contains([{"language": into}]),
    )
    return {one.message_id or 0: one.content for one in session().exec(query)} if message_ids else {}


# -- what becomes of it


def note_use(conversation: Conversation, sent: Message, used: Sequence[tuple[int, str]], *, by: User) -> None:
    """The agent has answered with these in hand: (suggestion id, what it offered). As it was, changed, or not after all."""
    for suggestion_id, offered in used:
        distance = actions.edit_distance(offered, sent.content)
        longest = max(len(offered), len(sent.content), 1)
        state = SuggestionState.EDITED if distance < OTHER_WORDS * longest else SuggestionState.DISMISSED
        state = SuggestionState.USED if distance == 0 else state
        found = suggestion(conversation, suggestion_id, by)
        actions.settle(conversation, found, state, by=by, message=sent, distance=distance)


def _made(conversation: Conversation, kind: SuggestionKind, user: User | None, **more: Any) -> Suggestion:
    """Shown instead of what was made before. NotFound when the customer was deleted meanwhile."""
    if memory.is_erased(conversation):
        raise NotFound(_("There is no such conversation."))
    user_id = user.id if user else None
    old = newest(conversation, kind, user_id=user_id)
    if old is not None and old.state == SuggestionState.SHOWN and kind in _ONE_AT_A_TIME:
        old.state = SuggestionState.STALE
    return actions.suggest(conversation, kind, user_id=user_id, **more)


_ONE_AT_A_TIME = {SuggestionKind.SIMILAR, SuggestionKind.SUMMARY, SuggestionKind.REWRITE}
