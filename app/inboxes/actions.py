"""What can be done to an inbox."""

import re
import secrets
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app import security
from app.clock import now
from app.database import session
from app.errors import Invalid
from app.events.record import record
from app.i18n import _, is_timezone
from app.inboxes import queries
from app.inboxes.models import Channel, Inbox, InboxMember
from app.text import NAME_LIMIT, checked

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
_TEXTS = {"greeting_message": 10_000, "out_of_office_message": 10_000}
_FLAGS = (
    "greeting_enabled", "working_hours_enabled", "enable_email_collect", "csat_enabled",
    "allow_messages_after_resolved", "lock_to_single_conversation", "is_captain_on",
)  # fmt: skip
EVERY_WEEKDAY = [{"day": day, "opens": "09:00", "closes": "18:00"} for day in range(1, 6)]


def create_inbox(
    account_id: int,
    channel: Channel,
    name: str,
    *,
    by: str,
    settings: dict[str, Any] | None = None,
    channel_secrets: dict[str, str] | None = None,
    **changes: Any,
) -> Inbox:
    """A new inbox, with a key nobody can guess and, for website and API, an HMAC secret."""
    kept = dict(channel_secrets or {})
    if channel in {Channel.WEBSITE, Channel.API}:
        kept.setdefault("hmac_token", security.new_token())
    inbox = Inbox(
        account_id=account_id,
        channel=channel,
        name=checked("name", name, NAME_LIMIT, required=True),
        key=secrets.token_urlsafe(18),
        sealed=security.seal(kept),
        settings=settings or {},
        hours=EVERY_WEEKDAY,
        created_at=now(),
    )
    _apply(inbox, changes)
    session().add(inbox)
    record("inbox.created", inbox, by=by)
    _version_calendar(inbox, by)
    return inbox


def update_inbox(inbox: Inbox, *, by: str, **changes: Any) -> None:
    """Change what is named in `changes`; unknown names are left alone."""
    hours = (inbox.hours, inbox.timezone, inbox.working_hours_enabled)
    changed = _apply(inbox, changes)
    if not changed:
        return
    record("inbox.updated", inbox, by=by, changed=changed)
    if hours != (inbox.hours, inbox.timezone, inbox.working_hours_enabled):
        _version_calendar(inbox, by)


def set_members(inbox: Inbox, user_ids: set[int], *, by: str) -> None:
    """Let exactly these people answer in the inbox."""
    before = queries.member_ids(inbox.account_id, inbox.id)
    added, removed = sorted(user_ids - before), sorted(before - user_ids)
    current = session()
    if added:
        rows = [{"account_id": inbox.account_id, "inbox_id": inbox.id, "user_id": user_id} for user_id in added]
        current.connection().execute(insert(InboxMember).values(rows))
    if removed:
        current.connection().execute(
            delete(InboxMember).where(
                col(InboxMember.account_id) == inbox.account_id,
                col(InboxMember.inbox_id) == inbox.id,
                col(InboxMember.user_id).in_(removed),
            )
        )
    if added or removed:
        record("inbox.members_changed", inbox, by=by, added=added, removed=removed)


def delete_inbox(inbox: Inbox, *, by: str) -> None:
    """Close the inbox: nothing comes in any more, its conversations stay readable."""
    if inbox.deleted_at is None:
        inbox.deleted_at = now()
        record("inbox.deleted", inbox, by=by)


def channel_secrets(inbox: Inbox) -> dict[str, str]:
    """The inbox's secrets in clear: for its channel alone, never for a page."""
    return dict(security.unseal(inbox.sealed))


def set_channel_secrets(inbox: Inbox, changes: dict[str, str], *, by: str) -> None:
    """Replace some secrets."""
    inbox.sealed = security.seal({**channel_secrets(inbox), **changes})
    record("inbox.updated", inbox, by=by, changed=sorted(changes))


def _apply(inbox: Inbox, changes: dict[str, Any]) -> list[str]:
    wanted: dict[str, Any] = {}
    if "name" in changes:
        wanted["name"] = checked("name", changes["name"], NAME_LIMIT, required=True)
    for field, limit in _TEXTS.items():
        if field in changes:
            wanted[field] = checked(field, changes[field], limit)
    for field in _FLAGS:
        if field in changes:
            wanted[field] = bool(changes[field])
    if "timezone" in changes:
        if not isinstance(changes["timezone"], str) or not is_timezone(changes["timezone"]):
            raise Invalid("timezone", _("There is no such time zone."))
        wanted["timezone"] = changes["timezone"]
    if "hours" in changes:
        wanted["hours"] = _hours(changes["hours"])
    if "settings" in changes:
        wanted["settings"] = {**inbox.settings, **changes["settings"]}
    for field in ("sla_policy_id", "portal_id"):
        if field in changes:
            wanted[field] = changes[field]
    changed = [field for field, value in wanted.items() if getattr(inbox, field) != value]
    for field in changed:
        setattr(inbox, field, wanted[field])
    return changed


def _hours(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > 50:
        raise Invalid("hours", _("Working hours are a list of intervals."))
    for entry in value:
        is_whole = isinstance(entry, dict) and entry.get("day") in range(1, 8)
        if not is_whole or not all(_CLOCK.fullmatch(str(entry.get(key, ""))) for key in ("opens", "closes")):
            raise Invalid("hours", _("An interval has a day and two times, such as 09:00 and 18:00."))
        if entry["opens"] >= entry["closes"]:
            raise Invalid("hours", _("Closing must be later than opening; split a night at midnight."))
    return [{"day": entry["day"], "opens": entry["opens"], "closes": entry["closes"]} for entry in value]


def _version_calendar(inbox: Inbox, by: str) -> None:
    hours = inbox.hours if inbox.working_hours_enabled else None
    record("calendar.versioned", inbox, by=by, timezone=inbox.timezone, hours=hours)
