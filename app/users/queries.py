"""Questions about people. Who has left an account works there no longer: only `people` knows him still, if asked to."""

from collections.abc import Collection

from sqlalchemy import func
from sqlmodel import col, select

from app.accounts.models import Account
from app.database import session
from app.errors import NotFound
from app.i18n import _
from app.users.models import AccountUser, Role, Team, TeamMember, User

# A user and his place in the account
Person = tuple[User, AccountUser]

_WORKS = col(AccountUser.left_at).is_(None)


def by_email(email: str) -> User | None:
    """The user of that address, in whatever case it is written."""
    return session().exec(select(User).where(col(User.email) == email.strip().lower())).first()


def membership(account_id: int, user_id: int) -> AccountUser | None:
    """The user's place in the account; None where he has none, or has left it."""
    found = session().get(AccountUser, (account_id, user_id))
    return found if found is not None and found.left_at is None else None


def staying(account_id: int, user_ids: Collection[int]) -> set[int]:
    """Those of them who work in the account, and none of these leaves it before our commit."""
    if not user_ids:
        return set()
    query = select(AccountUser.user_id).where(
        col(AccountUser.account_id) == account_id, col(AccountUser.user_id).in_(user_ids), _WORKS
    )
    return set(session().exec(query.order_by(col(AccountUser.user_id)).with_for_update(read=True)))


def accounts_of(user_id: int) -> list[tuple[Account, AccountUser]]:
    """Every account the user works in, the one he used last first."""
    query = (
        select(Account, AccountUser)
        .join(AccountUser, col(AccountUser.account_id) == col(Account.id))
        .where(col(AccountUser.user_id) == user_id, _WORKS)
        .order_by(col(AccountUser.active_at).desc().nulls_last(), col(Account.id))
    )
    return list(session().exec(query).all())


def agents(account_id: int) -> list[tuple[User, AccountUser]]:
    """Everybody who works in the account, by name."""
    query = (
        select(User, AccountUser)
        .join(AccountUser, col(AccountUser.user_id) == col(User.id))
        .where(col(AccountUser.account_id) == account_id, _WORKS)
        .order_by(func.translate(func.lower(User.name), "ё", "е"), col(User.id))
    )
    return list(session().exec(query).all())


def agent(account_id: int, user_id: int) -> tuple[User, AccountUser]:
    """A person of the account. NotFound for anybody else."""
    query = (
        select(User, AccountUser)
        .join(AccountUser, col(AccountUser.user_id) == col(User.id))
        .where(col(AccountUser.account_id) == account_id, col(User.id) == user_id, _WORKS)
    )
    found = session().exec(query).first()
    if found is None:
        raise NotFound(_("There is no such agent."))
    return found


def users(ids: set[int]) -> dict[int, User]:
    """The users of those ids, in one query."""
    if not ids:
        return {}
    return {user.id: user for user in session().exec(select(User).where(col(User.id).in_(ids)))}


def people(account_id: int, ids: set[int], *, with_former: bool = False) -> dict[int, Person]:
    """Those of the account's agents, with their place in it, in one query; of those who have left it too, if asked."""
    if not ids:
        return {}
    query = (
        select(User, AccountUser)
        .join(AccountUser, col(AccountUser.user_id) == col(User.id))
        .where(col(AccountUser.account_id) == account_id, col(User.id).in_(ids))
    )
    query = query if with_former else query.where(_WORKS)
    return {user.id: (user, member) for user, member in session().exec(query)}


def administrators(account_id: int) -> int:
    """How many there are."""
    query = select(func.count()).select_from(AccountUser)
    return (
        session()
        .exec(
            query.where(col(AccountUser.account_id) == account_id, col(AccountUser.role) == Role.ADMINISTRATOR, _WORKS)
        )
        .one()
    )


def teams(account_id: int) -> list[Team]:
    """All teams, by name."""
    query = select(Team).where(col(Team.account_id) == account_id, col(Team.deleted_at).is_(None))
    return list(session().exec(query.order_by(col(Team.name))))


def team(account_id: int, team_id: int, *, is_kept: bool = False) -> Team:
    """A team of the account. NotFound for any other, and for one that was deleted. `is_kept`: nor is it until the commit."""
    shared = {"read": True} if is_kept else None
    found = session().get(Team, (account_id, team_id), with_for_update=shared, populate_existing=is_kept)
    if found is None or found.deleted_at is not None:
        raise NotFound(_("There is no such team."))
    return found


def team_name(account_id: int, team_id: int | None) -> str:
    """What the team is called, or was when it was deleted; "" for none."""
    found = session().get(Team, (account_id, team_id)) if team_id else None
    return found.name if found else ""


def team_ids(member: AccountUser) -> set[int]:
    """The teams a person is in."""
    mine = (col(TeamMember.account_id) == member.account_id, col(TeamMember.user_id) == member.user_id)
    return set(session().exec(select(TeamMember.team_id).where(*mine)))


def team_members(account_id: int) -> dict[int, set[int]]:
    """Who belongs to each team: {team_id: {user_id, …}}."""
    members: dict[int, set[int]] = {}
    for row in session().exec(select(TeamMember).where(col(TeamMember.account_id) == account_id)):
        members.setdefault(row.team_id, set()).add(row.user_id)
    return members
