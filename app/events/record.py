"""The only writer of the log. Imported by `*/actions.py` alone.

`record()` collects; the hook below appends when the transaction commits, as its very last statements: it bumps the
account's counter, which locks that row until the commit, so numbers follow the order of commits (kernel.md, M5).
"""

import json
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import event as listen
from sqlalchemy import text
from sqlalchemy.orm import Session as SQLAlchemySession

from app import queue
from app.clock import now
from app.database import session
from app.events.catalog import CATALOG
from app.events.log import HISTORY


class Subject(Protocol):
    """Anything of an account that can tell what it is at this moment."""

    @property
    def account_id(self) -> int: ...

    def facts(self) -> dict[str, Any]:
        """Its ids and small values now, for the event's data."""


def record(
    name: str,
    subject: Subject,
    /,
    *,
    by: str,
    occurred_at: datetime | None = None,
    **data: Any,
) -> None:
    """Tell the log that `name` happened to `subject`. It stands there once the transaction commits, or never.

    by: who did it, as `user:7`, `contact:12`, `captain`, `automation`, `system`. KeyError for a name not in the catalog.
    """
    entry = CATALOG[name]
    current = session()
    if current.in_nested_transaction():
        raise RuntimeError("record() inside a savepoint would tell of things that may be undone.")
    if subject in current.new:  # its number is in what it tells
        current.flush()
    facts = {**subject.facts(), **data}
    if missing := entry.data - facts.keys():
        raise ValueError(f"{name} must carry {', '.join(sorted(missing))}")
    current.info.setdefault("pending_events", []).append(
        {
            "account_id": subject.account_id,
            "name": name,
            "conversation_id": facts.get("conversation_id"),
            "actor": by,
            "causation_seq": current.info.get("causation_seq"),
            "causation": current.info.get("causation"),
            "occurred_at": (occurred_at or now()).isoformat(),
            "data": facts,
        }
    )


def append_history(account_id: int, facts: list[dict[str, Any]]) -> int:
    """The `seq` of the first of `facts`, which stand in the log now, in their order, as told by an import.

    facts: {"name", "conversation_id", "actor", "occurred_at" in ISO, "data"}. Call it last: it locks the account's counter.
    """
    for fact in facts:
        if not CATALOG[fact["name"]].data <= fact["data"].keys():
            raise ValueError(f"{fact['name']} must carry {', '.join(sorted(CATALOG[fact['name']].data))}")
        fact["causation"] = HISTORY
    current = session()
    current.info.setdefault("wake", set()).add(f"events:{account_id}")
    values = {"account_id": account_id, "n": len(facts), "facts": json.dumps(facts)}
    return int(current.connection().execute(_BUMP_AND_APPEND, values).scalar_one())


@listen.listens_for(SQLAlchemySession, "before_commit")
def _append(current: SQLAlchemySession) -> None:
    pending: list[dict[str, Any]] = current.info.get("pending_events", [])
    # SQLAlchemy fires this for savepoints too
    if not pending or current.in_nested_transaction():
        return
    current.flush()
    current.info["pending_events"] = []
    # in the order of ids, so that two transactions over the same accounts cannot wait for each other
    for account_id in sorted({fact["account_id"] for fact in pending}):
        mine = [fact for fact in pending if fact["account_id"] == account_id]
        values = {"account_id": account_id, "n": len(mine), "facts": json.dumps(mine)}
        current.connection().execute(_BUMP_AND_APPEND, values)
        current.info.setdefault("wake", set()).add(f"events:{account_id}")


@listen.listens_for(SQLAlchemySession, "after_commit")
def _wake(current: SQLAlchemySession) -> None:
    if current.in_nested_transaction():
        return
    for message in current.info.pop("wake", set()):
        queue.wake(message)


@listen.listens_for(SQLAlchemySession, "after_rollback")
def _forget(current: SQLAlchemySession) -> None:
    # undoing a savepoint undoes nothing that was recorded: record() refuses to run inside of one
    if current.in_nested_transaction():
        return
    current.info.pop("pending_events", None)
    current.info.pop("wake", None)


# The counter's row is made with the account's first event; from then on this is one update by primary key. Both in one
# statement: it is part of every change there is, and as two it took a tenth of the time of writing a message.
_BUMP_AND_APPEND = text("""
    with bumped as (
        insert into counter (account_id, kind, value) values (:account_id, 'event', :n)
        on conflict (account_id, kind) do update set value = counter.value + :n returning value - :n as before
    )
    , appended as (
        insert into event (account_id, seq, name, conversation_id, actor, causation_seq, causation, occurred_at, data)
        select :account_id, before + place, name, conversation_id, actor, causation_seq, causation, occurred_at, data
        from bumped, rows from (
            jsonb_to_recordset(cast(:facts as jsonb)) as (
                name text, conversation_id bigint, actor text, causation_seq bigint, causation text,
                occurred_at timestamptz, data jsonb
            )
        ) with ordinality as fact (name, conversation_id, actor, causation_seq, causation, occurred_at, data, place)
    )
    select before + 1 from bumped
""")
