"""Teams."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp
from app.doors import own_account, viewer
from app.policies import policy
from app.users import queries, wire


@bp.get("/api/v1/accounts/<int:account_id>/teams")
@policy("api_agent")
def list_teams(account_id: int) -> ResponseReturnValue:
    """All teams."""
    with own_account():
        mine = queries.team_ids(viewer().member)
        return jsonify([wire.team(team, is_member=team.id in mine) for team in queries.teams(account_id)])


@bp.get("/api/v1/accounts/<int:account_id>/teams/<int:team_id>")
@policy("api_agent")
def show_team(account_id: int, team_id: int) -> ResponseReturnValue:
    """One team."""
    with own_account():
        mine = queries.team_ids(viewer().member)
        return jsonify(wire.team(queries.team(account_id, team_id), is_member=team_id in mine))


@bp.get("/api/v1/accounts/<int:account_id>/teams/<int:team_id>/team_members")
@policy("api_agent")
def list_team_members(account_id: int, team_id: int) -> ResponseReturnValue:
    """The agents in the team."""
    with own_account():
        queries.team(account_id, team_id)
        members = queries.team_members(account_id).get(team_id, set())
        people = [person for person in queries.agents(account_id) if person[0].id in members]
    return jsonify([wire.agent(person) for person in people])
