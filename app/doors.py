"""What all doors share: who is asking, in which account, by which policy, and how a problem is told.

The session cookie is read once per request; each policy is checked here, before any view runs.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

from flask import Flask, g, request
from sqlmodel import Session

from app.accounts.models import Account, AccountStatus
from app.config import settings
from app.database import across_accounts, transaction
from app.errors import NotAllowed, NotSignedIn
from app.i18n import LOCALES, _, speak
from app.policies import policy_of
from app.users import queries, tokens
from app.users.models import AccountUser, Purpose, Role, User

COOKIE = "kulpunai_session"
LOCALE_COOKIE = "kulpunai_locale"


@dataclass(frozen=True)
class Viewer:
    """A signed-in person in one of his accounts."""

    user: User
    account: Account
    member: AccountUser
    token_id: int

    @property
    def account_id(self) -> int:
        return self.account.id

    @property
    def is_administrator(self) -> bool:
        return self.member.role == Role.ADMINISTRATOR


def viewer() -> Viewer:
    """Who is asking. NotSignedIn where nobody is: views with policy `agent` or `administrator` always have one."""
    found = getattr(g, "viewer", None)
    if found is None:
        raise NotSignedIn(_("Sign in first."))
    return cast(Viewer, found)


def own_account() -> AbstractContextManager[Session]:
    """`with own_account() as session:` a transaction in the viewer's account."""
    return transaction(viewer().account_id)


def register(app: Flask) -> None:
    """Check policies before every view."""

    @app.before_request
    def know_the_viewer() -> None:
        speak(request.cookies.get(LOCALE_COOKIE) or request.accept_languages.best_match(LOCALES) or LOCALES[0])
        name = policy_of(app, request.endpoint)
        # a page anybody may see looks different to those who are signed in; a style sheet does not
        may_know = name == "public" and COOKIE in request.cookies and request.endpoint != "assets"
        if name in {"signed_in", "agent", "administrator"} or may_know:
            g.viewer, g.user = _read_session()
        if g.get("user") is not None:
            speak(g.user.locale, g.viewer.account.timezone if g.viewer else None)
        _enforce(name)


def _enforce(name: str | None) -> None:
    if name == "signed_in" and g.get("user") is None:
        raise NotSignedIn(_("Sign in first."))
    if name in {"agent", "administrator"} and g.get("viewer") is None:
        raise NotSignedIn(_("Sign in first."))
    if name == "administrator" and not viewer().is_administrator:
        raise NotAllowed(_("Only an administrator may do this."))
    if name in {"signed_in", "agent", "administrator"} and request.method not in {"GET", "HEAD", "OPTIONS"}:
        _refuse_foreign_origin()


def _refuse_foreign_origin() -> None:
    """A form on another site must not act as our user: browsers tell where a request comes from, and cookies are Lax."""
    site = request.headers.get("Sec-Fetch-Site")
    if site in {"same-origin", "none"}:
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin in {request.host_url.rstrip("/"), settings().public_url}:
        return
    raise NotAllowed(_("This request came from another site."))


def _read_session() -> tuple[Viewer | None, User | None]:
    plain = request.cookies.get(COOKIE, "")
    if not plain:
        return None, None
    with across_accounts():
        holder = tokens.bearer(Purpose.SESSION, plain)
        if holder is None:
            return None, None
        places = [place for place in queries.accounts_of(holder.user.id) if place[0].status == AccountStatus.ACTIVE]
        # a session stays in its account: who is removed from it signs in again, lest an open page of it act in another
        if holder.token.account_id is not None:
            places = [place for place in places if place[0].id == holder.token.account_id]
        if not places:
            return None, holder.user
        account, member = places[0]
        holder.token.account_id = account.id
    return Viewer(holder.user, account, member, holder.token.id), holder.user
