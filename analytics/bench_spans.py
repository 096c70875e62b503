# ruff: noqa: S608  the SQL is of our own words and numbers
"""How fast messages become response times in working hours, and whether plain Python says the same of a sample.

A made-up year: ten messages a conversation, with notes, Captain's answers, hand-offs, other teams, resolves and reopenings;
inboxes that work by Berlin, by New York or always.
"""

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from analytics import build, extract
from analytics.lake import AccountLake, account
from analytics.local_time import us

SAMPLE = 3000
MARTS = ("first_responses", "next_responses")
SINCE_US = us(datetime(2025, 1, 1, tzinfo=UTC))
YEAR_US = 365 * 86_400 * 1_000_000
# How many conversations are made up at a time
CHUNK = 100_000

Week = list[list[tuple[str, str]]]
Span = tuple[int, str, int, int, int, int, int | None, int | None]

BERLIN: Week = [[("09:00", "13:00"), ("14:00", "18:00")]] * 5 + [[], []]
NEW_YORK: Week = [[("08:00", "20:00")]] * 6 + [[]]
CALENDARS = {1: ("Europe/Berlin", BERLIN), 2: ("America/New_York", NEW_YORK)}
HOLIDAYS = ("2025-05-01", "2025-12-25")
# Inboxes 1 to 4 work by one of them, 5 always; team 2 by New York wherever it is
OF_INBOX = {1: 1, 2: 2, 3: 1, 4: 2}
OF_TEAM = {2: 2}

_EVENTS = """
    with talks as (
        select id, hash(id) % 100 as dice, {since} + (id * {apart}) + (hash(id + 7) % 1000000)::bigint as born_us
        from (select unnest(range({first}, {last})) as id)
    ),
    steps as (
        select *, hash(id * 100 + step) as luck,
            (step = 1 or (hash(id * 100 + step) % 2 = 0)) and not (step = 2 and dice < 30) as is_theirs,
            case
                when step = 0 then 'conversation.created'
                when step = 2 and dice < 30 then 'message.created'
                when step = 3 then case when dice < 15 then 'conversation.bot_handoff' else 'assignee.changed' end
                when step = 6 and dice % 10 = 1 then 'team.changed'
                when step = 12 then 'conversation.status_changed'
                when step = 13 and dice % 10 = 2 then 'conversation.labels_changed'
                when step = 13 and dice % 10 = 3 then 'conversation.status_changed'
                when step = 13 then null
                else 'message.created'
            end as name
        from talks cross join (select unnest(range(14)) as step)
    ),
    told as (
        select *, name = 'message.created' as is_message,
            case when is_theirs then 'contact' when step = 2 and dice < 30 then 'captain' else 'user' end as sender,
            born_us + step * 3600000000 + (luck % 1800000000)::bigint as occurred_us
        from steps where name is not null
    )
    select {columns} from (
        select
            row_number() over (order by occurred_us, id, step) + {before} as seq, name, id as conversation_id,
            case when name = 'conversation.bot_handoff' then 'captain' when is_message then sender else 'user' end as actor_kind,
            7 + id % 20 as actor_id, 1 as schema_version, occurred_us, occurred_us as recorded_us, id as display_id,
            id % 5 + 1 as inbox_id, id % 9999 as contact_id,
            case when step = 0 and dice < 30 then 'pending' when step < 12 then 'open' end as status,
            case when step = 0 and dice < 30 then 'captain' end as held_by,
            case when name = 'assignee.changed' then 7 + id % 20 end as assignee_id,
            case when name = 'team.changed' then id % 3 + 2 when step = 0 then nullif(id % 3, 0) end as team_id,
            case when name = 'conversation.labels_changed' then ['refund'] else [] end as labels,
            case when name = 'conversation.status_changed' then case step when 12 then 'resolved' else 'open' end end
                as status_after,
            case when is_message then id * 100 + step end as message_id,
            case when is_message then case when is_theirs then 'incoming' else 'outgoing' end end as message_type,
            case when is_message then step <> 2 and luck % 23 = 1 end as is_private,
            case when is_message then sender end as sender_type,
            case when is_message and sender <> 'captain' then 7 + id % 20 end as sender_id,
            '{{}}' as data
        from told
    )
    order by seq
"""


@dataclass(frozen=True)
class Derived:
    """What it took; compared: rows Python tells of the sampled conversations; differences: rows only one of the two tells."""

    messages: int
    seconds: float
    cpu_seconds: float
    peak_mb: int
    sampled: int
    compared: int
    differences: int


def measured(lake: Path, messages: int) -> Derived:
    """Fill an empty lake with so many messages, derive their spans in a process of its own, compare a sample."""
    home = account(lake, 1)
    with home.writing():
        told = fill(home, messages // 10)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(derived, home, told).result()


def fill(home: AccountLake, talks: int) -> int:
    """How many messages so many conversations have; their events are in the lake now."""
    with duckdb.connect(config={"preserve_insertion_order": False}) as memory:
        memory.register("batch", extract.ROW.to_frame())
        kinds = {name: kind for name, kind, *_ in memory.execute(f"describe {extract.STAGING}").fetchall()}
        before, messages = _agree(memory, home, kinds), 0
        for first in range(1, talks + 1, CHUNK):
            values = {"since": SINCE_US, "apart": YEAR_US // talks, "before": before}
            _make(memory, _EVENTS.format(columns="*", first=first, last=min(first + CHUNK, talks + 1), **values), kinds)
            rows, said = memory.execute("select count(*), count(message_id) from made").fetchall()[0]
            extract._copy(memory, "select * from made order by seq", home.part(before + 1, before + rows))
            before, messages = before + rows, messages + said
    return messages


def _agree(memory: duckdb.DuckDBPyConnection, home: AccountLake, kinds: dict[str, str]) -> int:
    """Put calendars, and who works by them, at the beginning of the log; how many events that makes."""
    facts: list[tuple[str, dict[str, Any]]] = [
        ("calendar.versioned", {"calendar_id": number, "since": "2024-01-01T00:00:00+00:00", "timezone": where,
                                "week": week, "holidays": HOLIDAYS})
        for number, (where, week) in CALENDARS.items()
    ]  # fmt: skip
    facts += [("calendar.assigned", {"inbox_id": n, "team_id": None, "calendar_id": c}) for n, c in OF_INBOX.items()]
    facts += [("calendar.assigned", {"inbox_id": None, "team_id": n, "calendar_id": c}) for n, c in OF_TEAM.items()]
    memory.execute("create temp table facts (seq bigint, name varchar, data varchar)")
    rows = [(seq, name, json.dumps(data)) for seq, (name, data) in enumerate(facts, start=1)]
    memory.executemany("insert into facts values (?, ?, ?)", rows)
    _make(memory, f"select *, {SINCE_US - YEAR_US} as occurred_us, 0 as recorded_us from facts", kinds)
    extract._copy(memory, "select * from made order by seq", home.part(1, len(facts)))
    return len(facts)


def _make(memory: duckdb.DuckDBPyConnection, query: str, kinds: dict[str, str]) -> None:
    """Make `made` of the query, in the columns of a part; what it does not tell is null."""
    told = {name for name, *_ in memory.execute(f"describe {query}").fetchall()}
    columns = ", ".join(f"cast({name if name in told else 'null'} as {kind}) as {name}" for name, kind in kinds.items())
    memory.execute(f"create or replace temp table made as select {columns} from ({query})")


def derived(home: AccountLake, messages: int) -> Derived:
    """Derive the spans of what is in this lake, and compare a sample."""
    with build.connect(home) as memory:
        began, busy = time.perf_counter(), time.process_time()
        build.derive(memory, home, MARTS)
        taken = time.perf_counter() - began, time.process_time() - busy
        # not ru_maxrss, which a child inherits from its parent
        peak_kb = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
        told: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in _sample(memory):
            told[row["conversation_id"]].append(row)
        expected = {span for rows in told.values() for span in spans(rows)}
        found = _found(memory)
    peak_mb = int(peak_kb[1]) // 1024 if peak_kb else 0
    return Derived(messages, *taken, peak_mb, len(told), len(expected), len(expected ^ found))


def _sample(memory: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    memory.execute(
        f"""create temp table sampled as select conversation_id from (
                select distinct conversation_id from log where name = 'conversation.created'
            ) order by hash(conversation_id) limit {SAMPLE}"""
    )
    rows: list[dict[str, Any]] = (
        memory.sql("select * from log semi join sampled using (conversation_id) order by occurred_us, seq")
        .pl()
        .to_dicts()
    )
    return rows


def _found(memory: duckdb.DuckDBPyConnection) -> set[Span]:
    columns = "seq, started_us, answered_us, span_us, worked_us, agent_id, team_id"
    rows = memory.execute(
        f"""select conversation_id, kind, {columns} from first_responses semi join sampled using (conversation_id)
            union all
            select conversation_id, 'next', {columns} from next_responses semi join sampled using (conversation_id)"""
    ).fetchall()
    return {
        (talk, kind, seq, since, span, worked, agent, team)
        for talk, kind, seq, since, _, span, worked, agent, team in rows
    }


# -- the same once more, in plain Python


def spans(rows: list[dict[str, Any]]) -> Iterator[Span]:
    """What first and next responses one conversation has: rows in order. Nothing here knows the SQL."""
    teams: list[int | None] = []
    team: int | None = None
    status = holder = None
    since: int | None = None
    handed, asked, is_owed = 0, False, False
    answered: set[str] = set()
    for place, row in enumerate(rows):
        name, kind, before = row["name"], _kind(row), team
        is_handoff = name == "conversation.bot_handoff" and row["actor_kind"] != "user"
        is_resolve = name == "conversation.status_changed" and row["status_after"] == "resolved" != status
        if name == "conversation.created" or name == "team.changed":
            team = row["team_id"]
        if name == "conversation.status_changed":
            is_handoff = row["status_after"] == "open" and holder is not None and row["actor_kind"] == holder
            status, holder = row["status_after"], None
        if name in ("conversation.created", "conversation.bot_handoff"):
            status, holder = row["status"], row["held_by"]
        teams.append(team)
        by = row["sender_id"] if kind == "user" else None
        for which, who, start in (("any", ("user", "captain", "bot"), 0), ("human", ("user",), handed)):
            if kind in who and which not in answered:
                answered.add(which)
                if asked:
                    yield _span(rows, teams, which, start, place, by, before)
        if kind == "user" and since is not None:
            yield _span(rows, teams, "next", since, place, by, before)
        if kind in ("user", "captain", "bot") or is_resolve or is_handoff:
            since = place if is_handoff and is_owed else None
        if is_handoff:
            handed = place
        if kind == "contact":
            since, asked, is_owed = place if since is None else since, True, True
        if kind == "user" or is_resolve:
            is_owed = False


def _kind(row: dict[str, Any]) -> str | None:
    """Who wrote publicly."""
    if row["name"] != "message.created" or row["is_private"]:
        return None
    return "contact" if row["message_type"] == "incoming" else str(row["sender_type"])


def _span(
    rows: list[dict[str, Any]],
    teams: list[int | None],
    kind: str,
    start: int,
    end: int,
    by: int | None,
    team: int | None,
) -> Span:
    first, last = rows[start], rows[end]
    worked = sum(
        worked_us(OF_TEAM.get(held or 0) or OF_INBOX.get(row["inbox_id"]), row["occurred_us"], following["occurred_us"])
        for (row, following), held in zip(pairwise(rows[start : end + 1]), teams[start:end], strict=True)
    )
    length = last["occurred_us"] - first["occurred_us"]
    return last["conversation_id"], kind, last["seq"], first["occurred_us"], length, worked, by, team


def worked_us(calendar_id: int | None, begin: int, end: int) -> int:
    """How much of the time between two instants is working time, day by day."""
    if calendar_id is None:
        return end - begin
    where, week = CALENDARS[calendar_id]
    zone, total = ZoneInfo(where), 0
    day = datetime.fromtimestamp(begin // 1_000_000, zone).date()
    while (midnight := us(datetime.combine(day, datetime.min.time(), zone))) < end:
        for opens, closes in [] if str(day) in HOLIDAYS else week[day.weekday()]:
            start, stop = (_instant(day, clock, zone) for clock in (opens, closes))
            total += max(0, min(stop, end) - max(start, begin))
        day += timedelta(days=1)
    assert midnight >= end
    return total


def _instant(day: date, clock: str, zone: ZoneInfo) -> int:
    return us(datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), zone))
