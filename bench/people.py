"""Accounts with people, inboxes and conversations, in the quantities a measurement needs."""

from dataclasses import dataclass

from app.accounts.actions import open_account
from app.clock import now
from app.database import across_accounts, session, transaction
from app.inboxes.actions import create_inbox
from app.inboxes.models import Channel, Inbox
from app.security import new_token
from app.users import tokens
from app.users.actions import join
from app.users.models import Purpose, Role, User
from bench.stage import superuser


@dataclass(frozen=True)
class Team:
    """An account, its first administrator with the proofs of who he is, and an API inbox."""

    account_id: int
    user: User
    api_token: str
    cookie: str
    inbox: Inbox


def team(name: str, *, is_captain_on: bool = False) -> Team:
    """A new account with an administrator and an API inbox."""
    with across_accounts():
        account = open_account(name, by="system")
        user = person(account.id, f"{name}@bench.example", Role.ADMINISTRATOR)
        proofs = tokens.api_token(user), cookie_of(user, account.id)
    with transaction(account.id):
        inbox = create_inbox(account.id, Channel.API, "API", by=user.actor, is_captain_on=is_captain_on)
    return Team(account.id, user, *proofs, inbox)


def person(account_id: int, email: str, role: Role) -> User:
    """Somebody new who works in the account; in a transaction across accounts."""
    user = User(
        name=email.partition("@")[0], email=email, pubsub_token=new_token(), confirmed_at=now(), created_at=now()
    )
    session().add(user)
    session().flush()
    join(account_id, user, role, by="system")
    session().flush()
    return user


def cookie_of(user: User, account_id: int) -> str:
    """What his browser shows to be let in; in a transaction across accounts."""
    return tokens.issue(user, Purpose.SESSION, account_id=account_id)


def open_conversations(of: Team, count: int) -> None:
    """So many open conversations in the team's inbox, display_id 1 to `count`, each with a contact of its own."""
    values = {"account": of.account_id, "inbox": of.inbox.id, "count": count}
    with superuser() as connection:
        for statement in CONVERSATIONS:
            connection.execute(statement, values)


CONVERSATIONS = (
    "insert into contact (account_id, name) select %(account)s, 'Customer ' || n from generate_series(1, %(count)s) n",
    """insert into contact_inbox (account_id, contact_id, inbox_id, source_id, pubsub_token)
    select account_id, id, %(inbox)s, 'source-' || row_number() over (order by id), gen_random_uuid()::text
    from contact where account_id = %(account)s""",
    """insert into conversation (account_id, display_id, inbox_id, contact_id, contact_inbox_id)
    select account_id, row_number() over (order by id), inbox_id, contact_id, id
    from contact_inbox where account_id = %(account)s""",
    """insert into counter (account_id, kind, value) values (%(account)s, 'conversation', %(count)s)
    on conflict (account_id, kind) do update set value = excluded.value""",
)
