"""Agents: who works here, whom a conversation may be given to, inviting, changing and removing them."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp, change, forget_user
from app.api.inboxes import visible
from app.api.params import Params, params
from app.database import across_accounts
from app.doors import own_account, viewer
from app.errors import Invalid
from app.i18n import _
from app.inboxes import queries as inbox_queries
from app.policies import policy
from app.text import NAME_LIMIT
from app.users import actions, queries, wire
from app.users.models import Availability, Role, User
from app.users.queries import Person

ALL = "/api/v1/accounts/<int:account_id>/agents"
ONE = f"{ALL}/<int:user_id>"
# Chatwoot's own word for it, in its documentation
_AVAILABLE = {"available": Availability.ONLINE}


@bp.get(ALL)
@policy("api_agent")
def list_agents(account_id: int) -> ResponseReturnValue:
    """Everybody who works here."""
    with own_account():
        return jsonify([wire.agent(person) for person in queries.agents(account_id)])


@bp.post(ALL)
@policy("api_administrator")
def create_agent(account_id: int) -> ResponseReturnValue:
    """One agent more, by `email`: whoever is new to the house gets a letter with a link to choose a password."""
    sent = params("agent")
    email, name = sent.text("email", required=True), sent.text("name", NAME_LIMIT)
    with across_accounts():
        user = actions.invite(viewer().account, email, name, _role(sent) or Role.AGENT, by=viewer().user)
        person = queries.agent(account_id, user.id)
        _change(person, sent)
        return jsonify(wire.agent(person))


@bp.post(f"{ALL}/bulk_create")
@policy("api_administrator")
def create_agents(account_id: int) -> ResponseReturnValue:
    """Agents by their `emails`, all or none; who works here already is left as he is."""
    emails = {email.lower() for email in params("agent").texts("emails")}
    actions.check_many(emails)
    with across_accounts():
        here = {user.email for user, _member in queries.agents(account_id)}
        for email in sorted(emails - here):
            actions.invite(viewer().account, email, "", Role.AGENT, by=viewer().user)
    return ""


@change(ONE)
@policy("api_administrator")
def update_agent(account_id: int, user_id: int) -> ResponseReturnValue:
    """Another role or availability; another name for who works nowhere else."""
    sent = params("agent")
    with across_accounts():
        person = queries.agent(account_id, user_id)
        role = _role(sent)
        if role is not None:
            actions.change_role(person[1], role, by=viewer().user.actor)
        if sent.text("name", NAME_LIMIT):
            _rename(person[0], sent)
        _change(person, sent)
        answer = wire.agent(person)
    forget_user(user_id)
    return jsonify(answer)


@bp.delete(ONE)
@policy("api_administrator")
def delete_agent(account_id: int, user_id: int) -> ResponseReturnValue:
    """He works here no longer; his conversations lose him."""
    with own_account():
        actions.remove_agent(queries.agent(account_id, user_id)[1], by=viewer().user.actor)
    forget_user(user_id)
    return ""


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


def _change(person: Person, sent: Params) -> None:
    """What an administrator may say of him besides his role."""
    _user, member = person
    wanted = _availability(sent)
    if wanted is not None:
        actions.set_availability(member, wanted, by=viewer().user.actor)
    is_offline_when_away = sent.flag("auto_offline")
    if is_offline_when_away is not None:
        member.auto_offline = is_offline_when_away


def _rename(user: User, sent: Params) -> None:
    """A name is its bearer's own in all his accounts: it is not ours to change once there is another."""
    name = sent.text("name", NAME_LIMIT)
    if name != user.name and len(queries.accounts_of(user.id)) > 1:
        raise Invalid("name", _("This person works in another account too: only he changes his name."))
    actions.update_profile(user, name=name)


def _role(sent: Params) -> Role | None:
    wanted = sent.text("role")
    if wanted and wanted not in set(Role):
        raise Invalid("role", _("Choose agent or administrator."))
    return Role(wanted) if wanted else None


def _availability(sent: Params) -> Availability | None:
    wanted: Any = sent.text("availability") or sent.text("availability_status")
    wanted = _AVAILABLE.get(wanted, wanted)
    if wanted and wanted not in set(Availability):
        raise Invalid("availability", _("Choose online, busy or offline."))
    return Availability(wanted) if wanted else None
