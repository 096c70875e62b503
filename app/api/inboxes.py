"""Inboxes, and who answers in them."""

from collections.abc import Callable
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp, change
from app.api.params import Params, params
from app.doors import own_account, viewer
from app.errors import Invalid, NotFound
from app.i18n import _
from app.inboxes import actions, hours, queries, wire
from app.inboxes.models import Inbox
from app.policies import policy
from app.text import CONTENT_LIMIT, NAME_LIMIT
from app.users import queries as user_queries
from app.users import wire as user_wire

MEMBERS = "/api/v1/accounts/<int:account_id>/inbox_members"
# What may be changed, and what it is called here
TEXTS = {
    "name": ("name", NAME_LIMIT),
    "greeting_message": ("greeting_message", CONTENT_LIMIT),
    "out_of_office_message": ("out_of_office_message", CONTENT_LIMIT),
}
FLAGS = {
    "greeting_enabled": "greeting_enabled",
    "enable_email_collect": "enable_email_collect",
    "csat_survey_enabled": "csat_enabled",
    "allow_messages_after_resolved": "allow_messages_after_resolved",
    "lock_to_single_conversation": "lock_to_single_conversation",
}


@bp.get("/api/v1/accounts/<int:account_id>/inboxes")
@policy("api_agent")
def list_inboxes(account_id: int) -> ResponseReturnValue:
    """The inboxes the caller may look into."""
    with own_account():
        found = queries.visible_to(viewer().member)
        times = queries.times(account_id, found)
    is_admin = viewer().is_administrator
    return jsonify(payload=[wire.inbox(inbox, times[inbox.id], with_secrets=is_admin) for inbox in found])


@bp.get("/api/v1/accounts/<int:account_id>/inboxes/<int:inbox_id>")
@policy("api_agent")
def show_inbox(account_id: int, inbox_id: int) -> ResponseReturnValue:
    """One inbox."""
    with own_account():
        found = visible(inbox_id)
        times = queries.times(account_id, [found])
    return jsonify(wire.inbox(found, times[found.id], with_secrets=viewer().is_administrator))


@change("/api/v1/accounts/<int:account_id>/inboxes/<int:inbox_id>")
@policy("api_administrator")
def update_inbox(account_id: int, inbox_id: int) -> ResponseReturnValue:
    """Change what is named. Hours go to the inbox's calendar; what a channel has of its own is changed in the workspace."""
    sent, by = params("inbox"), viewer().user.actor
    with own_account():
        found = visible(inbox_id)
        fields: dict[str, Any] = {ours: sent.text(name, limit) for name, (ours, limit) in TEXTS.items() if name in sent}
        fields |= {ours: sent.flag(name) for name, ours in FLAGS.items() if sent.flag(name) is not None}
        actions.update_inbox(found, by=by, **fields)
        hours.tell(found, by=by, **_hours(sent))
        times = queries.times(account_id, [found])
        return jsonify(wire.inbox(found, times[found.id], with_secrets=True))


def _hours(sent: Params) -> dict[str, Any]:
    days = sent.get("working_hours")
    if days is not None and not isinstance(days, list):
        raise Invalid("working_hours", _("Hours are a list of days."))
    return {
        "is_limited": sent.flag("working_hours_enabled"),
        "timezone": sent.text("timezone") or None,
        "days": days,
    }


@bp.get(f"{MEMBERS}/<int:inbox_id>")
@policy("api_agent")
def list_inbox_members(account_id: int, inbox_id: int) -> ResponseReturnValue:
    """The agents who answer in the inbox."""
    with own_account():
        return jsonify(payload=_members(visible(inbox_id)))


@bp.post(MEMBERS)
@policy("api_administrator")
def add_inbox_members(account_id: int) -> ResponseReturnValue:
    """Let the agents `user_ids` answer in `inbox_id` too. The answer is everybody who does."""
    return _set_members(lambda before, named: before | named)


@change(MEMBERS)
@policy("api_administrator")
def set_inbox_members(account_id: int) -> ResponseReturnValue:
    """Let the agents `user_ids` be those who answer in `inbox_id`."""
    return _set_members(lambda _before, named: named)


@bp.delete(MEMBERS)
@policy("api_administrator")
def remove_inbox_members(account_id: int) -> ResponseReturnValue:
    """Let the agents `user_ids` answer in `inbox_id` no longer."""
    _set_members(lambda before, named: before - named)
    return ""


def _set_members(wanted: Callable[[set[int], set[int]], set[int]]) -> ResponseReturnValue:
    account_id, sent = viewer().account_id, params()
    if "user_ids" not in sent:
        raise Invalid("user_ids", _("Say which agents."))
    named = set(sent.numbers("user_ids"))
    with own_account():
        found = visible(sent.number("inbox_id") or 0)
        if named - user_queries.people(account_id, named).keys():
            raise Invalid("user_ids", _("There is no such agent."))
        actions.set_members(found, wanted(queries.member_ids(account_id, found.id), named), by=viewer().user.actor)
        return jsonify(payload=_members(found))


def _members(inbox: Inbox) -> list[dict[str, Any]]:
    members = queries.member_ids(inbox.account_id, inbox.id)
    return [user_wire.agent(person) for person in user_queries.agents(inbox.account_id) if person[0].id in members]


def visible(inbox_id: int) -> Inbox:
    """The inbox, if the caller may look into it; NotFound otherwise."""
    found = queries.inbox(viewer().account_id, inbox_id)
    if not viewer().is_administrator and found.id not in queries.member_inbox_ids(viewer().member):
        raise NotFound
    return found
