"""What people do about themselves and each other: signing up, inviting, roles, teams."""

import re
from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

from sqlalchemy import column, delete, or_, table
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from app import security
from app.accounts.actions import open_account
from app.accounts.models import Account
from app.clock import now
from app.config import settings
from app.database import session
from app.errors import Invalid, NotAllowed, NotFound
from app.events.record import record
from app.i18n import LOCALES, _, ngettext
from app.mail import owe_letter
from app.text import NAME_LIMIT, checked
from app.timers import set_timer
from app.users import queries, tokens
from app.users.models import AccountUser, Availability, Purpose, Role, Team, TeamMember, User

# The timer by which the conversations of a deleted team lose it
TEAM_GONE = "team.gone"
# … and those of an agent who was removed
AGENT_GONE = "agent.gone"
# Where an agent works, and what he has begun, in rooms above this one too; what else names him is history
PLACES = ("team_member", "inbox_member", "reply_draft")
PASSWORD_MINIMUM = 8
INVITED_AT_ONCE = 100
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")


@dataclass(frozen=True)
class SignedUp:
    """A new administrator and his account."""

    user: User
    account: Account


def sign_up(
    name: str, email: str, password: str, account_name: str, *, locale: str = "ru", timezone: str = "Europe/Moscow"
) -> SignedUp:
    """A new account with its first administrator, who must confirm the address by the link we send."""
    if not settings().sign_up:
        raise NotAllowed(_("New accounts are made by the administrator of this installation."))
    user = _new_user(name, email, password, locale)
    account = open_account(account_name, by="system", locale=locale, timezone=timezone, support_email=user.email)
    join(account.id, user, Role.ADMINISTRATOR, by=user.actor)
    _owe_confirmation(account.id, user)
    return SignedUp(user, account)


def confirm_email(token: str) -> User:
    """The address is his: he may sign in. Invalid when the link was used or is too old."""
    user = tokens.spend(Purpose.CONFIRM_EMAIL, token)
    if user is None:
        raise Invalid("token", _("This link has been used or is too old. Ask for a new one."))
    user.confirmed_at = user.confirmed_at or now()
    return user


def sign_in(email: str, password: str) -> User:
    """The user behind these words. Invalid, in the same words and time, for a wrong password and an unknown address."""
    user = queries.by_email(email)
    if not security.is_password(user.password_hash if user else None, password) or user is None:
        raise Invalid("password", _("E-mail or password is wrong."))
    if user.confirmed_at is None:
        raise Invalid("email", _("Confirm your address first: open the link in the letter we sent you."))
    if not queries.accounts_of(user.id):
        raise Invalid("account", _("You work in no account here any more. An administrator can invite you again."))
    return user


def ask_for_confirmation(email: str) -> None:
    """Send the link again, if there is somebody to confirm. Never tells whether there is."""
    user = queries.by_email(email)
    memberships = queries.accounts_of(user.id) if user else []
    if user is not None and user.confirmed_at is None and memberships:
        tokens.end_all(user.id, Purpose.CONFIRM_EMAIL)
        _owe_confirmation(memberships[0][0].id, user)


def ask_for_reset(email: str) -> None:
    """Send a link to choose a new password, if there is such a user. Never tells whether there is."""
    user = queries.by_email(email)
    memberships = queries.accounts_of(user.id) if user else []
    if user is None or not memberships:
        return
    tokens.end_all(user.id, Purpose.RESET_PASSWORD)
    link = f"{settings().public_url}/password/{tokens.issue(user, Purpose.RESET_PASSWORD)}"
    text = _(
        "Choose a new password here, within 20 minutes:\n\n%(link)s\n\nIf it was not you who asked, do nothing.",
        link=link,
    )
    owe_letter(memberships[0][0].id, user.email, _("A new password for Kulpunai"), text)


def reset_password(token: str, password: str) -> User:
    """Set the new password and sign out everywhere. Invalid when the link was used or is too old."""
    _check_password(password)
    user = tokens.spend(Purpose.RESET_PASSWORD, token)
    if user is None:
        raise Invalid("token", _("This link has been used or is too old. Ask for a new one."))
    set_password(user, password)
    # whoever reads the letter owns the address
    user.confirmed_at = user.confirmed_at or now()
    return user


def set_password(user: User, password: str) -> None:
    """A new password; every session and device of the user ends."""
    _check_password(password)
    user.password_hash = security.hash_password(password)
    sign_out_everywhere(user)


def sign_out_everywhere(user: User) -> None:
    """End every session and device of the user, and tell the accounts' open screens."""
    tokens.end_all(user.id, Purpose.SESSION, Purpose.DEVICE)
    for _account, member in queries.accounts_of(user.id):
        record("session.revoked", member, by=user.actor)
    _look_again(user.id)


def check_many(addresses: Sized) -> None:
    """Invalid for none, and for more than may be invited at once."""
    if not addresses:
        raise Invalid("emails", _("Write an address, or several."))
    if len(addresses) > INVITED_AT_ONCE:
        raise Invalid("emails", ngettext("%(n)s address at most.", "%(n)s addresses at most.", INVITED_AT_ONCE))


def invite(account: Account, email: str, name: str, role: Role, *, by: User) -> User:
    """Let somebody work in the account. A stranger gets a link to choose a password; a known user is simply added."""
    user = queries.by_email(email)
    if user is not None and queries.membership(account.id, user.id) is not None:
        raise Invalid("email", _("This person already works here."))
    is_new = user is None
    if user is None:
        user = _new_user(name or email.partition("@")[0], email, None, account.locale)
    join(account.id, user, role, by=by.actor, inviter_id=by.id)
    link = f"{settings().public_url}/"
    if is_new or user.password_hash is None:
        link = f"{settings().public_url}/invitation/{tokens.issue(user, Purpose.INVITATION, account_id=account.id)}"
    text = _("%(name)s invites you to %(account)s:\n\n%(link)s", name=by.name, account=account.name, link=link)
    owe_letter(account.id, user.email, _("Invitation to %(account)s", account=account.name), text)
    return user


def accept_invitation(token: str, name: str, password: str) -> User:
    """Choose name and password; the address is confirmed by having had the link."""
    _check_password(password)
    name = checked("name", name, NAME_LIMIT, required=True)
    user = tokens.spend(Purpose.INVITATION, token)
    if user is None:
        raise Invalid("token", _("This link has been used or is too old. Ask for a new one."))
    user.name, user.password_hash, user.confirmed_at = name, security.hash_password(password), now()
    return user


def join(account_id: int, user: User, role: Role, *, by: str, inviter_id: int | None = None) -> AccountUser:
    """Make the user a member of the account. Who has left it is himself again there, and in no inbox or team of his."""
    member = session().get(AccountUser, (account_id, user.id)) or AccountUser(account_id=account_id, user_id=user.id)
    member.role, member.inviter_id, member.availability = role, inviter_id, Availability.ONLINE
    member.created_at, member.left_at = now(), None
    session().add(member)
    record("agent.added", member, by=by)
    _look_again(user.id)
    return member


def change_role(member: AccountUser, role: Role, *, by: str) -> None:
    """Another role. The last administrator stays one."""
    _hold(member)
    if member.role == role:
        return
    _keep_an_administrator(member)
    before, member.role = member.role, role
    record("agent.role_changed", member, by=by, role_change=[before, role])
    _look_again(member.user_id)


def remove_agent(member: AccountUser, *, by: str) -> None:
    """Take somebody off the account: from the commit on he is nobody there. His name stays for history.

    His conversations lose him soon after, some hundreds at a time. Invalid for oneself and the last administrator.
    """
    if by == f"user:{member.user_id}":
        raise Invalid("user_id", _("Nobody removes himself: another administrator can do it."))
    _hold(member)
    _keep_an_administrator(member)
    for name in PLACES:
        place = table(name, column("account_id"), column("user_id"))
        mine = (place.c.account_id == member.account_id, place.c.user_id == member.user_id)
        session().connection().execute(delete(place).where(*mine))
    member.left_at, member.availability = now(), Availability.OFFLINE
    record("agent.removed", member, by=by)
    set_timer(member.account_id, AGENT_GONE, str(member.user_id), now(), by=by)
    _look_again(member.user_id)


def set_availability(member: AccountUser, availability: Availability, *, by: str) -> None:
    """Online, busy or offline, by the person's own choice."""
    if member.availability == availability:
        return
    before, member.availability = member.availability, availability
    record("agent.availability_changed", member, by=by, availability_change=[before, availability])


def update_profile(user: User, **changes: object) -> None:
    """Change the name, the name customers see, signature, language, or interface settings; others are refused."""
    if "name" in changes:
        user.name = checked("name", changes["name"], NAME_LIMIT, required=True)
    if "display_name" in changes:
        user.display_name = checked("display_name", changes["display_name"], NAME_LIMIT) or None
    if "message_signature" in changes:
        user.message_signature = checked("message_signature", changes["message_signature"], 10_000) or None
    if "locale" in changes:
        if changes["locale"] not in LOCALES:
            raise Invalid("locale", _("Choose one of the languages offered."))
        user.locale = str(changes["locale"])
    if isinstance(changes.get("ui_settings"), dict):
        user.ui_settings = {**user.ui_settings, **changes["ui_settings"]}  # type: ignore[dict-item]


def make_team(account_id: int, name: str, *, by: str, description: str = "", allow_auto_assign: bool = True) -> Team:
    """A new team, still empty."""
    team = Team(account_id=account_id, created_at=now())
    _apply(team, {"name": name, "description": description, "allow_auto_assign": allow_auto_assign})
    session().add(team)
    record("team.created", team, by=by)
    return team


def update_team(team: Team, *, by: str, **changes: object) -> None:
    """Another name, description, or `allow_auto_assign`."""
    changed = _apply(team, changes)
    if changed:
        record("team.updated", team, by=by, changed=changed)


def delete_team(team: Team, *, by: str) -> None:
    """Take it off all lists; its conversations lose it soon after, some hundreds at a time. The name stays for history.

    Whoever is giving it a conversation comes before, and the conversation loses it, or after, and finds no team.
    """
    session().flush()
    session().refresh(team, with_for_update=True)
    if team.deleted_at is not None:
        return
    set_team_members(team, set(), by=by)
    # an import that names it again makes another one
    team.deleted_at, team.external_id = now(), None
    record("team.deleted", team, by=by)
    set_timer(team.account_id, TEAM_GONE, str(team.id), now(), by=by)


def set_team_members(team: Team, user_ids: set[int], *, by: str) -> None:
    """Let exactly these people be the team."""
    before = queries.team_members(team.account_id).get(team.id, set())
    added = sorted(queries.staying(team.account_id, user_ids - before))
    removed = sorted(before - user_ids)
    current = session()
    if added:
        rows = [{"account_id": team.account_id, "team_id": team.id, "user_id": user_id} for user_id in added]
        current.connection().execute(insert(TeamMember).values(rows))
    if removed:
        current.connection().execute(
            delete(TeamMember).where(
                col(TeamMember.account_id) == team.account_id,
                col(TeamMember.team_id) == team.id,
                col(TeamMember.user_id).in_(removed),
            )
        )
    if added or removed:
        record("team.members_changed", team, by=by, added=added, removed=removed)


def _apply(team: Team, changes: dict[str, Any]) -> list[str]:
    wanted: dict[str, Any] = {}
    if "name" in changes:
        wanted["name"] = checked("name", changes["name"], NAME_LIMIT, required=True).lower()
    if "description" in changes:
        wanted["description"] = checked("description", changes["description"], 1000)
    if "allow_auto_assign" in changes:
        wanted["allow_auto_assign"] = bool(changes["allow_auto_assign"])
    changed = [field for field, value in wanted.items() if getattr(team, field) != value]
    if "name" in changed and any(wanted["name"] == other.name for other in queries.teams(team.account_id)):
        raise Invalid("name", _("There is a team of this name."))
    for field in changed:
        setattr(team, field, wanted[field])
    return changed


def _new_user(name: str, email: str, password: str | None, locale: str) -> User:
    email = checked("email", email, NAME_LIMIT, required=True).lower()
    if not _EMAIL.fullmatch(email):
        raise Invalid("email", _("This is not an e-mail address."))
    if password is not None:
        _check_password(password)
    if queries.by_email(email) is not None:
        raise Invalid("email", _("There is an account with this address already: sign in, or choose a new password."))
    user = User(
        name=checked("name", name, NAME_LIMIT, required=True),
        email=email,
        password_hash=security.hash_password(password) if password is not None else None,
        pubsub_token=security.new_token(),
        locale=locale if locale in LOCALES else "ru",
        created_at=now(),
    )
    session().add(user)
    session().flush()
    return user


def _check_password(password: str) -> None:
    if not isinstance(password, str) or len(password) < PASSWORD_MINIMUM:
        raise Invalid(
            "password",
            ngettext("At least %(n)s character, please.", "At least %(n)s characters, please.", PASSWORD_MINIMUM),
        )
    if len(password) > 1000:
        raise Invalid("password", _("This password is too long."))


def _hold(member: AccountUser) -> None:
    """His place is as we see it until the commit, and so are the administrators': of two who go at once one is the last.

    NotFound when he has left meanwhile.
    """
    session().flush()
    who = or_(col(AccountUser.role) == Role.ADMINISTRATOR, col(AccountUser.user_id) == member.user_id)
    query = select(AccountUser).where(
        col(AccountUser.account_id) == member.account_id, col(AccountUser.left_at).is_(None), who
    )
    # all in one order, and never in the way of rows that only refer to them
    ours = query.order_by(col(AccountUser.user_id)).with_for_update(key_share=True)
    held = session().exec(ours.execution_options(populate_existing=True)).all()
    if member.user_id not in {each.user_id for each in held}:
        raise NotFound(_("There is no such agent."))


def _look_again(user_id: int) -> None:
    """Let every door that remembers who he is and what he may ask anew, as soon as this is committed."""
    session().info.setdefault("wake", set()).add(f"caller:{user_id}")


def _keep_an_administrator(member: AccountUser) -> None:
    if member.role == Role.ADMINISTRATOR and queries.administrators(member.account_id) <= 1:
        raise Invalid("role", _("The account needs at least one administrator."))


def _owe_confirmation(account_id: int, user: User) -> None:
    link = f"{settings().public_url}/confirmation/{tokens.issue(user, Purpose.CONFIRM_EMAIL)}"
    text = _("Welcome to Kulpunai! Confirm your address here:\n\n%(link)s", link=link)
    owe_letter(account_id, user.email, _("Confirm your address"), text)
