"""Agents, and those of them to whom a conversation may be given."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp
from app.api.inboxes import visible
from app.api.params import params
from app.doors import own_account
from app.inboxes import queries as inbox_queries
from app.policies import policy
from app.users import queries, wire
from app.users.models import Role
from app.users.queries import Person


@bp.get("/api/v1/accounts/<int:account_id>/agents")
@policy("api_agent")
def list_agents(account_id: int) -> ResponseReturnValue:
    """Everybody who works here."""
    with own_account():
        return jsonify([wire.agent(person) for person in queries.agents(account_id)])


@bp.get("/api/v1/accounts/<int:account_id>/assignable_agents")
@policy("api_agent")
def list_assignable_agents(account_id: int) -> ResponseReturnValue:
    """Those who may have a conversation of each of `inbox_ids`: its members, and administrators."""
    with own_account():
        inbox_ids = {visible(inbox_id).id for inbox_id in params().numbers("inbox_ids")}
        return jsonify(payload=[wire.agent(person) for person in assignable(account_id, inbox_ids)])


def assignable(account_id: int, inbox_ids: set[int]) -> list[Person]:
    """The agents who see all of these inboxes."""
    members = [inbox_queries.member_ids(account_id, inbox_id) for inbox_id in inbox_ids]
    return [
        (user, member)
        for user, member in queries.agents(account_id)
        if member.role == Role.ADMINISTRATOR or (members and all(user.id in ids for ids in members))
    ]
