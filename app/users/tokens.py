"""Proofs of who somebody is: sessions, devices, API tokens, links in mails. One table, one way to make and check them."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, update
from sqlmodel import col, select

from app import security
from app.clock import now
from app.database import session
from app.users.models import Purpose, Token, User
from app.users.queries import membership

LIFETIMES = {
    Purpose.SESSION: timedelta(days=30),
    Purpose.DEVICE: timedelta(days=60),
    Purpose.CONFIRM_EMAIL: timedelta(days=3),
    Purpose.RESET_PASSWORD: timedelta(minutes=20),
    Purpose.INVITATION: timedelta(days=7),
}
IDLE = {Purpose.SESSION: timedelta(hours=12)}
DEVICES = 25


@dataclass(frozen=True)
class Bearer:
    """Who holds a token."""

    user: User
    token: Token


def issue(
    user: User, purpose: Purpose, *, client: str | None = None, user_agent: str = "", account_id: int | None = None
) -> str:
    """A new token for the user, in clear: the only time it is seen, but for API tokens, which are shown in the profile."""
    plain = security.new_token()
    lifetime = LIFETIMES.get(purpose)
    session().add(
        Token(
            user_id=user.id,
            account_id=account_id,
            purpose=purpose,
            digest=security.digest(plain),
            sealed=security.seal(plain) if purpose == Purpose.API else None,
            client=client,
            user_agent=user_agent[:255],
            created_at=now(),
            last_used_at=now(),
            expires_at=now() + lifetime if lifetime else None,
        )
    )
    session().flush()
    return plain


def bearer(purpose: Purpose, plain: str) -> Bearer | None:
    """Who holds `plain`; None when it is unknown, ended, too old, or for something else."""
    if not plain or len(plain) > 200:
        return None
    query = (
        select(Token, User)
        .join(User, col(User.id) == col(Token.user_id))
        .where(
            col(Token.digest) == security.digest(plain), col(Token.purpose) == purpose, col(Token.ended_at).is_(None)
        )
    )
    found = session().exec(query).first()
    if found is None:
        return None
    token, user = found
    idle = IDLE.get(purpose)
    if token.expires_at and token.expires_at < now():
        return None
    if idle and token.last_used_at and token.last_used_at + idle < now():
        return None
    # who was removed before he came is not invited any more
    invited_to = token.account_id if purpose == Purpose.INVITATION else None
    if invited_to is not None and membership(invited_to, user.id) is None:
        return None
    # once a minute is enough to know that it is in use
    if token.last_used_at is None or token.last_used_at + timedelta(minutes=1) < now():
        token.last_used_at = now()
    return Bearer(user, token)


def spend(purpose: Purpose, plain: str) -> User | None:
    """Whose single-use token this is; it is worth nothing afterwards. Two at once: one wins."""
    holder = bearer(purpose, plain)
    if holder is None:
        return None
    mine = (
        session()
        .connection()
        .execute(
            update(Token).where(col(Token.id) == holder.token.id, col(Token.ended_at).is_(None)).values(ended_at=now())
        )
    )
    return holder.user if mine.rowcount else None


def end(token: Token) -> None:
    """Worth nothing from now on."""
    token.ended_at = now()


def end_all(user_id: int, *purposes: Purpose) -> None:
    """End all of the user's tokens of those purposes."""
    session().connection().execute(
        update(Token)
        .where(col(Token.user_id) == user_id, col(Token.purpose).in_(purposes), col(Token.ended_at).is_(None))
        .values(ended_at=now())
    )


def api_token(user: User) -> str:
    """The user's API token in clear, as the profile shows it; made when there is none."""
    query = select(Token).where(
        col(Token.user_id) == user.id, col(Token.purpose) == Purpose.API, col(Token.ended_at).is_(None)
    )
    token = session().exec(query).first()
    return str(security.unseal(token.sealed)) if token else issue(user, Purpose.API)


def forget_oldest_devices(user: User) -> None:
    """Keep the newest 25 devices."""
    query = (
        select(Token)
        .where(col(Token.user_id) == user.id, col(Token.purpose) == Purpose.DEVICE, col(Token.ended_at).is_(None))
        .order_by(func.coalesce(Token.last_used_at, Token.created_at).desc())
        .offset(DEVICES)
    )
    for token in session().exec(query):
        end(token)
