"""Inboxes, and who answers in them."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp
from app.doors import own_account, viewer
from app.errors import NotFound
from app.inboxes import queries, wire
from app.inboxes.models import Inbox
from app.policies import policy
from app.users import queries as user_queries
from app.users import wire as user_wire


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


@bp.get("/api/v1/accounts/<int:account_id>/inbox_members/<int:inbox_id>")
@policy("api_agent")
def list_inbox_members(account_id: int, inbox_id: int) -> ResponseReturnValue:
    """The agents who answer in the inbox."""
    with own_account():
        members = queries.member_ids(account_id, visible(inbox_id).id)
        people = [person for person in user_queries.agents(account_id) if person[0].id in members]
    return jsonify(payload=[user_wire.agent(person) for person in people])


def visible(inbox_id: int) -> Inbox:
    """The inbox, if the caller may look into it; NotFound otherwise."""
    found = queries.inbox(viewer().account_id, inbox_id)
    if not viewer().is_administrator and found.id not in queries.member_inbox_ids(viewer().member):
        raise NotFound
    return found
