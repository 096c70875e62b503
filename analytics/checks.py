# ruff: noqa: S608  the SQL is of our own words alone
"""What must hold of every build before anybody sees it. Each check is a query for what breaks it."""

from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class Mart:
    """What a mart promises. `per_event`: of its rows `counted`, it has one for each event of the log where this holds."""

    key: str
    per_event: str = ""
    spans: tuple[str, ...] = ()
    counted: str = "true"
    of_conversations: bool = True


# In this order they are made: a mart may read those before it.
MARTS: dict[str, Mart] = {
    "conversations": Mart("conversation_id", "name = 'conversation.created'"),
    "conversations_now": Mart("conversation_id"),
    "messages": Mart(
        "seq",
        "name = 'message.created' and message_type in ('incoming', 'outgoing', 'template') and is_private is not true",
    ),
    "first_responses": Mart("conversation_id, kind", spans=("span_us", "worked_us", "span_us - worked_us")),
    "next_responses": Mart("seq", spans=("span_us", "worked_us", "span_us - worked_us")),
    "resolutions": Mart(
        "seq",
        spans=(
            "life_us",
            "life_us - life_worked_us",
            "episode_us",
            "episode_us - episode_worked_us",
            "episode_worked_us",
            "requester_wait_us",
            "requester_wait_worked_us",
            "agent_wait_us",
            "agent_wait_worked_us",
            "life_us - requester_wait_us - agent_wait_us",
            "reopened_us - resolved_us",
        ),
    ),
    "sla_targets": Mart("conversation_id, target, seq, applied_seq", spans=("outcome_us - started_us",)),
    "csat_answers": Mart("seq", "name = 'csat.answered' and rating is not null"),
    "surveys": Mart("seq", "name = 'csat.sent'", counted="not is_imported"),
    "backlog_changes": Mart("seq, delta"),
    "captain_turns": Mart("seq"),
    "captain_work": Mart("seq", "name = 'captain.drafted'", counted="what = 'draft'"),
    "waiting_now": Mart("conversation_id"),
    "focus": Mart("seq", spans=("span_us", "worked_us")),
    "presence": Mart("seq", spans=("ended_us - began_us",), of_conversations=False),
    "help_center": Mart("seq", of_conversations=False),
}


def failures(memory: duckdb.DuckDBPyConnection, last_seq: int, after: int = 0) -> list[str]:
    """What is wrong with the build in `memory`, in sentences; empty when nothing is.

    memory: has all events as `whole_log`, those it was made of as `log`, and each mart under its name. last_seq: the newest
    event there should be. after: up to which event they were checked before.
    """
    found = [*_log(memory, after, last_seq)]
    for name, mart in MARTS.items():
        found += [*_keys(memory, name, mart), *_counts(memory, name, mart), *_spans(memory, name, mart)]
        found += _orphans(memory, name) if mart.of_conversations else []
    return found + _sums(memory)


def _log(memory: duckdb.DuckDBPyConnection, after: int, last_seq: int) -> list[str]:
    rows, distinct, first, last = memory.execute(
        f"""select count(*), count(distinct seq), coalesce(min(seq), {after + 1}), coalesce(max(seq), {after})
            from whole_log where seq > {after}"""
    ).fetchall()[0]
    if (rows, distinct, first, last) == (last_seq - after, last_seq - after, after + 1, last_seq):
        return []
    held = f"holds {rows} ({distinct} different), {first} to {last}"
    return [f"the log should hold events {after + 1} to {last_seq}, but {held}"]


def _keys(memory: duckdb.DuckDBPyConnection, name: str, mart: Mart) -> list[str]:
    twice = _count(memory, f"select {mart.key} from {name} group by {mart.key} having count(*) > 1")
    return [f"{name}: {twice} keys ({mart.key}) stand more than once"] if twice else []


def _counts(memory: duckdb.DuckDBPyConnection, name: str, mart: Mart) -> list[str]:
    if not mart.per_event:
        return []
    told = _count(memory, f"select seq from log where conversation_id is not null and {mart.per_event}")
    rows = _count(memory, f"select 1 from {name} where {mart.counted}")
    return [] if rows == told else [f"{name}: {rows} rows, but the log tells of {told}"]


def _spans(memory: duckdb.DuckDBPyConnection, name: str, mart: Mart) -> list[str]:
    found = []
    for span in mart.spans:
        if negative := _count(memory, f"select 1 from {name} where {span} < 0"):
            found.append(f"{name}: {span} is negative in {negative} rows")
    return found


def _orphans(memory: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    orphans = _count(memory, f"select 1 from {name} anti join conversations using (conversation_id)")
    return [f"{name}: {orphans} rows belong to no conversation"] if orphans else []


def _sums(memory: duckdb.DuckDBPyConnection) -> list[str]:
    """The backlog by its changes is the backlog by each conversation's last status."""
    by_changes = memory.execute("select coalesce(sum(delta), 0) from backlog_changes").fetchall()[0][0]
    by_status = _count(
        memory,
        "select 1 from conversations_now where status <> 'resolved'",
    )
    return (
        [] if by_changes == by_status else [f"backlog_changes: adds up to {by_changes}, but {by_status} are unresolved"]
    )


def _count(memory: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(memory.execute(f"select count(*) from ({query})").fetchall()[0][0])
