"""Questions about inboxes."""

from datetime import datetime, time, timedelta
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
    found = inboxes(member.account_id)
    if member.role == Role.ADMINISTRATOR:
        return found
    query = select(InboxMember.inbox_id).where(
        col(InboxMember.account_id) == member.account_id, col(InboxMember.user_id) == member.user_id
    )
    mine = set(session().exec(query))
    return [inbox for inbox in found if inbox.id in mine]


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


def opens_at(inbox: Inbox, moment: datetime) -> datetime | None:
    """When somebody works again, by the inbox's hours; None when somebody does now, or never will."""
    if is_open(inbox, moment):
        return None
    local = moment.astimezone(ZoneInfo(inbox.timezone))
    for days in range(9):
        day = local.date() + timedelta(days=days)
        for hours in sorted(inbox.hours, key=lambda hours: str(hours["opens"])):
            opens = datetime.combine(day, time.fromisoformat(hours["opens"]), ZoneInfo(inbox.timezone))
            if hours["day"] == day.isoweekday() and opens > moment:
                return opens
    return None


def is_open(inbox: Inbox, moment: datetime) -> bool:
    """Whether somebody works then, by the inbox's hours. An inbox without hours is always open."""
    if not inbox.working_hours_enabled:
        return True
    local = moment.astimezone(ZoneInfo(inbox.timezone))
    clock = local.strftime("%H:%M")
    return any(
        hours["day"] == local.isoweekday() and hours["opens"] <= clock < hours["closes"] for hours in inbox.hours
    )
