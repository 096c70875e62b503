"""The account, what its clients keep of it, and whether the house is well."""

import hashlib
import json
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app import queue
from app.accounts import actions, wire
from app.accounts.models import Account
from app.api.door import bp, change
from app.api.params import params
from app.clock import now
from app.database import across_accounts, session
from app.doors import own_account, viewer
from app.inboxes import queries as inbox_queries
from app.inboxes import wire as inbox_wire
from app.labels import actions as label_queries
from app.labels import wire as label_wire
from app.policies import policy
from app.users import queries as user_queries
from app.users import wire as user_wire

# Whose wire we speak: clients look whether they know this version
CHATWOOT_VERSION = "4.10.0"
FIELDS = ("name", "locale", "domain", "support_email", "timezone")


@bp.get("/api")
@policy("public")
def show_house() -> ResponseReturnValue:
    """Version and health."""
    with across_accounts() as current:
        current.connection().exec_driver_sql("select 1")
    return jsonify(
        version=CHATWOOT_VERSION,
        timestamp=now().strftime("%Y-%m-%d %H:%M:%S"),
        queue_services="ok" if queue.is_awake() else "failing",
        data_services="ok",
    )


@bp.get("/api/v1/accounts/<int:account_id>")
@policy("api_agent")
def show_account(account_id: int) -> ResponseReturnValue:
    """The account."""
    with own_account():
        return _account(account_id)


@change("/api/v1/accounts/<int:account_id>")
@policy("api_administrator")
def update_account(account_id: int) -> ResponseReturnValue:
    """Change name, language, domain, support address or time zone."""
    sent = params("account")
    with own_account():
        found = session().get_one(Account, account_id)
        actions.update_account(found, by=viewer().user.actor, **{n: sent.text(n) for n in FIELDS if n in sent})
        return _account(account_id)


@bp.get("/api/v1/accounts/<int:account_id>/cache_keys")
@policy("api_agent")
def show_cache_keys(account_id: int) -> ResponseReturnValue:
    """A word per list of labels, inboxes and teams; another one as soon as the list is another."""
    with own_account():
        return jsonify(cache_keys=_cache_keys(account_id))


def _account(account_id: int) -> ResponseReturnValue:
    return jsonify(wire.account(session().get_one(Account, account_id), _cache_keys(account_id)))


def _cache_keys(account_id: int) -> dict[str, str]:
    members = user_queries.team_members(account_id)
    inboxes = inbox_queries.visible_to(viewer().member)
    times = inbox_queries.times(account_id, inboxes)
    return {
        "label": _digest([label_wire.label(label) for label in label_queries.labels(account_id)]),
        "inbox": _digest([inbox_wire.inbox(i, times[i.id], with_secrets=False) for i in inboxes]),
        "team": _digest(
            [
                user_wire.team(team, is_member=viewer().user.id in members.get(team.id, ()))
                for team in user_queries.teams(account_id)
            ]
        ),
    }


def _digest(listed: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]
