"""An account with a long past: a million conversations, few of them open, over thirty inboxes and forty agents."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from app.database import across_accounts, transaction
from app.inboxes.actions import create_inbox, set_members
from app.inboxes.models import Channel
from app.labels.actions import create_label
from app.users.actions import make_team
from app.users.models import Role
from bench.people import Team, cookie_of, person, team
from bench.stage import superuser

CONVERSATIONS = 1_000_000
CONTACTS = 200_000
INBOXES, AGENTS, TEAMS = 30, 40, 5
# Their messages are numbered from here, so that a conversation can name its last one when it is made
BEFORE = 100_000_000
# A large inbox, a middling one and a small one
AGENTS_INBOXES = (0, 9, 25)


@dataclass(frozen=True)
class Crowd:
    """The account: its administrator, and what lets an agent of three inboxes in."""

    team: Team
    agent_id: int
    agent_cookie: str
    team_id: int


@cache
def crowd() -> Crowd:
    """The account, made once in a run: about a minute on two quiet cores."""
    made = team("crowd")
    account_id = made.account_id
    with across_accounts():
        agents = [person(account_id, f"agent-{n}@bench.example", Role.AGENT) for n in range(AGENTS)]
        cookie = cookie_of(agents[0], account_id)
    with transaction(account_id):
        inboxes = [made.inbox] + [
            create_inbox(account_id, Channel.WEBSITE, f"Inbox {n}", by="system", is_captain_on=False)
            for n in range(1, INBOXES)
        ]
        for n, inbox in enumerate(inboxes):
            # everybody answers in some; the first agent in the three of AGENTS_INBOXES
            members = {agent.id for place, agent in enumerate(agents[1:]) if place % 3 == n % 3}
            set_members(inbox, members | ({agents[0].id} if n in AGENTS_INBOXES else set()), by="system")
        teams = [make_team(account_id, f"Team {n}", by="system") for n in range(TEAMS)]
        for title in ("delivery", "refund", "wholesale"):
            create_label(account_id, title, by="system")
    _fill(account_id, [inbox.id for inbox in inboxes], [agent.id for agent in agents], [one.id for one in teams])
    return Crowd(made, agents[0].id, cookie, teams[0].id)


def _fill(account_id: int, inboxes: list[int], agents: list[int], teams: list[int]) -> None:
    values = {
        "account": account_id,
        "inboxes": inboxes,
        "agents": agents,
        "teams": teams,
        "contacts": CONTACTS,
        "conversations": CONVERSATIONS,
        "before": BEFORE,
    }
    with superuser() as connection:
        connection.execute("select setseed(0.5), set_config('maintenance_work_mem', '256MB', false)")
        with _without_indexes(connection):
            for statement in ROWS:
                connection.execute(statement, values)
        for name in TABLES:
            connection.execute(sql.SQL("vacuum analyze {}").format(sql.Identifier(name)))


@contextmanager
def _without_indexes(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Made at the end all at once, indexes take a third of the time; those that are constraints stay."""
    found = connection.execute(PLAIN_INDEXES, [list(TABLES)]).fetchall()
    for name, _definition in found:
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier(name)))
    yield
    for _name, definition in found:
        connection.execute(definition)


TABLES = ("contact", "contact_inbox", "conversation", "message")
PLAIN_INDEXES = """
    select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename = any(%s)
        and indexname not in (select conname from pg_constraint)
"""
# A contact writes again and again, in one inbox; the first inboxes are the largest. Of a million conversations 11,687 are
# open and young, a few thousand wait or sleep, the rest is history of three years.
ROWS: tuple[LiteralString, ...] = (
    """insert into contact (account_id, name, email, last_activity_at)
    select %(account)s, 'Customer ' || n, 'customer' || n || '@mail.example', now() - n * interval '7 minutes'
    from generate_series(1, %(contacts)s) n""",
    """insert into contact_inbox (account_id, contact_id, inbox_id, source_id, pubsub_token)
    select account_id, id, (%(inboxes)s::bigint[])[1 + floor(random() ^ 2 * cardinality(%(inboxes)s::bigint[]))],
        'source-' || id, gen_random_uuid()::text
    from contact where account_id = %(account)s""",
    """create temp table plan as
    select c.*, n, case
            when lot < 0.011687 then 'open' when lot < 0.0147 then 'pending' when lot < 0.0167 then 'snoozed'
            else 'resolved' end as status,
        now() - case when lot < 0.0167 then power(random(), 2) * interval '40 days' else random() * interval '1095 days' end
            as moment,
        random() as chance, random() as other
    from (select n, row_number() over (order by random()) / %(conversations)s::float as lot
          from generate_series(1, %(conversations)s) n) numbers
    join (select row_number() over (order by id) as place, account_id, id, contact_id, inbox_id
          from contact_inbox where account_id = %(account)s) c on place = 1 + n %% %(contacts)s""",
    """insert into conversation (account_id, display_id, inbox_id, contact_id, contact_inbox_id, status, assignee_id,
        team_id, labels, priority, created_at, updated_at, last_activity_at, waiting_since, unread_count, thread_version,
        last_message_id)
    select account_id, number, inbox_id, contact_id, id, status,
        case when chance > case status when 'open' then 0.25 else 0.1 end
            then (%(agents)s::bigint[])[1 + floor(other * cardinality(%(agents)s::bigint[]))] end,
        case when other > 0.5 then (%(teams)s::bigint[])[1 + n %% cardinality(%(teams)s::bigint[])] end,
        case when n %% 5 = 0 then '{delivery}'::text[] when n %% 97 = 0 then '{refund}'
            when n %% 20011 = 0 then '{wholesale}' else '{}' end,
        case when n %% 10 = 0 then 'high' end, moment - interval '1 hour', moment, moment,
        case when status = 'open' and chance < 0.6 then moment end, (status = 'open' and chance < 0.6)::int, 4,
        %(before)s + number
    from (select plan.*, row_number() over (order by moment) as number from plan) ordered""",
    """insert into message (account_id, id, conversation_id, inbox_id, message_type, sender_type, sender_id, content, created_at,
        occurred_at)
    select account_id, last_message_id, id, inbox_id, case when unread_count > 0 then 'incoming' else 'outgoing' end,
        case when unread_count > 0 then 'contact' else 'user' end,
        case when unread_count > 0 then contact_id else coalesce(assignee_id, (%(agents)s::bigint[])[1]) end,
        'Здравствуйте! Подскажите, пожалуйста, когда привезут заказ номер ' || display_id, last_activity_at, last_activity_at
    from conversation where account_id = %(account)s""",
    """insert into counter (account_id, kind, value) values (%(account)s, 'conversation', %(conversations)s)
    on conflict (account_id, kind) do update set value = excluded.value""",
    "select setval(pg_get_serial_sequence('message', 'id'), %(before)s + %(conversations)s + 1)",
    "drop table plan",
)
