"""Who is visiting: the inbox his page names by `website_token`, and the token that names him.

The token is a JWT {source_id, inbox_id, iat, exp}, signed with a key of its own and read with one algorithm alone. It is
handed out before we know anybody: a contact comes to be with the first message, not with the first look.
"""

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import uuid4

import jwt
from flask import g, request
from sqlmodel import Session

from app.accounts.models import Account, AccountStatus
from app.clock import now
from app.config import settings
from app.contacts.models import ContactInbox
from app.contacts.queries import contact_inbox
from app.database import across_accounts, transaction
from app.errors import NotFound, NotSignedIn
from app.i18n import _
from app.inboxes.models import Channel, Inbox
from app.inboxes.queries import by_key
from app.security import hmac_sha256

LIFETIME = timedelta(days=180)
HEADER = "X-Auth-Token"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Website:
    """A website inbox and its account."""

    inbox: Inbox
    account: Account

    def own_account(self) -> AbstractContextManager[Session]:
        """`with website.own_account():` a transaction in the account."""
        return transaction(self.inbox.account_id)


@dataclass(frozen=True)
class Visitor(Website):
    """The holder of a token. `source_id` is how the inbox knows him, once he has written."""

    source_id: str

    def identity(self) -> ContactInbox | None:
        """His place among the contacts; None while he has said nothing. Inside a transaction."""
        return contact_inbox(self.inbox.account_id, self.inbox.id, self.source_id)


def visitor() -> Visitor:
    """Who is asking. NotFound for a token that is missing, forged, too old, or of another inbox."""
    if "visitor" not in g:
        place = website()
        g.visitor = Visitor(place.inbox, place.account, _source(request.headers.get(HEADER, ""), place.inbox))
    return cast(Visitor, g.visitor)


def website(key: str | None = None) -> Website:
    """The inbox whose page it is, or that of `key`. NotFound where there is none, NotSignedIn for a suspended account."""
    key = request.args.get("website_token", "") if key is None else key
    if not _KEY.fullmatch(key):
        raise NotFound(_("There is no such inbox."))
    with across_accounts() as current:
        inbox = by_key(key, Channel.WEBSITE)
        account = current.get(Account, inbox.account_id) if inbox else None
    if inbox is None or account is None:
        raise NotFound(_("There is no such inbox."))
    if account.status != AccountStatus.ACTIVE:
        raise NotSignedIn(_("This account is suspended."))
    return Website(inbox, account)


def new_source() -> str:
    """A name for a visitor that nobody can guess: 122 random bits."""
    return str(uuid4())


def token(inbox: Inbox, source_id: str) -> str:
    """The token of the visitor whom the inbox knows, or will know, as `source_id`."""
    moment = now()
    claims = {"source_id": source_id, "inbox_id": inbox.id, "iat": moment, "exp": moment + LIFETIME}
    return jwt.encode(claims, _signing_key(), algorithm="HS256")


def known_source(plain: str, inbox: Inbox) -> str | None:
    """Whom the token names; None when it is not one of ours for this inbox, or too old."""
    try:
        claims = jwt.decode(plain, _signing_key(), algorithms=["HS256"], options={"require": ["exp", "iat"]})
    except jwt.InvalidTokenError:
        return None
    source_id = claims.get("source_id")
    return source_id if claims.get("inbox_id") == inbox.id and isinstance(source_id, str) else None


def _source(plain: str, inbox: Inbox) -> str:
    source_id = known_source(plain, inbox)
    if source_id is None:
        raise NotFound(_("This visitor is not known."))
    return source_id


def _signing_key() -> str:
    return hmac_sha256(settings().signing_key, "kulpunai.widget")
