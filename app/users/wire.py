"""Users, agents and teams in Chatwoot's JSON."""

from collections.abc import Sequence
from typing import Any

from app.accounts.models import Account
from app.users.models import AccountUser, Availability, Role, Team, User
from app.users.queries import Person
from app.wire import NO_PICTURE, iso


def profile(user: User, places: Sequence[tuple[Account, AccountUser]], api_token: str) -> dict[str, Any]:
    """The user himself, with his token and every account he works in, the current one first in `places`."""
    current = places[0][1] if places else None
    return {
        "access_token": api_token,
        "account_id": current.account_id if current else None,
        "available_name": user.available_name,
        "avatar_url": NO_PICTURE,
        "confirmed": user.confirmed_at is not None,
        "display_name": user.display_name,
        "message_signature": user.message_signature,
        "email": user.email,
        "id": user.id,
        "inviter_id": current.inviter_id if current else None,
        "name": user.name,
        "provider": "email",
        "pubsub_token": user.pubsub_token,
        "custom_attributes": user.custom_attributes,
        "role": current.role if current else Role.AGENT,
        "ui_settings": user.ui_settings,
        "uid": user.email,
        "type": None,
        "accounts": [_place(account, member) for account, member in sorted(places, key=lambda place: place[0].id)],
    }


def agent(person: Person) -> dict[str, Any]:
    """A colleague, as agent lists and `assignee` show him."""
    user, member = person
    return {
        "id": user.id,
        "account_id": member.account_id,
        "availability_status": member.availability,
        "auto_offline": member.auto_offline,
        "confirmed": user.confirmed_at is not None,
        "email": user.email,
        "provider": "email",
        "available_name": user.available_name,
        "custom_attributes": user.custom_attributes,
        "name": user.name,
        "role": member.role,
        "thumbnail": NO_PICTURE,
    }


def pushed(person: Person) -> dict[str, Any]:
    """A colleague as the sender of a message, or in a pushed conversation: without his e-mail, for customers see it."""
    user, member = person
    return {
        "id": user.id,
        "name": user.name,
        "available_name": user.available_name,
        "avatar_url": NO_PICTURE,
        "type": "user",
        "availability_status": member.availability if member else Availability.OFFLINE,
        "thumbnail": NO_PICTURE,
    }


def team(found: Team, *, is_member: bool) -> dict[str, Any]:
    """A team, as the reader sees it: `is_member` says whether he is in it."""
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "allow_auto_assign": found.allow_auto_assign,
        "account_id": found.account_id,
        "is_member": is_member,
    }


def raw_team(found: Team) -> dict[str, Any]:
    """The team's own row, as an assignment answers it."""
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "allow_auto_assign": found.allow_auto_assign,
        "account_id": found.account_id,
        "created_at": iso(found.created_at),
        "updated_at": iso(found.created_at),
    }


def pushed_team(found: Team) -> dict[str, Any]:
    """A team in a pushed conversation."""
    return {"id": found.id, "name": found.name}


def _place(account: Account, member: AccountUser) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "status": account.status,
        "active_at": iso(member.active_at),
        "role": member.role,
        "permissions": [member.role],
        "availability": member.availability,
        "availability_status": member.availability,
        "auto_offline": member.auto_offline,
    }
