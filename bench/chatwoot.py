# ruff: noqa: S608  the SQL is of our own words
"""Chatwoot's report on PostgreSQL: its tables with their indexes, filled from our marts, and what its builders ask of them.

Written from the description of the tables and of the reports; what the builders do in Ruby with the rows is not counted.
https://github.com/chatwoot/chatwoot (app/builders/v2)
"""

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from analytics.lake import mart

# Its accounts know a zone by name only in series; the summaries know none
DAY = "date_trunc('day', created_at at time zone 'UTC' at time zone 'Europe/Moscow')::date"
HOUR = "date_trunc('hour', created_at at time zone 'UTC' at time zone 'Europe/Moscow')"
MONTH = "to_char(created_at at time zone 'UTC' at time zone 'Europe/Moscow', 'YYYY-MM')"
WITHIN = "account_id = 1 and created_at between %(since)s and %(until)s"

TABLES = """
    create table reporting_events (
        id bigint generated always as identity, name varchar, value double precision, account_id integer, inbox_id integer,
        user_id integer, conversation_id integer, created_at timestamp, updated_at timestamp,
        value_in_business_hours double precision, event_start_time timestamp, event_end_time timestamp
    );
    create table conversations (
        id integer, account_id integer, inbox_id integer, status integer, assignee_id bigint, team_id bigint,
        contact_id bigint, display_id integer, created_at timestamp
    );
    create table messages (
        id bigint generated always as identity, account_id integer, inbox_id integer, conversation_id integer,
        message_type integer, content_type integer, created_at timestamp
    );
    create table csat_survey_responses (
        id bigint generated always as identity, account_id bigint, conversation_id bigint, rating integer,
        assigned_agent_id bigint, created_at timestamp
    );
    create table tags (id integer, name varchar);
    create table taggings (
        id bigint generated always as identity, tag_id integer, taggable_type varchar, taggable_id integer, context varchar
    )
"""
INDEXES = """
    alter table reporting_events add primary key (id);
    create index on reporting_events (account_id);
    create index on reporting_events (created_at);
    create index on reporting_events (conversation_id);
    create index on reporting_events (inbox_id);
    create index on reporting_events (name);
    create index on reporting_events (user_id);
    create index on reporting_events (account_id, name, created_at);
    create index on reporting_events (account_id, name, inbox_id, created_at);
    alter table conversations add primary key (id);
    create index on conversations (account_id);
    create index on conversations (account_id, inbox_id, status, assignee_id);
    create index on conversations (inbox_id);
    create index on conversations (team_id);
    create index on conversations (assignee_id, account_id);
    alter table messages add primary key (id);
    create index on messages (account_id, created_at, message_type);
    create index on messages (account_id, content_type, created_at);
    create index on messages (conversation_id);
    create index on messages (created_at);
    alter table csat_survey_responses add primary key (id);
    create index on csat_survey_responses (account_id);
    create index on csat_survey_responses (conversation_id);
    alter table tags add primary key (id);
    alter table taggings add primary key (id);
    create index on taggings (tag_id, taggable_id, taggable_type, context);
    create index on taggings (taggable_id, taggable_type, context);
    create index on taggings (taggable_id)
"""
# Its first replies are no replies: they are told apart by their event
EVENTS = """
    select name, value_us / 1e6, 1, inbox_id, agent_id, conversation_id, make_timestamp(ended_us), make_timestamp(ended_us),
        worked_us / 1e6, make_timestamp(started_us), make_timestamp(ended_us)
    from (
        select 'first_response' as name, span_us as value_us, worked_us, inbox_id, agent_id, conversation_id, started_us,
            answered_us as ended_us
        from first_responses where kind = 'human'
        union all
        select 'reply_time', span_us, worked_us, inbox_id, agent_id, conversation_id, started_us, answered_us
        from next_responses where seq not in (select seq from first_responses where kind = 'human')
        union all
        select 'conversation_resolved', life_us, life_worked_us, inbox_id, agent_id, conversation_id, created_us, resolved_us
        from resolutions
        union all
        select 'conversation_bot_handoff', 0, 0, inbox_id, agent_id, conversation_id, happened_us, happened_us
        from captain_work where what = 'handed_off'
    )
    order by ended_us
"""
FILLED = {
    "reporting_events (name, value, account_id, inbox_id, user_id, conversation_id, created_at, updated_at,"
    " value_in_business_hours, event_start_time, event_end_time)": EVENTS,
    "conversations": """select conversation_id, 1, inbox_id, case status when 'open' then 0 else 1 end, known.agent_id,
            known.team_id, contact_id, display_id, make_timestamp(created_us)
        from conversations join conversations_now as known using (conversation_id) order by created_us""",
    "messages (account_id, inbox_id, conversation_id, message_type, content_type, created_at)": """
        select 1, inbox_id, conversation_id, case direction when 'incoming' then 0 else 1 end, 0, make_timestamp(sent_us)
        from messages
        union all
        select 1, inbox_id, conversation_id, 3, 9, make_timestamp(sent_us) from surveys""",
    "csat_survey_responses (account_id, conversation_id, rating, assigned_agent_id, created_at)": """
        select 1, conversation_id, rating, agent_id, make_timestamp(answered_us) from csat_answers order by answered_us""",
    "tags": """select row_number() over (order by name), name from (
        select distinct unnest(labels) as name from conversations_now)""",
    "taggings (tag_id, taggable_type, taggable_id, context)": """
        select dense_rank() over (order by label), 'Conversation', conversation_id, 'labels'
        from (select conversation_id, unnest(labels) as label from conversations_now)""",
}


def fill(connection: psycopg.Connection[Any], marts: Path) -> int:
    """How many reporting events there are, once the tables stand in the schema `chatwoot`, which the connection looks into."""
    connection.execute("drop schema if exists chatwoot cascade")
    connection.execute("create schema chatwoot")
    connection.execute("set search_path = chatwoot, public")
    connection.execute(TABLES)
    with (
        duckdb.connect(config={"threads": 2}) as memory,
        tempfile.TemporaryDirectory() as folder,
    ):
        memory.execute("set enable_progress_bar = false")
        names = ("conversations", "conversations_now", "messages", "first_responses", "next_responses", "resolutions")
        for name in (*names, "csat_answers", "surveys", "captain_work"):
            memory.execute(f"create view {name} as {mart(marts, name)}")
        for table, query in FILLED.items():
            file = Path(folder) / "rows.csv"
            memory.execute(f"copy ({query}) to '{file}' (format csv, header false)")
            with connection.cursor().copy(f"copy {table} from stdin (format csv)") as copy, open(file, "rb") as rows:
                while part := rows.read(1 << 20):
                    copy.write(part)
    for statement in INDEXES.split(";"):
        connection.execute(statement)
    connection.execute("vacuum analyze")
    # what a machine of that size would be given
    connection.execute("set work_mem = '64MB'")
    return int(connection.execute("select count(*) from reporting_events").fetchall()[0][0])


# -- what its builders ask


def averaged(name: str, value: str = "value", more: str = "", by: str = DAY) -> tuple[str, ...]:
    """A series of means, and of the counts beside them."""
    return tuple(
        f"select {by}, {what} from reporting_events where {WITHIN} and name = '{name}' {more} group by 1"
        for what in (f"avg({value})", "count(*)")
    )


def counted(name: str, what: str = "count(*)") -> tuple[str, ...]:
    """A series of counts."""
    return (f"select {DAY}, {what} from reporting_events where {WITHIN} and name = '{name}' group by 1",)


def grouped(conversations: str, events: str, source: str = "reporting_events") -> tuple[str, ...]:
    """A table by agent, inbox or team: its conversations; its resolves, their mean, of first responses, of replies."""
    within = WITHIN.replace("account_id", "reporting_events.account_id").replace(
        "created_at", "reporting_events.created_at"
    )
    means = ", ".join(
        f"avg(case when name = '{name}' then value end)"
        for name in ("conversation_resolved", "first_response", "reply_time")
    )
    return (
        f"select {conversations}, count(*) from conversations where {WITHIN} group by 1",
        f"""select {events}, count(case when name = 'conversation_resolved' then 1 end), {means}
            from {source} where {within} group by 1""",
    )


_OF_LABELS = """
    join taggings on taggings.taggable_id = conversations.id join tags on taggings.tag_id = tags.id
    where taggings.taggable_type = 'Conversation' and taggings.context = 'labels' and conversations.account_id = 1"""
_JOINED = "reporting_events join conversations on reporting_events.conversation_id = conversations.id"
BY_TEAM = grouped("team_id", "conversations.team_id", _JOINED)
BY_LABEL = (
    f"""select tags.name, count(*) from conversations {_OF_LABELS}
        and conversations.created_at between %(since)s and %(until)s group by 1""",
    f"""select tags.name, count(*) from {_JOINED} {_OF_LABELS} and reporting_events.name = 'conversation_resolved'
        and reporting_events.created_at between %(since)s and %(until)s group by 1""",
    *(
        f"""select tags.name, avg(value) from {_JOINED} {_OF_LABELS} and reporting_events.name = '{name}'
            and conversations.created_at between %(since)s and %(until)s group by 1"""
        for name in ("conversation_resolved", "first_response", "reply_time")
    ),
)
SUMMARY = (
    f"select count(*) from conversations where {WITHIN}",
    f"select count(*) from messages where {WITHIN} and message_type = 0",
    f"select count(*) from messages where {WITHIN} and message_type = 1",
    f"select avg(value) from reporting_events where {WITHIN} and name = 'first_response'",
    f"select avg(value) from reporting_events where {WITHIN} and name = 'conversation_resolved'",
    f"select count(*) from reporting_events where {WITHIN} and name = 'conversation_resolved'",
    f"select avg(value) from reporting_events where {WITHIN} and name = 'reply_time'",
)
HEAT = (f"select {HOUR}, count(*) from conversations where {WITHIN} group by 1",)
CSAT = (
    f"select count(*) from csat_survey_responses where {WITHIN}",
    f"select rating, count(*) from csat_survey_responses where {WITHIN} group by 1",
    f"select count(*) from messages where {WITHIN} and content_type = 9",
)
TEAM = "and conversation_id in (select id from conversations where account_id = 1 and team_id = 1)"
