"""GET /health: whether we serve, and how far behind anybody is."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import VERSION, queue
from app.consumers import READERS
from app.database import across_accounts
from app.events.cursors import lagging
from app.policies import policy
from app.workspace.blueprint import bp


@bp.get("/health")
@policy("public")
def health() -> ResponseReturnValue:
    """200 while we can serve; Valkey may be away, since the sweep does its work. Numbers, and no names."""
    report: dict[str, Any] = {"version": VERSION, "valkey": "ok" if queue.is_awake() else "away"}
    try:
        with across_accounts() as current:
            report["database"] = current.connection().execute(text("select current_setting('server_version')")).scalar()
            row = current.connection().execute(_AGES).one()
        report["readers"] = _lags()
    except SQLAlchemyError:
        report["database"] = "away"
        return jsonify(report), 503
    report |= {
        "oldest_intake_seconds": row.intake,
        "oldest_delivery_seconds": row.delivery,
        "oldest_timer_seconds": row.timer,
        "dead_intake": row.dead_intake,
        "parked_events": row.parked,
    }
    return jsonify(report)


def _lags() -> dict[str, int]:
    """How many events each reader is behind, over all accounts."""
    lags = dict.fromkeys(sorted(READERS), 0)
    for lag in lagging(sorted(READERS)):
        lags[lag.reader] += lag.behind
    return lags


_AGES = text("""
    select
        (select extract(epoch from now() - min(received_at))::float from intake where state = 'ready') as intake,
        (select extract(epoch from now() - min(available_at))::float from delivery
            where state in ('ready', 'leased', 'sending') and available_at <= now()) as delivery,
        (select extract(epoch from now() - min(due_at))::float from timer where state = 'pending' and due_at <= now()) as timer,
        (select count(*) from (select 1 from intake where state = 'dead' limit 1000) few) as dead_intake,
        (select count(*) from (select 1 from parked_event limit 1000) few) as parked
""")
