"""SLA policies: what is promised, to whom by default, and the policy of one conversation."""

from collections.abc import Sequence
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.conversations import queries as conversation_queries
from app.doors import own_account, viewer
from app.errors import Invalid
from app.i18n import N_, _
from app.inboxes import queries as inbox_queries
from app.inboxes.actions import update_inbox
from app.inboxes.models import Inbox
from app.policies import policy
from app.sla import actions, queries
from app.sla.models import SlaPolicy
from app.users import queries as people
from app.users.models import Team
from app.workspace.blueprint import bp, done

UNITS = {"minutes": (N_("minutes"), 60), "hours": (N_("hours"), 3600), "days": (N_("days"), 86_400)}
TARGETS = {
    "first_response_seconds": N_("First response"),
    "next_response_seconds": N_("Next response"),
    "resolution_seconds": N_("Resolution"),
}


@bp.get("/settings/sla")
@policy("administrator")
def sla_policies() -> ResponseReturnValue:
    """All policies."""
    account_id = viewer().account_id
    with own_account():
        found = queries.policies(account_id)
        places: list[Inbox | Team] = [*inbox_queries.inboxes(account_id), *people.teams(account_id)]
    names = {p.id: [place.name for place in places if place.sla_policy_id == p.id] for p in found}
    return render_template("workspace/settings/sla.html", policies=found, names=names, targets=TARGETS)


@bp.get("/settings/sla/new")
@policy("administrator")
def new_sla_policy() -> ResponseReturnValue:
    """Usual promises, to begin with."""
    usual = {"first_response_seconds": 3600, "next_response_seconds": 7200, "resolution_seconds": 86_400}
    values = {"name": "", "description": "", "is_business_time": True, "pause_while": ["pending", "snoozed"]}
    return _page(None, values | usual)


@bp.post("/settings/sla")
@policy("administrator")
def create_sla_policy() -> ResponseReturnValue:
    """One more."""
    return _save(None)


@bp.get("/settings/sla/<int:policy_id>")
@policy("administrator")
def sla_policy(policy_id: int) -> ResponseReturnValue:
    """One policy."""
    with own_account():
        found = queries.policy(viewer().account_id, policy_id)
    return _page(found, found.model_dump())


@bp.post("/settings/sla/<int:policy_id>")
@policy("administrator")
def update_sla_policy(policy_id: int) -> ResponseReturnValue:
    """Other promises, for what begins from now on."""
    with own_account():
        found = queries.policy(viewer().account_id, policy_id)
    return _save(found)


@bp.post("/conversations/<int:display_id>/sla")
@policy("agent")
def apply_sla_policy(display_id: int) -> ResponseReturnValue:
    """Another policy for the conversation, or none."""
    wanted = request.form.get("sla_policy_id", type=int)
    with own_account():
        found = conversation_queries.visible_to(viewer().member, display_id, lock=True)
        chosen = queries.policy(found.account_id, wanted) if wanted else None
        actions.apply(found, chosen, by=viewer().user.actor)
    return done(url_for("workspace.conversation", display_id=display_id))


def _save(found: SlaPolicy | None) -> ResponseReturnValue:
    form = request.form
    values: dict[str, Any] = {name: form.get(name, "") for name in ("name", "description")}
    values |= {"is_business_time": "is_business_time" in form, "pause_while": form.getlist("pause_while")}
    values |= {"inboxes": _numbers("inboxes"), "teams": _numbers("teams")}
    try:
        values |= {name: _seconds(name) for name in TARGETS}
        if not any(values[name] for name in TARGETS):
            raise Invalid("first_response_seconds", _("Promise something: a response, or the resolution."))
        saved = _keep(found, values)
    except Invalid as problem:
        return _page(found, values, problem), 422
    return redirect(f"/settings/sla/{saved.id}?saved=1", 303)


def _keep(found: SlaPolicy | None, values: dict[str, Any]) -> SlaPolicy:
    by, account_id = viewer().user.actor, viewer().account_id
    inbox_ids, team_ids = values["inboxes"], values["teams"]
    fields = {name: values[name] for name in ("description", "is_business_time", "pause_while", *TARGETS)}
    with own_account() as current:
        if found is None:
            kept = actions.create_policy(account_id, values["name"], by=by, **fields)
        else:
            kept = current.get_one(SlaPolicy, (account_id, found.id), with_for_update=True)
            actions.update_policy(kept, by=by, name=values["name"], **fields)
        for inbox in inbox_queries.inboxes(account_id):
            if inbox.id in inbox_ids or inbox.sla_policy_id == kept.id:
                update_inbox(inbox, by=by, sla_policy_id=kept.id if inbox.id in inbox_ids else None)
        for team in people.teams(account_id):
            if team.id in team_ids or team.sla_policy_id == kept.id:
                actions.set_team_policy(team, kept if team.id in team_ids else None, by=by)
    return kept


def _page(found: SlaPolicy | None, values: dict[str, Any], problem: Invalid | None = None) -> str:
    account_id = viewer().account_id
    with own_account():
        inboxes, teams = inbox_queries.inboxes(account_id), people.teams(account_id)
    places: dict[str, Sequence[Inbox | Team]] = {"inboxes": inboxes, "teams": teams}
    chosen = {
        kind: values.get(kind, {place.id for place in mine if found and place.sla_policy_id == found.id})
        for kind, mine in places.items()
    }
    context = {"sla_policy": found, "values": values, "problem": problem, "chosen": chosen, **places}
    amounts = {name: _asked(name) if problem else _amount(values.get(name)) for name in TARGETS}
    context |= {"targets": TARGETS, "units": UNITS, "amounts": amounts}
    return render_template("workspace/settings/sla_policy.html", **context)


def _seconds(name: str) -> int | None:
    """The amount in its unit; nothing promises nothing."""
    value = request.form.get(name, "").strip()
    unit = UNITS.get(request.form.get(f"{name}_unit", ""), UNITS["minutes"])[1]
    if not value:
        return None
    if not value.isdigit() or len(value) > 6 or int(value) == 0:
        raise Invalid(name, _("Write a whole number, or nothing."))
    return int(value) * unit


def _asked(name: str) -> tuple[str, str]:
    return request.form.get(name, ""), request.form.get(f"{name}_unit", "")


def _amount(seconds: int | None) -> tuple[int | str, str]:
    """(number, unit) with the largest unit that divides it."""
    if not seconds:
        return "", "hours"
    for unit in ("days", "hours", "minutes"):
        if seconds % UNITS[unit][1] == 0:
            return seconds // UNITS[unit][1], unit
    return -(-seconds // 60), "minutes"


def _numbers(name: str) -> set[int]:
    return {int(value) for value in request.form.getlist(name) if value.isdigit()}
