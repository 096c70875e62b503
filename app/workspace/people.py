"""People: who works here and as what, inviting them, and taking them off the account."""

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.conversations.queries import COUNT_LIMIT, of_agent
from app.database import across_accounts
from app.doors import own_account, viewer
from app.errors import Invalid
from app.policies import policy
from app.users import actions, queries
from app.users.models import Role, User
from app.workspace.blueprint import bp


@bp.get("/settings/team")
@policy("administrator")
def agents() -> ResponseReturnValue:
    """Who works here."""
    return _list()


@bp.post("/settings/team")
@policy("administrator")
def invite() -> ResponseReturnValue:
    """Let more people in: one address, or several."""
    addresses = [line.strip() for line in request.form.get("emails", "").replace(",", "\n").split("\n") if line.strip()]
    try:
        actions.check_many(addresses)
        with across_accounts() as current:
            inviter = current.get_one(User, viewer().user.id)
            for address in addresses:
                _invite(address, inviter)
    except Invalid as problem:
        return _list(problem), 422
    return redirect("/settings/team?saved=1", 303)


@bp.get("/settings/team/<int:user_id>")
@policy("administrator")
def person_page(user_id: int) -> ResponseReturnValue:
    """One of them."""
    return _page(user_id)


@bp.post("/settings/team/<int:user_id>")
@policy("administrator")
def update_person(user_id: int) -> ResponseReturnValue:
    """Administrator, or agent."""
    try:
        with own_account():
            member = queries.agent(viewer().account_id, user_id)[1]
            actions.change_role(member, _role(), by=viewer().user.actor)
    except Invalid as problem:
        return _page(user_id, problem), 422
    return redirect("/settings/team?saved=1", 303)


@bp.post("/settings/team/<int:user_id>/removal")
@policy("administrator")
def remove_person(user_id: int) -> ResponseReturnValue:
    """He works here no longer; his conversations lose him."""
    try:
        with own_account():
            actions.remove_agent(queries.agent(viewer().account_id, user_id)[1], by=viewer().user.actor)
    except Invalid as problem:
        return _page(user_id, problem), 422
    return redirect("/settings/team?saved=1", 303)


def _invite(address: str, inviter: User) -> None:
    try:
        actions.invite(viewer().account, address, "", _role(), by=inviter)
    except Invalid as refused:  # which of them it was
        raise Invalid("emails", f"{address[:100]}: {refused.reason}") from refused


def _role() -> Role:
    return Role.ADMINISTRATOR if request.form.get("role") == Role.ADMINISTRATOR else Role.AGENT


def _list(problem: Invalid | None = None) -> str:
    with own_account():
        found = queries.agents(viewer().account_id)
    values = request.form if problem else {}
    return render_template("workspace/settings/agents.html", agents=found, problem=problem, values=values)


def _page(user_id: int, problem: Invalid | None = None) -> str:
    account_id = viewer().account_id
    with own_account():
        user, member = queries.agent(account_id, user_id)
        left = len(of_agent(account_id, user_id, COUNT_LIMIT, is_unresolved=True))
        is_last = member.role == Role.ADMINISTRATOR and queries.administrators(account_id) == 1
    context = {"person": user, "member": member, "problem": problem, "left": left, "is_last": is_last}
    return render_template("workspace/settings/agent.html", **context)
