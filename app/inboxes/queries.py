"""Questions about inboxes."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from app.database import session
from app.errors import NotFound
from app.i18n import _
from app.inboxes.models import Channel, Inbox, InboxMember
from app.users.models import AccountUser, Role


def inbox(account_id: int, inbox_id: int) -> Inbox:
    """An inbox of the account. NotFound for any other."""
    found = session().get(Inbox, (account_id, inbox_id))
    if found is None or found.deleted_at is not None:
        raise NotFound(_("There is no such inbox."))
    return found


def by_key(key: str, channel: Channel) -> Inbox | None:
    """The inbox of that public key, in whatever account: for doors that know nothing else yet."""
    query = select(Inbox).where(col(Inbox.key) == key, col(Inbox.channel) == channel, col(Inbox.deleted_at).is_(None))
    return session().exec(query).first()


def inboxes(account_id: int) -> list[Inbox]:
    """All inboxes of the account, by name."""
    query = select(Inbox).where(col(Inbox.account_id) == account_id, col(Inbox.deleted_at).is_(None))
    return list(session().exec(query.order_by(col(Inbox.name), col(Inbox.id))))


def visible_to(member: AccountUser) -> list[Inbox]:
    """The inboxes a person may look into: his own, or all for an administrator."""
    found = inboxes(member.account_id)
    if member.role == Role.ADMINISTRATOR:
        return found
    query = select(InboxMember.inbox_id).where(
        col(InboxMember.account_id) == member.account_id, col(InboxMember.user_id) == member.user_id
    )
    mine = set(session().exec(query))
    return [inbox for inbox in found if inbox.id in mine]


def member_ids(account_id: int, inbox_id: int) -> set[int]:
    """Who answers in the inbox."""
    query = select(InboxMember.user_id).where(
        col(InboxMember.account_id) == account_id, col(InboxMember.inbox_id) == inbox_id
    )
    return set(session().exec(query))


def is_open(inbox: Inbox, moment: datetime) -> bool:
    """Whether somebody works then, by the inbox's hours. An inbox without hours is always open."""
    if not inbox.working_hours_enabled:
        return True
    local = moment.astimezone(ZoneInfo(inbox.timezone))
    clock = local.strftime("%H:%M")
    return any(
        hours["day"] == local.isoweekday() and hours["opens"] <= clock < hours["closes"] for hours in inbox.hours
    )
