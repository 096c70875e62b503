"""Teams and who is in them."""

from collections.abc import Callable
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp, change
from app.api.params import Params, params
from app.doors import own_account, viewer
from app.errors import Invalid
from app.i18n import _
from app.policies import policy
from app.text import NAME_LIMIT
from app.users import actions, queries, wire
from app.users.models import Team

TEXTS = {"name": NAME_LIMIT, "description": 1000}
ALL = "/api/v1/accounts/<int:account_id>/teams"
ONE = f"{ALL}/<int:team_id>"
MEMBERS = f"{ONE}/team_members"


@bp.get(ALL)
@policy("api_agent")
def list_teams(account_id: int) -> ResponseReturnValue:
    """All teams."""
    with own_account():
        mine = queries.team_ids(viewer().member)
        return jsonify([wire.team(team, is_member=team.id in mine) for team in queries.teams(account_id)])


@bp.get(ONE)
@policy("api_agent")
def show_team(account_id: int, team_id: int) -> ResponseReturnValue:
    """One team."""
    with own_account():
        return jsonify(_told(queries.team(account_id, team_id)))


@bp.post(ALL)
@policy("api_administrator")
def create_team(account_id: int) -> ResponseReturnValue:
    """A new team, still empty."""
    sent = params("team")
    with own_account():
        fields = _fields(sent)
        made = actions.make_team(account_id, fields.pop("name", ""), by=viewer().user.actor, **fields)
        return jsonify(_told(made))


@change(ONE)
@policy("api_administrator")
def update_team(account_id: int, team_id: int) -> ResponseReturnValue:
    """Another name, description, or way of assignment."""
    sent = params("team")
    with own_account():
        found = queries.team(account_id, team_id)
        actions.update_team(found, by=viewer().user.actor, **_fields(sent))
        return jsonify(_told(found))


@bp.delete(ONE)
@policy("api_administrator")
def delete_team(account_id: int, team_id: int) -> ResponseReturnValue:
    """Take it off the list; its conversations lose it."""
    with own_account():
        actions.delete_team(queries.team(account_id, team_id), by=viewer().user.actor)
    return ""


@bp.get(MEMBERS)
@policy("api_agent")
def list_team_members(account_id: int, team_id: int) -> ResponseReturnValue:
    """The agents in the team."""
    with own_account():
        return jsonify(_members(queries.team(account_id, team_id)))


@bp.post(MEMBERS)
@policy("api_administrator")
def add_team_members(account_id: int, team_id: int) -> ResponseReturnValue:
    """Let the agents `user_ids` be in it too. The answer is everybody who is."""
    return _set_members(team_id, lambda before, named: before | named)


@change(MEMBERS)
@policy("api_administrator")
def set_team_members(account_id: int, team_id: int) -> ResponseReturnValue:
    """Let the agents `user_ids` be the team."""
    return _set_members(team_id, lambda _before, named: named)


@bp.delete(MEMBERS)
@policy("api_administrator")
def remove_team_members(account_id: int, team_id: int) -> ResponseReturnValue:
    """Let the agents `user_ids` be in it no longer."""
    _set_members(team_id, lambda before, named: before - named)
    return ""


def _set_members(team_id: int, wanted: Callable[[set[int], set[int]], set[int]]) -> ResponseReturnValue:
    account_id, named = viewer().account_id, set(params().numbers("user_ids"))
    with own_account():
        found = queries.team(account_id, team_id)
        if named - queries.people(account_id, named).keys():
            raise Invalid("user_ids", _("There is no such agent."))
        before = queries.team_members(account_id).get(team_id, set())
        actions.set_team_members(found, wanted(before, named), by=viewer().user.actor)
        return jsonify(_members(found))


def _members(team: Team) -> list[dict[str, Any]]:
    ids = queries.team_members(team.account_id).get(team.id, set())
    return [wire.agent(person) for person in queries.agents(team.account_id) if person[0].id in ids]


def _told(team: Team) -> dict[str, Any]:
    return wire.team(team, is_member=team.id in queries.team_ids(viewer().member))


def _fields(sent: Params) -> dict[str, Any]:
    fields: dict[str, Any] = {name: sent.text(name, limit) for name, limit in TEXTS.items() if name in sent}
    if sent.flag("allow_auto_assign") is not None:
        fields["allow_auto_assign"] = sent.flag("allow_auto_assign")
    return fields
