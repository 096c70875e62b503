"""Questions about conversations. Lists are read by keyset and come with all they show, in a fixed number of queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ARRAY, BigInteger, ColumnElement, and_, bindparam, case, func, or_, text, true, tuple_
from sqlalchemy.orm import aliased
from sqlalchemy.sql.expression import SQLColumnExpression
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.contacts.models import Contact, ContactInbox
from app.contacts.queries import named
from app.conversations.models import (
    Attachment,
    Conversation,
    Message,
    MessageType,
    Priority,
    ReplyDraft,
    SenderType,
    Status,
)
from app.database import session
from app.errors import NotFound
from app.i18n import _
from app.inboxes import queries as inbox_queries
from app.inboxes.models import Inbox
from app.text import folded
from app.users.models import AccountUser, Role, Team, User
from app.users.queries import Person, people

PAGE = 25
# Beyond this a tab says "999+": a count must not read a large table whenever somebody looks
COUNT_LIMIT = 1000
# So many messages are read through for words somebody looks for
HEARD_LIMIT = 100_000
FOR_EVER_SECONDS = 1e9


class Tab(StrEnum):
    MINE = "mine"
    UNASSIGNED = "unassigned"
    ASSIGNED = "assigned"
    ALL = "all"


class Sort(StrEnum):
    """What a list is ordered by; the number of a conversation decides between equals."""

    LAST_ACTIVITY_DESC = "last_activity_at_desc"
    LAST_ACTIVITY_ASC = "last_activity_at_asc"
    CREATED_DESC = "created_at_desc"
    CREATED_ASC = "created_at_asc"
    PRIORITY_DESC = "priority_desc"
    PRIORITY_ASC = "priority_asc"
    WAITING_DESC = "waiting_since_desc"
    WAITING_ASC = "waiting_since_asc"
    DUE_ASC = "sla_due_at_asc"


class Promise(StrEnum):
    """What became of an SLA's promises: one is under way, one was missed, or none is made."""

    DUE = "due"
    MISSED = "missed"
    NONE = "none"


@dataclass(frozen=True)
class Filter:
    """What the list shows. status None: all; inbox_ids: those the viewer may see (None: all of the account).

    words: the number, or part of the contact's name, e-mail or phone. heard_in: conversations that count as having the
    words, whatever their contacts are called (see `holding`).
    """

    account_id: int
    viewer_id: int
    status: Status | None = Status.OPEN
    tab: Tab = Tab.ALL
    inbox_ids: tuple[int, ...] | None = None
    inbox_id: int | None = None
    team_id: int | None = None
    labels: tuple[str, ...] = ()
    is_any_label_enough: bool = False
    sla_policy_id: int | None = None
    promise: Promise | None = None
    words: str = ""
    heard_in: tuple[int, ...] = ()


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
    assignee_place: AccountUser | None = None
    last_writer: Person | None = None


@dataclass(frozen=True)
class Line:
    """A message with who wrote it, contact or colleague, and what goes with it."""

    message: Message
    contact: Contact | None = None
    person: Person | None = None
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True)
class Card:
    """A conversation with all that its JSON says of it: its last message, and the last that is no activity line."""

    row: Row
    assignee: Person | None
    last: Line | None
    last_spoken: Line | None


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
    return inbox_queries.member_inbox_ids(member)


def visible_to(member: AccountUser, display_id: int, *, lock: bool = False) -> Conversation:
    """The conversation of that number, if the person may see it; NotFound otherwise. `lock` to change it."""
    found = by_number(member.account_id, display_id, lock=lock)
    allowed = visible_inbox_ids(member)
    if allowed is not None and found.inbox_id not in allowed:
        raise NotFound(_("There is no such conversation."))
    return found


def by_number(account_id: int, display_id: int, *, lock: bool = False) -> Conversation:
    """The conversation of that number, whoever asks: its door has to see to that. NotFound if there is none."""
    query = _BY_NUMBER_LOCKED if lock else _BY_NUMBER
    found = session().exec(query, params={"account_id": account_id, "display_id": display_id}).first()
    if found is None:
        raise NotFound(_("There is no such conversation."))
    if lock:
        _ours().add((account_id, found.id))
    return found


# Said once: putting a query together takes as long as a third of asking it
_BY_NUMBER = select(Conversation).where(
    col(Conversation.account_id) == bindparam("account_id"), col(Conversation.display_id) == bindparam("display_id")
)
_BY_NUMBER_LOCKED = _BY_NUMBER.with_for_update().execution_options(populate_existing=True)


def locked(account_id: int, conversation_id: int) -> Conversation:
    """The conversation, ours alone until the commit. Asking twice in one transaction asks the database once."""
    key = (account_id, conversation_id)
    if key in _ours():
        return session().get_one(Conversation, key)
    found = session().get(Conversation, key, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(_("There is no such conversation."))
    _ours().add(key)
    return found


def of_team(account_id: int, team_id: int, limit: int, *, is_unresolved: bool = False) -> list[int]:
    """The ids of up to `limit` conversations that the team has, in order; of those alone that are not resolved, if asked."""
    return _had_by(col(Conversation.team_id) == team_id, account_id, limit, is_unresolved)


def of_agent(account_id: int, user_id: int, limit: int, *, is_unresolved: bool = False) -> list[int]:
    """As `of_team`, of those that the agent has."""
    return _had_by(col(Conversation.assignee_id) == user_id, account_id, limit, is_unresolved)


def _had_by(whose: ColumnElement[bool], account_id: int, limit: int, is_unresolved: bool) -> list[int]:
    query = select(Conversation.id).where(col(Conversation.account_id) == account_id, whose)
    if is_unresolved:
        unresolved = [status for status in Status if status != Status.RESOLVED]
        query = query.where(col(Conversation.status).in_(unresolved))
    return list(session().exec(query.order_by(col(Conversation.id)).limit(limit)))


def page(
    wanted: Filter,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int = PAGE,
    offset: int = 0,
    sort: Sort = Sort.LAST_ACTIVITY_DESC,
) -> list[Conversation]:
    """The next conversations, last active first. `before` is (last_activity_at, id) of the last one seen,
    or (sla_due_at, id) in the order of due times."""
    query = select(Conversation).where(*_conditions(wanted))
    if before is not None and sort == Sort.DUE_ASC:
        query = query.where(tuple_(col(Conversation.sla_due_at), col(Conversation.id)) > tuple_(*before))
    elif before is not None:
        query = query.where(tuple_(col(Conversation.last_activity_at), col(Conversation.id)) < tuple_(*before))
    return list(session().exec(query.order_by(*_order(sort)).limit(limit).offset(offset)))


def belongs(wanted: Filter, conversation: Conversation) -> bool:
    """Whether the conversation is in this list now."""
    query = select(Conversation.id).where(*_conditions(wanted), col(Conversation.id) == conversation.id)
    return session().exec(query).first() is not None


def counts(wanted: Filter) -> Counts:
    """How many there are in each tab of this filter, each counted no further than COUNT_LIMIT."""
    numbers = []
    for tab in (Tab.MINE, Tab.UNASSIGNED, Tab.ASSIGNED, Tab.ALL):
        some = select(text("1")).select_from(Conversation).where(*_conditions(wanted, tab)).limit(COUNT_LIMIT)
        numbers.append(select(func.count()).select_from(some.subquery()).scalar_subquery())
    return Counts(*session().connection().execute(select(*numbers)).one())


def rows(conversations: Sequence[Conversation]) -> list[Row]:
    """What a list says of these conversations: two queries, however many there are."""
    if not conversations:
        return []
    account_id = conversations[0].account_id
    query: Any = (
        select(Conversation.id, Contact, Inbox)
        .join(Contact, _same(Contact, Conversation.contact_id))
        .join(Inbox, _same(Inbox, Conversation.inbox_id))
        .outerjoin(Team, _same(Team, Conversation.team_id))
        .outerjoin(Message, _same(Message, Conversation.last_message_id))
        .outerjoin(ContactInbox, _same(ContactInbox, Conversation.contact_inbox_id))
        .where(col(Conversation.account_id) == account_id, col(Conversation.id).in_([c.id for c in conversations]))
        .add_columns(Team, Message, ContactInbox)
    )
    found: dict[int, tuple[Contact, Inbox, Team | None, Message | None, ContactInbox | None]]
    found = {each[0]: each[1:] for each in session().exec(query)}
    last = {c_id: each[3] for c_id, each in found.items() if each[3] is not None}
    named = _writers(last.values()) | {c.assignee_id for c in conversations if c.assignee_id}
    agents = people(account_id, named, with_former=True)
    return [_row(c, *found[c.id], agents) for c in conversations]


def row(conversation: Conversation) -> Row:
    """One conversation with all that its page says of it."""
    return rows([conversation])[0]


def cards(conversations: Sequence[Conversation]) -> list[Card]:
    """What the JSON of these conversations says: `rows` and a query more, seldom three, however many there are."""
    if not conversations:
        return []
    account_id = conversations[0].account_id
    found = rows(conversations)
    last = {row.conversation.id: row.last_message for row in found if row.last_message}
    silent = {c_id for c_id, message in last.items() if message.message_type == MessageType.ACTIVITY}
    spoken = {c_id: message for c_id, message in last.items() if c_id not in silent} | _last_spoken(account_id, silent)
    writers = {row.last_writer[0].id: row.last_writer for row in found if row.last_writer}
    known = lines([*last.values(), *spoken.values()], {row.contact.id: row.contact for row in found}, writers)
    return [
        Card(
            row,
            (row.assignee, row.assignee_place) if row.assignee and row.assignee_place else None,
            known[last[row.conversation.id].id] if row.conversation.id in last else None,
            known[spoken[row.conversation.id].id] if row.conversation.id in spoken else None,
        )
        for row in found
    ]


def card(conversation: Conversation) -> Card:
    """One conversation with all that its JSON says of it."""
    return cards([conversation])[0]


def of_contact(
    account_id: int, contact_id: int, *, inbox_ids: tuple[int, ...] | None, limit: int = 20
) -> list[Conversation]:
    """The contact's conversations that the viewer may see, newest first."""
    query = select(Conversation).where(
        col(Conversation.account_id) == account_id, col(Conversation.contact_id) == contact_id
    )
    if inbox_ids is not None:
        query = query.where(col(Conversation.inbox_id).in_(inbox_ids))
    # by when they began: an import numbers the past after the present
    newest_first = col(Conversation.created_at).desc(), col(Conversation.id).desc()
    return list(session().exec(query.order_by(*newest_first).limit(limit)))


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
    return _stretch(_public(query) if public_only else query, before, after, limit)


def threads(account_id: int, conversation_ids: Iterable[int], *, limit: int) -> dict[int, list[Message]]:
    """What both sides read of each of these, the newest `limit` messages, in order: one query for all."""
    ids = bindparam("ids", list(conversation_ids), ARRAY(BigInteger))
    wanted = func.unnest(ids).table_valued("id").render_derived()
    query = select(Message).where(col(Message.account_id) == account_id, col(Message.conversation_id) == wanted.c.id)
    newest = aliased(Message, _public(query).order_by(col(Message.id).desc()).limit(limit).lateral())
    found: dict[int, list[Message]] = {}
    for message in session().exec(select(newest).select_from(wanted).join(newest, true()).order_by(col(newest.id))):
        found.setdefault(message.conversation_id, []).append(message)
    return found


def thread_of_visitor(
    identity: ContactInbox, *, before: int | None = None, after: int | None = None, limit: int = 20
) -> list[Message]:
    """What the visitor reads, over all his conversations in the inbox, in order: the newest `limit` public messages, or
    those before or after a message id."""
    query = (
        select(Message)
        .join(Conversation, and_(col(Conversation.account_id) == col(Message.account_id),
                                 col(Conversation.id) == col(Message.conversation_id)))
        .where(col(Message.account_id) == identity.account_id, col(Conversation.contact_inbox_id) == identity.id)
    )  # fmt: skip
    return _stretch(_public(query), before, after, limit)


def _public(query: SelectOfScalar[Message]) -> SelectOfScalar[Message]:
    return query.where(col(Message.is_private).is_(False), col(Message.message_type) != MessageType.ACTIVITY)


def _stretch(query: SelectOfScalar[Message], before: int | None, after: int | None, limit: int) -> list[Message]:
    """A stretch of a thread, in order: the newest `limit` messages of the query, or those before or after an id."""
    if before is not None:
        query = query.where(col(Message.id) < before)
    if after is not None:
        query = query.where(col(Message.id) > after)
    forward = after is not None and before is None
    order = col(Message.id).asc() if forward else col(Message.id).desc()
    found = list(session().exec(query.order_by(order).limit(limit)))
    return found if forward else found[::-1]


def is_before_visitor(identity: ContactInbox, message_id: int) -> bool:
    """Whether the message stands in one of the visitor's conversations, for him to read."""
    return any(message.id == message_id for message in thread_of_visitor(identity, after=message_id - 1, limit=1))


def display_ids(messages: Sequence[Message]) -> dict[int, int]:
    """{conversation id: its display id} of these messages."""
    if not messages:
        return {}
    query = select(Conversation.id, Conversation.display_id).where(
        col(Conversation.account_id) == messages[0].account_id,
        col(Conversation.id).in_({message.conversation_id for message in messages}),
    )
    return dict(session().exec(query).all())


def by_client_id(identity: ContactInbox, client_message_id: str) -> Message | None:
    """What the visitor sent under that id of his, in whichever of his conversations it stands."""
    query = (
        select(Message)
        .join(Conversation, and_(col(Conversation.account_id) == col(Message.account_id),
                                 col(Conversation.id) == col(Message.conversation_id)))
        .where(
            col(Conversation.account_id) == identity.account_id,
            col(Conversation.contact_inbox_id) == identity.id,
            col(Message.client_message_id) == client_message_id,
        )
    )  # fmt: skip
    return session().exec(query).first()


def unread_by_visitor(identity: ContactInbox) -> dict[int, int]:
    """How many of our messages the visitor has not seen: {conversation_id: n}, without those that have none."""
    query = (
        select(Message.conversation_id, func.count())
        .join(Conversation, and_(col(Conversation.account_id) == col(Message.account_id),
                                 col(Conversation.id) == col(Message.conversation_id)))
        .where(
            col(Conversation.account_id) == identity.account_id,
            col(Conversation.contact_inbox_id) == identity.id,
            col(Message.message_type).in_([MessageType.OUTGOING, MessageType.TEMPLATE]),
            col(Message.is_private).is_(False),
            col(Message.deleted_at).is_(None),
            col(Message.created_at) > func.coalesce(Conversation.contact_last_seen_at, text("'-infinity'")),
        )
        .group_by(col(Message.conversation_id))
    )  # fmt: skip
    return dict(session().exec(query).all())


def usual_wait_seconds(inbox: Inbox) -> float | None:
    """How long customers of the inbox wait for a person's first answer: the median of the last 50 conversations.

    Those still unanswered wait for ever, those that Captain closed are left out; None when most go unanswered or there
    are fewer than five, since then no promise is honest.
    """
    found = session().connection().execute(_USUAL_WAIT, {"account_id": inbox.account_id, "inbox_id": inbox.id}).one()
    return float(found.wait) if found.n >= 5 and found.wait < FOR_EVER_SECONDS else None


def public_threads(conversations: Sequence[Conversation], limit: int = 20) -> dict[int, list[Message]]:
    """What the customer may read in each conversation, the newest `limit` messages in order; one query."""
    if not conversations:
        return {}
    place = func.row_number().over(partition_by=col(Message.conversation_id), order_by=col(Message.id).desc())
    newest = (
        select(col(Message.id), place.label("place"))
        .where(
            col(Message.account_id) == conversations[0].account_id,
            col(Message.conversation_id).in_([c.id for c in conversations]),
            col(Message.is_private).is_(False),
            col(Message.message_type) != MessageType.ACTIVITY,
        )
        .subquery()
    )
    wanted = select(newest.c.id).where(newest.c.place <= limit)
    query = select(Message).where(col(Message.account_id) == conversations[0].account_id, col(Message.id).in_(wanted))
    threads: dict[int, list[Message]] = {}
    for message in session().exec(query.order_by(col(Message.id))):
        threads.setdefault(message.conversation_id, []).append(message)
    return threads


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


def lines(
    messages: Sequence[Message],
    contacts: Mapping[int, Contact] | None = None,
    agents: Mapping[int, Person] | None = None,
) -> dict[int, Line]:
    """The messages, by id, with senders and attachments: three queries at most. Whom the caller has is not asked for."""
    if not messages:
        return {}
    account_id = messages[0].account_id
    customers = dict(contacts or {})
    unknown = {m.sender_id for m in messages if m.sender_type == SenderType.CONTACT and m.sender_id} - customers.keys()
    customers |= _by_id(Contact, account_id, unknown)
    colleagues = dict(agents or {})
    colleagues |= people(account_id, _writers(messages) - colleagues.keys(), with_former=True)
    attached = attachments(account_id, {m.id for m in messages if m.has_attachments})
    return {
        m.id: Line(
            m,
            customers.get(m.sender_id or 0) if m.sender_type == SenderType.CONTACT else None,
            colleagues.get(m.sender_id or 0) if m.sender_type == SenderType.USER else None,
            attached.get(m.id, ()),
        )
        for m in messages
    }


def line(message: Message) -> Line:
    """One message with its sender and attachments."""
    return lines([message])[message.id]


def attachment_by_key(key: str) -> Attachment | None:
    """The attachment of that key, in whatever account: for the door that hands files to whoever has a signed link."""
    return session().exec(select(Attachment).where(col(Attachment.key) == key)).first()


def attached(conversation: Conversation, limit: int, offset: int) -> tuple[int, list[tuple[Attachment, Message]]]:
    """How many attachments the conversation has, and some of them with their messages, newest first."""
    query = (
        select(Attachment, Message)
        .join(
            Message,
            (col(Message.account_id) == col(Attachment.account_id)) & (col(Message.id) == Attachment.message_id),
        )
        .where(col(Message.account_id) == conversation.account_id, col(Message.conversation_id) == conversation.id)
    )
    total = session().exec(select(func.count()).select_from(query.subquery())).one()
    found = session().exec(query.order_by(col(Attachment.id).desc()).limit(limit).offset(offset))
    return total, [(attachment, message) for attachment, message in found]


def holding(account_id: int, words: str) -> tuple[int, ...]:
    """Conversations that have the words in one of the account's newest 100,000 messages, the latest said first."""
    newest = (
        select(Message.id, Message.conversation_id, Message.content)
        .where(col(Message.account_id) == account_id, col(Message.deleted_at).is_(None))
        .order_by(col(Message.id).desc())
        .limit(HEARD_LIMIT)
        .subquery()
    )
    said = func.translate(func.lower(newest.c.content), "ё", "е").contains(folded(words), autoescape=True)
    query = select(newest.c.conversation_id).where(said).group_by(newest.c.conversation_id)
    return tuple(session().exec(query.order_by(func.max(newest.c.id).desc()).limit(COUNT_LIMIT)))


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


def _ours() -> set[tuple[int, int]]:
    """The conversations this transaction has locked: nobody else can change them, so what we hold of them is true."""
    ours: set[tuple[int, int]] = session().info.setdefault("locked_conversations", set())
    return ours


def _order(sort: Sort) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    column, _, direction = sort.rpartition("_")
    keys: dict[str, SQLColumnExpression[Any]] = {
        "last_activity_at": col(Conversation.last_activity_at),
        "created_at": col(Conversation.created_at),
        "priority": case({p: rank for rank, p in enumerate(Priority)}, value=col(Conversation.priority)),
        "waiting_since": col(Conversation.waiting_since),
        "sla_due_at": col(Conversation.sla_due_at),
    }
    key, number = keys[column], col(Conversation.id)
    is_nullable = column in {"priority", "waiting_since", "sla_due_at"}
    first = key.asc() if direction == "asc" else key.desc()
    return first.nulls_last() if is_nullable else first, number.asc() if direction == "asc" else number.desc()


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
    if wanted.sla_policy_id is not None:
        conditions.append(col(Conversation.sla_policy_id) == wanted.sla_policy_id)
    if wanted.promise is not None:
        conditions.append(_promised(wanted.promise))
    if wanted.labels:
        carried, given = cast(ColumnElement[Any], col(Conversation.labels)), list(wanted.labels)
        conditions.append(carried.op("&&")(given) if wanted.is_any_label_enough else carried.contains(given))
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


def _promised(promise: Promise) -> ColumnElement[bool]:
    if promise == Promise.NONE:
        return col(Conversation.sla_policy_id).is_(None)
    return col(Conversation.sla_due_at if promise == Promise.DUE else Conversation.sla_missed_at).is_not(None)


def _mentions(wanted: Filter) -> ColumnElement[bool]:
    """The number itself, or contacts whose name, e-mail or phone holds the words."""
    words = wanted.words.lstrip("#").strip()
    by_name: ColumnElement[bool] = col(Conversation.contact_id).in_(named(words, COUNT_LIMIT))
    if wanted.heard_in:
        by_name = or_(by_name, col(Conversation.id).in_(wanted.heard_in))
    if words.isdigit() and len(words) < 18:
        return or_(col(Conversation.display_id) == int(words), by_name)
    return and_(by_name)


def _same(model: Any, reference: Any) -> ColumnElement[bool]:
    """The row of `model` that a conversation names."""
    return and_(col(model.account_id) == col(Conversation.account_id), col(model.id) == col(reference))


def _row(
    conversation: Conversation,
    contact: Contact,
    inbox: Inbox,
    team: Team | None,
    last: Message | None,
    identity: ContactInbox | None,
    agents: dict[int, Person],
) -> Row:
    assignee, place = agents.get(conversation.assignee_id or 0, (None, None))
    return Row(
        conversation=conversation,
        contact=contact,
        inbox=inbox,
        assignee=assignee,
        team=team,
        last_message=last,
        contact_inbox=identity,
        assignee_place=place,
        last_writer=agents.get(last.sender_id or 0) if last and last.sender_type == SenderType.USER else None,
    )


def _writers(messages: Iterable[Message]) -> set[int]:
    return {m.sender_id for m in messages if m.sender_type == SenderType.USER and m.sender_id}


def _last_spoken(account_id: int, conversation_ids: set[int]) -> dict[int, Message]:
    """The last message of each that is no activity line."""
    if not conversation_ids:
        return {}
    query = (
        select(Message)
        .distinct(col(Message.conversation_id))
        .where(
            col(Message.account_id) == account_id,
            col(Message.conversation_id).in_(conversation_ids),
            col(Message.message_type) != MessageType.ACTIVITY,
        )
        .order_by(col(Message.conversation_id), col(Message.id).desc())
    )
    return {message.conversation_id: message for message in session().exec(query)}


def _by_id(model: Any, account_id: int, ids: set[int]) -> dict[int, Any]:
    if not ids:
        return {}
    query = select(model).where(col(model.account_id) == account_id, col(model.id).in_(ids))
    return {found.id: found for found in session().exec(query)}


_USUAL_WAIT = text(
    "select count(*) as n, percentile_disc(0.5) within group (order by wait) as wait from ("
    " select coalesce(extract(epoch from first_replied_at - created_at), :for_ever) as wait from conversation"
    " where account_id = :account_id and inbox_id = :inbox_id and created_at > now() - interval '60 days'"
    " and (first_replied_at is not null or status <> 'resolved') order by id desc limit 50) recent"
).bindparams(for_ever=FOR_EVER_SECONDS)
