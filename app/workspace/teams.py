"""Teams: who answers for one thing together."""

from collections.abc import Sequence
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.calendars.queries import calendars
from app.conversations.queries import COUNT_LIMIT, of_team
from app.doors import own_account, viewer
from app.errors import Invalid
from app.policies import policy
from app.sla.queries import policies
from app.users import actions
from app.users import queries as people
from app.users.models import Team
from app.workspace.blueprint import bp


@bp.get("/settings/teams")
@policy("administrator")
def teams() -> ResponseReturnValue:
    """All teams."""
    account_id = viewer().account_id
    with own_account():
        found, members = people.teams(account_id), people.team_members(account_id)
        names = {user.id: user.available_name for user, _member in people.agents(account_id)}
        works_by = _works_by(found)
    context = {"teams": found, "members": members, "names": names, "works_by": works_by}
    return render_template("workspace/settings/teams.html", **context)


@bp.get("/settings/teams/new")
@policy("administrator")
def new_team() -> ResponseReturnValue:
    """A name, and who is in it."""
    return _page(None, {"name": "", "description": "", "members": set()})


@bp.post("/settings/teams")
@policy("administrator")
def create_team() -> ResponseReturnValue:
    """One more."""
    return _save(None)


@bp.get("/settings/teams/<int:team_id>")
@policy("administrator")
def team_page(team_id: int) -> ResponseReturnValue:
    """One team."""
    with own_account():
        found = people.team(viewer().account_id, team_id)
        members = people.team_members(found.account_id).get(found.id, set())
    return _page(found, found.model_dump() | {"members": members})


@bp.post("/settings/teams/<int:team_id>")
@policy("administrator")
def update_team(team_id: int) -> ResponseReturnValue:
    """Another name, other people."""
    with own_account():
        found = people.team(viewer().account_id, team_id)
    return _save(found)


@bp.post("/settings/teams/<int:team_id>/deletion")
@policy("administrator")
def delete_team(team_id: int) -> ResponseReturnValue:
    """Off the list; its conversations lose it."""
    with own_account():
        actions.delete_team(people.team(viewer().account_id, team_id), by=viewer().user.actor)
    return redirect("/settings/teams?saved=1", 303)


def _save(found: Team | None) -> ResponseReturnValue:
    form = request.form
    values: dict[str, Any] = {name: form.get(name, "") for name in ("name", "description")}
    members = {int(value) for value in form.getlist("members") if value.isdigit()}
    try:
        _keep(found, values, members)
    except Invalid as problem:
        return _page(found, values | {"members": members}, problem), 422
    return redirect("/settings/teams?saved=1", 303)


def _keep(found: Team | None, values: dict[str, Any], members: set[int]) -> None:
    by, account_id = viewer().user.actor, viewer().account_id
    with own_account():
        if found is None:
            kept = actions.make_team(account_id, by=by, **values)
        else:
            kept = people.team(account_id, found.id)
            actions.update_team(kept, by=by, **values)
        known = {user.id for user, _member in people.agents(account_id)}
        actions.set_team_members(kept, members & known, by=by)


def _page(found: Team | None, values: dict[str, Any], problem: Invalid | None = None) -> str:
    with own_account():
        agents = [user for user, _member in people.agents(viewer().account_id)]
        left = len(of_team(found.account_id, found.id, COUNT_LIMIT, is_unresolved=True)) if found else 0
        works_by = _works_by([found])[found.id] if found else []
    context = {"team": found, "values": values, "problem": problem, "agents": agents, "works_by": works_by}
    return render_template("workspace/settings/team.html", left=left, **context)


def _works_by(teams: Sequence[Team]) -> dict[int, list[tuple[str, str]]]:
    """(address, name) of each team's calendar and SLA policy, where it has them."""
    account_id = viewer().account_id
    hours = {one.id: (f"/settings/calendars/{one.id}", one.name) for one in calendars(account_id)}
    promises = {one.id: (f"/settings/sla/{one.id}", f"SLA: {one.name}") for one in policies(account_id)}
    both = {team.id: (hours.get(team.calendar_id or 0), promises.get(team.sla_policy_id or 0)) for team in teams}
    return {team_id: [own for own in found if own] for team_id, found in both.items()}
