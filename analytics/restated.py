# ruff: noqa: S608  the SQL is of our own words and numbers
"""Why a number is another than it was: the conversations that changed it, and what the log heard of them since."""

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from analytics.build import GENERAL, as_known
from analytics.lake import account
from analytics.local_time import us
from analytics.read import Query, behind, current

ROWS = 1_000_000


def restated(lake: Path, account_id: int, query: Query, moment: datetime, limit: int = 100) -> dict[str, Any]:
    """What `query` says otherwise today than it did at `moment` (aware), and why.

    {"conversations": [{"display_id", "conversation_id", "before", "after", "events"}], "general": events}: before and after
    are the values of the conversation's rows; events, {"seq", "name", "occurred", "recorded"}, those the log has heard since:
    of the conversation, and in general those that concern all (calendars, policies). `limit` conversations at most.
    """
    then = _values(behind(as_known(lake, account_id, moment), query, limit=ROWS))
    now = _values(behind(current(lake, account_id), query, limit=ROWS))
    changed = sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))[:limit]
    heard = _heard(lake, account_id, moment, [conversation_id for conversation_id, _ in changed])
    return {
        "conversations": [
            {
                "display_id": display_id,
                "conversation_id": conversation_id,
                "before": then.get((conversation_id, display_id), []),
                "after": now.get((conversation_id, display_id), []),
                "events": heard[conversation_id],
            }
            for conversation_id, display_id in changed
        ],
        "general": heard[None],
    }


def _values(rows: list[dict[str, Any]]) -> dict[tuple[int, int], list[Any]]:
    found: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for row in reversed(rows):
        found[row["conversation_id"], row["display_id"]].append(row["value"])
    return found


def _heard(lake: Path, account_id: int, moment: datetime, conversation_ids: list[int]) -> dict[int | None, list[Any]]:
    parts = [str(part.path) for part in account(lake, account_id).parts()]
    found: dict[int | None, list[Any]] = defaultdict(list)
    with duckdb.connect() as memory:
        memory.read_parquet(parts).create_view("log")
        rows = memory.execute(
            f"""select conversation_id, seq, name, make_timestamp(occurred_us), make_timestamp(recorded_us) from log
                where recorded_us > ? and (list_contains(?, conversation_id) or name in {GENERAL}) order by seq""",
            [us(moment), conversation_ids],
        ).fetchall()
    for conversation_id, seq, name, occurred, recorded in rows:
        told = {
            "seq": seq,
            "name": name,
            "occurred": f"{occurred.isoformat()}Z",
            "recorded": f"{recorded.isoformat()}Z",
        }
        found[conversation_id].append(told)
    return found
