"""Questions about conversations. Lists are read by keyset and come with all they show, in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, text, tuple_
from sqlmodel import col, select

from app.contacts.models import Contact, ContactInbox
from app.conversations.models import Attachment, Conversation, Message, MessageType, ReplyDraft, Status
from app.database import session
from app.errors import NotFound
from app.i18n import _
from app.inboxes import queries as inbox_queries
from app.inboxes.models import Inbox
from app.text import folded
from app.users.models import AccountUser, Role, Team, User
from app.users.queries import users

PAGE = 25
# Beyond this a tab says "999+": a count must not read a large table whenever somebody looks
COUNT_LIMIT = 1000


class Tab(StrEnum):
    MINE = "mine"
    UNASSIGNED = "unassigned"
    ASSIGNED = "assigned"
    ALL = "all"


@dataclass(frozen=True)
class Filter:
    """What the list shows. status None: all; inbox_ids: those the viewer may see (None: all of the account)."""

    account_id: int
    viewer_id: int
    status: Status | None = Status.OPEN
    tab: Tab = Tab.ALL
    inbox_ids: tuple[int, ...] | None = None
    inbox_id: int | None = None
    team_id: int | None = None
    labels: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Row:
    """A conversation with all that a list or a page says of it."""

    conversation: Conversation
    contact: Contact
    inbox: Inbox
    assignee: User | None
    team: Team | None
    last_message: Message | None
    contact_inbox: ContactInbox | None = None


@dataclass(frozen=True)
class Counts:
    """How many there are in each tab, up to COUNT_LIMIT."""

    mine: int
    unassigned: int
    assigned: int
    all: int


def may_see(member: AccountUser, inbox_ids: Sequence[int]) -> tuple[int, ...] | None:
    """The inboxes to filter by for this person; None for an administrator, who sees all."""
    return None if member.role == Role.ADMINISTRATOR else tuple(inbox_ids)


def visible_inbox_ids(member: AccountUser) -> tuple[int, ...] | None:
    """As `may_see`, asking the database for the person's inboxes."""
    if member.role == Role.ADMINISTRATOR:
        return None
    return tuple(inbox.id for inbox in inbox_queries.visible_to(member))


def visible_to(member: AccountUser, display_id: int, *, lock: bool = False) -> Conversation:
    """The conversation of that number, if the person may see it; NotFound otherwise. `lock` to change it."""
    query = select(Conversation).where(
        col(Conversation.account_id) == member.account_id, col(Conversation.display_id) == display_id
    )
    found = session().exec(query.with_for_update() if lock else query).first()
    allowed = visible_inbox_ids(member)
    if found is None or (allowed is not None and found.inbox_id not in allowed):
        raise NotFound(_("There is no such conversation."))
    return found


def locked(account_id: int, conversation_id: int) -> Conversation:
    """The conversation, ours alone until the commit."""
    found = session().get(Conversation, (account_id, conversation_id), with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(_("There is no such conversation."))
    return found


def page(
    wanted: Filter, *, before: tuple[datetime, int] | None = None, limit: int = PAGE, offset: int = 0
) -> list[Conversation]:
    """The next conversations, last active first. `before` is (last_activity_at, id) of the last one seen."""
    query = select(Conversation).where(*_conditions(wanted))
    if before is not None:
        query = query.where(tuple_(col(Conversation.last_activity_at), col(Conversation.id)) < tuple_(*before))
    query = query.order_by(col(Conversation.last_activity_at).desc(), col(Conversation.id).desc())
    return list(session().exec(query.limit(limit).offset(offset)))


def counts(wanted: Filter) -> Counts:
    """How many there are in each tab of this filter, each counted no further than COUNT_LIMIT."""
    numbers = []
    for tab in (Tab.MINE, Tab.UNASSIGNED, Tab.ASSIGNED, Tab.ALL):
        some = select(text("1")).select_from(Conversation).where(*_conditions(wanted, tab)).limit(COUNT_LIMIT)
        numbers.append(select(func.count()).select_from(some.subquery()).scalar_subquery())
    return Counts(*session().connection().execute(select(*numbers)).one())


def rows(conversations: Sequence[Conversation]) -> list[Row]:
    """What a list says of these conversations: six queries, however many there are."""
    if not conversations:
        return []
    account_id = conversations[0].account_id
    contacts = _by_id(Contact, account_id, {c.contact_id for c in conversations})
    inboxes = _by_id(Inbox, account_id, {c.inbox_id for c in conversations})
    teams = _by_id(Team, account_id, {c.team_id for c in conversations if c.team_id})
    identities = _by_id(ContactInbox, account_id, {c.contact_inbox_id for c in conversations})
    messages = _by_id(Message, account_id, {c.last_message_id for c in conversations if c.last_message_id})
    people = users({c.assignee_id for c in conversations if c.assignee_id})
    return [
        Row(
            conversation=c,
            contact=contacts[c.contact_id],
            inbox=inboxes[c.inbox_id],
            assignee=people.get(c.assignee_id) if c.assignee_id else None,
            team=teams.get(c.team_id) if c.team_id else None,
            last_message=messages.get(c.last_message_id) if c.last_message_id else None,
            contact_inbox=identities.get(c.contact_inbox_id),
        )
        for c in conversations
    ]


def row(conversation: Conversation) -> Row:
    """One conversation with all that its page says of it."""
    return rows([conversation])[0]


def of_contact(
    account_id: int, contact_id: int, *, inbox_ids: tuple[int, ...] | None, limit: int = 20
) -> list[Conversation]:
    """The contact's conversations that the viewer may see, newest first."""
    query = select(Conversation).where(
        col(Conversation.account_id) == account_id, col(Conversation.contact_id) == contact_id
    )
    if inbox_ids is not None:
        query = query.where(col(Conversation.inbox_id).in_(inbox_ids))
    return list(session().exec(query.order_by(col(Conversation.id).desc()).limit(limit)))


def of_contact_inbox(account_id: int, contact_inbox_id: int, limit: int = 20) -> list[Conversation]:
    """The conversations of one visitor in one inbox, newest first."""
    query = select(Conversation).where(
        col(Conversation.account_id) == account_id, col(Conversation.contact_inbox_id) == contact_inbox_id
    )
    return list(session().exec(query.order_by(col(Conversation.id).desc()).limit(limit)))


def thread(
    conversation: Conversation,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 20,
    public_only: bool = False,
) -> list[Message]:
    """Messages in order: the newest `limit`, or those before or after a message id."""
    query = select(Message).where(
        col(Message.account_id) == conversation.account_id, col(Message.conversation_id) == conversation.id
    )
    if public_only:
        query = query.where(col(Message.is_private).is_(False), col(Message.message_type) != MessageType.ACTIVITY)
    if before is not None:
        query = query.where(col(Message.id) < before)
    if after is not None:
        query = query.where(col(Message.id) > after)
    forward = after is not None and before is None
    order = col(Message.id).asc() if forward else col(Message.id).desc()
    found = list(session().exec(query.order_by(order).limit(limit)))
    return found if forward else found[::-1]


def message(account_id: int, message_id: int) -> Message:
    """A message of the account. NotFound for any other."""
    found = session().get(Message, (account_id, message_id))
    if found is None:
        raise NotFound(_("There is no such message."))
    return found


def attachments(account_id: int, message_ids: set[int]) -> dict[int, list[Attachment]]:
    """The attachments of each message, in one query."""
    if not message_ids:
        return {}
    query = select(Attachment).where(
        col(Attachment.account_id) == account_id, col(Attachment.message_id).in_(message_ids)
    )
    found: dict[int, list[Attachment]] = {}
    for attachment in session().exec(query.order_by(col(Attachment.id))):
        found.setdefault(attachment.message_id, []).append(attachment)
    return found


def unread_by_contact(conversation: Conversation) -> int:
    """How many public messages of ours the visitor has not seen."""
    query = (
        select(func.count())
        .select_from(Message)
        .where(
            col(Message.account_id) == conversation.account_id,
            col(Message.conversation_id) == conversation.id,
            col(Message.message_type).in_([MessageType.OUTGOING, MessageType.TEMPLATE]),
            col(Message.is_private).is_(False),
        )
    )
    if conversation.contact_last_seen_at is not None:
        query = query.where(col(Message.created_at) > conversation.contact_last_seen_at)
    return session().exec(query).one()


def draft(conversation: Conversation, user_id: int, *, is_private: bool) -> str:
    """What the agent has begun to write here."""
    found = session().get(ReplyDraft, (conversation.account_id, conversation.id, user_id, is_private))
    return found.content if found else ""


def _conditions(wanted: Filter, tab: Tab | None = None) -> list[ColumnElement[bool]]:
    conditions: list[Any] = [col(Conversation.account_id) == wanted.account_id]
    if wanted.status is not None:
        conditions.append(col(Conversation.status) == wanted.status)
    if wanted.inbox_ids is not None:
        conditions.append(col(Conversation.inbox_id).in_(wanted.inbox_ids))
    if wanted.inbox_id is not None:
        conditions.append(col(Conversation.inbox_id) == wanted.inbox_id)
    if wanted.team_id is not None:
        conditions.append(col(Conversation.team_id) == wanted.team_id)
    if wanted.labels:
        conditions.append(col(Conversation.labels).contains(list(wanted.labels)))
    if wanted.words:
        conditions.append(_mentions(wanted))
    match tab or wanted.tab:
        case Tab.MINE:
            conditions.append(col(Conversation.assignee_id) == wanted.viewer_id)
        case Tab.UNASSIGNED:
            conditions.append(col(Conversation.assignee_id).is_(None))
        case Tab.ASSIGNED:
            conditions.append(col(Conversation.assignee_id).is_not(None))
    return conditions


def _mentions(wanted: Filter) -> ColumnElement[bool]:
    """The number itself, or contacts whose name, e-mail or phone holds the words."""
    words = wanted.words.lstrip("#").strip()
    haystack = func.lower(
        Contact.name + " " + func.coalesce(Contact.email, "") + " " + func.coalesce(Contact.phone_number, "")
    )
    named = (
        select(col(Contact.id))
        .where(
            col(Contact.account_id) == wanted.account_id,
            or_(
                haystack.contains(words.lower(), autoescape=True),
                func.translate(haystack, "ё", "е").contains(folded(words), autoescape=True),
            ),
        )
        .limit(COUNT_LIMIT)
    )
    by_name: ColumnElement[bool] = col(Conversation.contact_id).in_(named)
    if words.isdigit() and len(words) < 18:
        return or_(col(Conversation.display_id) == int(words), by_name)
    return and_(by_name)


def _by_id(model: Any, account_id: int, ids: set[int]) -> dict[int, Any]:
    if not ids:
        return {}
    query = select(model).where(col(model.account_id) == account_id, col(model.id).in_(ids))
    return {found.id: found for found in session().exec(query)}
