"""What can be done to an inbox."""

import secrets
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app import security
from app.clock import now
from app.database import session
from app.events.record import record
from app.inboxes import queries
from app.inboxes.models import Channel, Inbox, InboxMember
from app.text import NAME_LIMIT, checked
from app.users import queries as people

_TEXTS = {"greeting_message": 10_000, "out_of_office_message": 10_000}
_FLAGS = (
    "greeting_enabled", "enable_email_collect", "csat_enabled", "is_csat_unless_labelled",
    "allow_messages_after_resolved", "lock_to_single_conversation", "is_captain_on",
)  # fmt: skip


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
        created_at=now(),
    )
    _apply(inbox, changes)
    session().add(inbox)
    record("inbox.created", inbox, by=by)
    return inbox


def update_inbox(inbox: Inbox, *, by: str, **changes: Any) -> None:
    """Change what is named in `changes`; unknown names are left alone."""
    changed = _apply(inbox, changes)
    if changed:
        record("inbox.updated", inbox, by=by, changed=changed)


def set_members(inbox: Inbox, user_ids: set[int], *, by: str) -> None:
    """Let exactly these people answer in the inbox."""
    before = queries.member_ids(inbox.account_id, inbox.id)
    added = sorted(people.staying(inbox.account_id, user_ids - before))
    removed = sorted(before - user_ids)
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
    if "csat_labels" in changes:
        labels = {checked("csat_labels", label, 100).lower() for label in changes["csat_labels"]}
        wanted["csat_labels"] = sorted(labels - {""})
    if "settings" in changes:
        wanted["settings"] = {**inbox.settings, **changes["settings"]}
    for field in ("sla_policy_id", "portal_id"):
        if field in changes:
            wanted[field] = changes[field]
    changed = [field for field, value in wanted.items() if getattr(inbox, field) != value]
    for field in changed:
        setattr(inbox, field, wanted[field])
    return changed
