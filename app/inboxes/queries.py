"""Questions about inboxes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from app.accounts.models import Account
from app.calendars import queries as calendar_queries
from app.calendars.hours import Hours
from app.calendars.models import OFFICE_WEEK, CalendarVersion
from app.database import session
from app.errors import NotFound
from app.i18n import _
from app.inboxes.models import Channel, Inbox, InboxMember
from app.users.models import AccountUser, Role


@dataclass(frozen=True)
class Times:
    """When somebody is there, for those outside: in the intervals of `week` (seven lists, Monday first) if `is_limited`,
    else around the clock, and the week is an example."""

    is_limited: bool
    timezone: str
    week: list[list[list[str]]]


def inbox(account_id: int, inbox_id: int) -> Inbox:
    """An inbox of the account. NotFound for any other."""
    found = session().get(Inbox, (account_id, inbox_id))
    if found is None or found.deleted_at is not None:
        raise NotFound(_("There is no such inbox."))
    return found


def channel(account_id: int, inbox_id: int) -> Channel:
    """The channel of an inbox, asked once in a process: it never changes."""
    key = (account_id, inbox_id)
    if key not in _channels:
        query = select(Inbox.channel).where(col(Inbox.account_id) == account_id, col(Inbox.id) == inbox_id)
        _channels[key] = Channel(session().exec(query).one())
    return _channels[key]


_channels: dict[tuple[int, int], Channel] = {}


def by_key(key: str, channel: Channel) -> Inbox | None:
    """The inbox of that public key, in whatever account: for doors that know nothing else yet."""
    query = select(Inbox).where(col(Inbox.key) == key, col(Inbox.channel) == channel, col(Inbox.deleted_at).is_(None))
    return session().exec(query).first()


def demo() -> Inbox | None:
    """The website inbox of the demo world, in whatever account: for the shop at /demo."""
    query = select(Inbox).where(
        col(Inbox.channel) == Channel.WEBSITE,
        col(Inbox.deleted_at).is_(None),
        col(Inbox.settings)["is_demo"].as_boolean(),
    )
    return session().exec(query.order_by(col(Inbox.id)).limit(1)).first()


def inboxes(account_id: int) -> list[Inbox]:
    """All inboxes of the account, by name."""
    query = select(Inbox).where(col(Inbox.account_id) == account_id, col(Inbox.deleted_at).is_(None))
    return list(session().exec(query.order_by(col(Inbox.name), col(Inbox.id))))


def visible_to(member: AccountUser) -> list[Inbox]:
    """The inboxes a person may look into: his own, or all for an administrator."""
    return among(member.account_id, None if member.role == Role.ADMINISTRATOR else member_inbox_ids(member))


def among(account_id: int, inbox_ids: Collection[int] | None) -> list[Inbox]:
    """Those inboxes of the account, by name; None: all of them."""
    return [inbox for inbox in inboxes(account_id) if inbox_ids is None or inbox.id in inbox_ids]


def member_inbox_ids(member: AccountUser) -> tuple[int, ...]:
    """The numbers of the inboxes a person answers in, and nothing else of them: asked with almost every request."""
    same = (col(Inbox.account_id) == col(InboxMember.account_id)) & (col(Inbox.id) == col(InboxMember.inbox_id))
    query = select(InboxMember.inbox_id).join(Inbox, same)
    mine = (col(InboxMember.account_id) == member.account_id, col(InboxMember.user_id) == member.user_id)
    return tuple(session().exec(query.where(*mine, col(Inbox.deleted_at).is_(None))))


def member_ids(account_id: int, inbox_id: int) -> set[int]:
    """Who answers in the inbox."""
    query = select(InboxMember.user_id).where(
        col(InboxMember.account_id) == account_id, col(InboxMember.inbox_id) == inbox_id
    )
    return set(session().exec(query))


def hours(inbox: Inbox) -> Hours:
    """When somebody is there; None around the clock."""
    return calendar_queries.hours_of(inbox.account_id, {inbox.calendar_id})[inbox.calendar_id]


def times(account_id: int, inboxes: Sequence[Inbox]) -> dict[int, Times]:
    """{inbox id: its times} of these inboxes of the account; two queries, however many there are."""
    ids = {inbox.calendar_id for inbox in inboxes if inbox.calendar_id is not None}
    held = calendar_queries.in_force(account_id, ids)
    zone = session().get_one(Account, account_id).timezone
    return {inbox.id: _times(held.get(inbox.calendar_id or 0), zone) for inbox in inboxes}


def _times(version: CalendarVersion | None, zone: str) -> Times:
    return Times(True, version.timezone, version.week) if version else Times(False, zone, OFFICE_WEEK)
