"""Where Captain answered customers, and since when: told by the versions of his assistants."""

import duckdb
import polars as pl

_TOLD = """
    select occurred_us, name, cast(data ->> '$.assistant_id' as bigint), data ->> '$.mode',
        cast(data -> '$.inbox_ids' as bigint[])
    from log where name in ('assistant.versioned', 'assistant.deleted') order by occurred_us, seq
"""
_IMPORTED = """
    create or replace temp table captains_imports as
        select distinct inbox_id from log
        where name = 'message.created' and message_type = 'outgoing' and is_private is not true and sender_type = 'captain'
            and conversation_id in (
                select conversation_id from log where name = 'conversation.created' and causation = 'history'
            )
"""


def lay_out(memory: duckdb.DuckDBPyConnection) -> None:
    """Make `captain_inboxes` (inbox_id, since_us, is_on; a row per change) in `memory`, of the `log` there, and
    `captains_imports` (inbox_id): where he ever answered, in what an import told."""
    serves: dict[int, frozenset[int]] = {}
    changes: dict[tuple[int, int], bool] = {}
    for moment, name, assistant_id, mode, inbox_ids in memory.execute(_TOLD).fetchall():
        before = frozenset().union(*serves.values())
        answers = name == "assistant.versioned" and mode == "answers"
        serves[assistant_id] = frozenset(inbox_ids or []) if answers else frozenset()
        after = frozenset().union(*serves.values())
        changes |= {(inbox_id, moment): inbox_id in after for inbox_id in before ^ after}
    rows = [(inbox_id, since, is_on) for (inbox_id, since), is_on in changes.items()]
    table = pl.DataFrame(rows, schema={"inbox_id": pl.Int64, "since_us": pl.Int64, "is_on": pl.Boolean}, orient="row")
    memory.register("_captain_inboxes", table)
    memory.execute("create or replace temp table captain_inboxes as from _captain_inboxes")
    memory.unregister("_captain_inboxes")
    memory.execute(_IMPORTED)
