# ruff: noqa: S608  the SQL is of our own words and numbers
"""Two made-up years of an account, as large as wanted, as the marts our reports are answered from.

A twentieth of it is a log, worked through by the build as any other; the other parts are the same conversations minutes
later, under other numbers. Days have their rhythm; a conversation has 1 to 13 answers, labels, a team, sometimes Captain first.
"""

import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from analytics import extract, rollups
from analytics.build import build, connect
from analytics.checks import MARTS
from analytics.dictionary import COLUMNS, Kind
from analytics.lake import AccountLake, Manifest, account, dumps, manifest, parquet
from analytics.read import current

ACCOUNT = 1
ZONE = "Europe/Moscow"
SINCE = datetime(2024, 1, 1, tzinfo=UTC)
UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
COPIES = 20
APART_US = 423_000_000
INBOXES, AGENTS, TEAMS, LABELS = 10, 20, 5, 20
# In Chatwoot's table: one first response, six other replies, one resolve, and a hand-off in one of twenty
REPORTING_EVENTS_A_TALK = 8.05

TALKS = """
    select
        talk,
        {since} + talk * {days} // {talks} * 86400000000
            + (21600 + dice(talk, 1, 28800) + dice(talk, 2, 28800)) * 1000000 + dice(talk, 3, 1000000) as began_us,
        1 + dice(talk, 4, 13) as turns,
        dice(talk, 5, 20) = 0 as is_held,
        talk % {inboxes} + 1 as inbox,
        dice(talk, 6, {agents}) + 1 as agent,
        dice(talk, 7, {teams}) + 1 as team,
        case dice(talk, 8, 3)
            when 0 then []::varchar[]
            when 1 then ['label ' || dice(talk, 9, {labels})]
            else ['label ' || dice(talk, 9, {labels}), 'label ' || (dice(talk, 9, {labels}) + 7) % {labels}]
        end as labels
    from range(1, {talks} + 1) as talks(talk)
"""
# (asked, answered) of every turn
TURNS = """
    select
        *,
        began_us + coalesce(
            sum(wait_us + rest_us) over (partition by talk order by turn rows between unbounded preceding and 1 preceding), 0
        )::bigint as asked_us
    from (
        select
            talks.*, turn,
            (20 + dice(talk * 16 + turn, 10, 60) * dice(talk * 16 + turn, 11, 60)) * 1000000
            + dice(talk * 16 + turn, 12, 1000000) as wait_us,
            (30 + dice(talk * 16 + turn, 13, 3600)) * 1000000 as rest_us
        from (select *, unnest(range(turns)) as turn from talks) as talks
    )
"""
LOG = """
    with steps as (
        select talk, 0 as step, began_us as occurred_us, 'conversation.created' as name, 'contact' as who, '{}' as more from talks
        union all
        select talk, turn * 2 + 10, asked_us, 'message.created', 'contact',
            '{"message_type": "incoming", "sender_type": "contact", "is_private": false}' from turns
        union all
        select talk, 11, began_us + 5000000, 'conversation.bot_handoff', 'captain', '{"reason": "asked"}' from talks where is_held
        union all
        select talk, 12, began_us + 6000000, 'assignee.changed', 'automation', '{"assignee_change": [null, 1]}' from talks
        union all
        select talk, 13, began_us + 7000000, 'conversation.labels_changed', 'automation', '{}' from talks
        union all
        select talk, 14, began_us + 8000000, 'sla.applied', 'automation', '{"sla_policy_id": 1}' from talks
        where dice(talk, 16, 3) = 0
        union all
        select talk, turn * 2 + 15, asked_us + wait_us, 'message.created', 'user',
            '{"message_type": "outgoing", "sender_type": "user", "is_private": false}' from turns
        union all
        select talk, 90, max(asked_us + wait_us) + 60000000, 'conversation.status_changed', 'user',
            '{"status_change": ["open", "resolved"]}' from turns group by talk
        union all
        select talk, 91, max(asked_us + wait_us) + 61000000, 'csat.sent', 'system', '{}' from turns group by talk
        union all
        select talk, 92, max(asked_us + wait_us) + 661000000, 'csat.answered', 'contact', '{}' from turns
        where dice(talk, 14, 3) = 0 group by talk
        union all
        select null, 0, {since}, name, 'automation', more from agreed
    )
    select
        row_number() over (order by occurred_us, talk, step) as seq,
        name,
        talk as conversation_id,
        case who when 'user' then 'user:' || agent when 'contact' then 'contact:' || talk else who end as actor,
        null::bigint as causation_seq, null::varchar as causation, 1::integer as schema_version,
        occurred_us, occurred_us as recorded_us,
        json_merge_patch(json_object(
            'conversation_id', talk, 'display_id', talk, 'contact_id', talk, 'inbox_id', inbox, 'team_id', team,
            'status', case when step >= 90 then 'resolved' when is_held and step < 11 then 'pending' else 'open' end,
            'held_by', case when is_held and step < 11 then 'captain' end,
            'assignee_id', case when step >= 12 then agent end,
            'labels', case when step >= 13 then labels else []::varchar[] end,
            'priority', null, 'message_id', talk * 100 + step, 'sender_id', case who when 'user' then agent else talk end,
            'survey_id', talk, 'resolver_id', agent, 'rating', 1 + dice(talk, 15, 5)
        ), more)::varchar as data
    from steps left join talks using (talk)
    order by seq
"""


WEEK = [[["09:00", "18:00"]]] * 5 + [[], []]
AGREED = [
    (
        "calendar.versioned",
        {"calendar_id": 1, "since": SINCE.isoformat(), "timezone": "Europe/Moscow", "week": WEEK, "holidays": []},
    ),
    *(("calendar.assigned", {"calendar_id": 1, "inbox_id": inbox, "team_id": None}) for inbox in range(1, INBOXES + 1)),
    (
        "sla_policy.versioned",
        {
            "sla_policy_id": 1,
            "version": 1,
            "targets": {"first_response_seconds": 1800, "next_response_seconds": 1800, "resolution_seconds": 86_400},
        },
    ),
]


def lay_out(lake: Path, reporting_events: int) -> Path:
    """The marts of so many reporting events, as Chatwoot would count them."""
    talks = max(1, round(reporting_events / REPORTING_EVENTS_A_TALK / COPIES))
    home = account(lake, ACCOUNT)
    with home.writing():
        _tell(home, talks)
        _name(home)
    if not build(lake, ACCOUNT):
        raise RuntimeError(f"the build was refused: {home.problems()}")
    return _multiplied(home, talks)


def _tell(home: AccountLake, talks: int) -> None:
    facts = {"since": int(SINCE.timestamp()) * 1_000_000, "days": (UNTIL - SINCE).days - 2, "talks": talks}
    facts |= {"inboxes": INBOXES, "agents": AGENTS, "teams": TEAMS, "labels": LABELS}
    with duckdb.connect(config={"threads": 2}) as memory:
        memory.execute("set enable_progress_bar = false")
        memory.execute("create macro dice(about, throw, sides) as cast(hash(about, throw) % sides as bigint)")
        memory.execute(f"create table talks as {TALKS.format(**facts)}")
        memory.execute(f"create table turns as {TURNS}")
        agreed = [(name, json.dumps(told)) for name, told in AGREED]
        memory.register("agreed", pl.DataFrame(agreed, schema=["name", "more"], orient="row"))
        memory.execute(f"create temp view batch as {LOG.replace('{since}', str(facts['since']))}")
        draft = home.part(0, 0)
        memory.execute(f"copy ({extract.STAGING}) to '{draft}' (format parquet, compression zstd)")
        last = memory.execute(f"select max(seq) from ({parquet(draft)})").fetchall()[0][0]
    draft.rename(home.part(1, last))


def _name(home: AccountLake) -> None:
    """Small tables, so that rows by inbox, agent and team say a name, and days are those of a zone."""
    accounts = {"account_id": [ACCOUNT], "timezone": [ZONE]}
    pl.DataFrame(accounts).write_parquet(home.tables / "accounts.parquet")
    for table, key, count in (
        ("inboxes", "inbox_id", INBOXES),
        ("agents", "agent_id", AGENTS),
        ("teams", "team_id", TEAMS),
    ):
        rows = [{key: number, "name": f"{table} {number}", "channel": "website"} for number in range(1, count + 1)]
        pl.DataFrame(rows).write_parquet(home.tables / f"{table}.parquet")


def _multiplied(home: AccountLake, talks: int) -> Path:
    """A build of all copies, shown from now on."""
    made = current(home.path.parent, ACCOUNT)
    known = manifest(made)
    folder = home.marts / "copies"
    folder.mkdir()
    for table in home.tables.glob("*.parquet"):
        shutil.copyfile(table, folder / table.name)
    with connect(home) as memory:
        memory.execute("set enable_progress_bar = false")
        for name in MARTS:
            columns = [row[0] for row in memory.execute(f"describe {parquet(made / f'{name}.parquet')}").fetchall()]
            shifted = ", ".join(
                f"cast({column} + copy * {by} as bigint) as {column}"
                for column in columns
                if (by := _apart(column, talks, known.seq))
            )
            dated = next((column for column in columns if _is_instant(column)), columns[0])
            target = folder / f"{name}.parquet"
            memory.execute(
                f"""copy (
                    select * exclude (copy) {f"replace ({shifted})" if shifted else ""}
                    from ({parquet(made / f"{name}.parquet")}) cross join range({COPIES}) as copies(copy)
                    order by {dated}
                ) to '{target}' (format parquet, compression zstd)"""
            )
        rows = {name: rows * COPIES for name, rows in known.rows.items()}
        rollups.write(memory, folder, sum(rows.values()))
    copies = Manifest("copies", known.seq, known.recorded_us, time.time_ns() // 1000, known.version, rows)
    (folder / "manifest.json").write_bytes(dumps(copies))
    home.publish(copies)
    return folder


def _is_instant(column: str) -> bool:
    return column in COLUMNS and COLUMNS[column].kind == Kind.INSTANT


def _apart(column: str, talks: int, seq: int) -> int:
    """How far a value of this column is from the same one in the next copy."""
    if _is_instant(column):
        return APART_US
    if column in {"conversation_id", "display_id", "contact_id"}:
        return talks
    return seq * 100 if column.endswith("seq") or column in {"message_id", "survey_id"} else 0
