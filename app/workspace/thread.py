"""A thread as it is shown: messages, with day lines, the line of what is new, and what the log says happened between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.assist.assistance import has_model, translations
from app.conversations import queries
from app.conversations.models import Attachment, Message, MessageType, SenderType
from app.events import log
from app.i18n import _, locale, to_zone
from app.users.models import User
from app.users.queries import users
from app.workspace.activity import NAMES, Activity, told

PAGE = 30
# Messages of one author within this time share a head
TOGETHER = timedelta(minutes=5)


@dataclass(frozen=True)
class Said:
    """A message with all that is shown of it."""

    message: Message
    author: str
    files: Sequence[Attachment] = ()
    follows: bool = False
    quoted: Message | None = None
    translation: str = ""
    kind: str = "message"


@dataclass(frozen=True)
class Day:
    """A line with the date."""

    on: date
    is_unread: bool = False
    since: datetime | None = None
    kind: str = "day"


@dataclass(frozen=True)
class Thread:
    """What is shown, in order, and whether there is more before."""

    items: Sequence[Said | Day | Activity]
    has_older: bool
    oldest_id: int | None


def thread(row: queries.Row, *, before: int | None = None, unread_since: datetime | None = None) -> Thread:
    """The newest messages of the conversation, or those before message `before`, with what happened meanwhile."""
    conversation = row.conversation
    found = queries.thread(conversation, before=before, limit=PAGE + 1)
    messages = found[-PAGE:]
    has_older = len(found) > PAGE
    until = messages[-1].created_at if before and messages else None
    since = messages[0].created_at if has_older else None
    events = log.of_conversation(conversation.account_id, conversation.id, names=NAMES, since=since, until=until)
    people = users(_people(messages, events))
    spoken = said(row, messages, people)
    happened = [activity for event in events if (activity := told(event, row, people)) is not None]
    mixed: list[Said | Activity] = sorted([*spoken, *happened], key=_when)
    return Thread(_with_days(mixed, unread_since), has_older, messages[0].id if messages else None)


def said(row: queries.Row, messages: Sequence[Message], people: dict[int, User] | None = None) -> list[Said]:
    """The messages as they are shown."""
    if not messages:
        return []
    account_id = row.conversation.account_id
    people = people if people is not None else users(_people(messages, []))
    attached = queries.attachments(account_id, {m.id for m in messages if m.has_attachments})
    known = {m.id: m for m in messages}
    translated = translations(account_id, set(known), "en" if locale() == "en" else "ru") if has_model() else {}
    shown: list[Said] = []
    for position, message in enumerate(messages):
        earlier = messages[position - 1] if position else None
        quoted = known.get(message.in_reply_to_id) if message.in_reply_to_id else None
        files = attached.get(message.id, [])
        translation = translated.get(message.id, "")
        shown.append(
            Said(message, author(row, message, people), files, _follows(earlier, message), quoted, translation)
        )
    return shown


def author(row: queries.Row, message: Message, people: dict[int, User]) -> str:
    """The name above the message."""
    match message.sender_type:
        case SenderType.CONTACT:
            return row.contact.name or _("Visitor %(number)s", number=row.contact.id)
        case SenderType.USER:
            person = people.get(message.sender_id or 0)
            return person.available_name if person else _("Former agent")
        case SenderType.CAPTAIN:
            return _("Captain")
        case SenderType.BOT:
            return _("Bot")
    return row.inbox.name


def _people(messages: Sequence[Message], events: Sequence[log.Event]) -> set[int]:
    wrote = {m.sender_id for m in messages if m.sender_type == SenderType.USER and m.sender_id}
    acted = {int(event.actor.partition(":")[2]) for event in events if event.actor.startswith("user:")}
    changes = [event.data["assignee_change"] for event in events if event.name == "assignee.changed"]
    return wrote | acted | {identifier for change in changes for identifier in change if identifier}


def _follows(earlier: Message | None, message: Message) -> bool:
    if earlier is None or earlier.message_type != message.message_type or earlier.is_private != message.is_private:
        return False
    is_same = (earlier.sender_type, earlier.sender_id) == (message.sender_type, message.sender_id)
    return (
        is_same and message.message_type != MessageType.ACTIVITY and message.created_at - earlier.created_at < TOGETHER
    )


def _when(item: Said | Activity) -> tuple[datetime, int]:
    if isinstance(item, Said):
        return item.message.created_at, 1
    return item.moment, 0


def _with_days(items: Sequence[Said | Activity], unread_since: datetime | None) -> list[Said | Day | Activity]:
    shown: list[Said | Day | Activity] = []
    day: date | None = None
    is_marked = unread_since is None
    for item in items:
        moment = _when(item)[0]
        on = to_zone(moment).date()
        is_new = isinstance(item, Said) and item.message.message_type == MessageType.INCOMING
        if not is_marked and is_new and unread_since is not None and moment > unread_since:
            shown.append(Day(on, is_unread=True, since=moment))
            is_marked = True
        if on != day:
            shown.append(Day(on))
            day = on
        shown.append(item)
    return shown
