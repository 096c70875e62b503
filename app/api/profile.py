"""The caller's own profile. Every answer is the whole user: the dashboard takes it for the new truth."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app import security
from app.api.door import bp, caller, change
from app.api.params import Params, params
from app.clock import now
from app.database import across_accounts, transaction
from app.errors import Invalid, NotFound
from app.i18n import _
from app.policies import policy
from app.users import actions, queries, tokens, wire
from app.users.models import AccountUser, Availability, User

FIELDS = ("name", "display_name", "message_signature", "locale")


@bp.get("/api/v1/profile")
@policy("api_user")
def show_profile() -> ResponseReturnValue:
    """The user."""
    return _profile()


@change("/api/v1/profile")
@policy("api_user")
def update_profile() -> ResponseReturnValue:
    """Change name, shown name, signature, language, settings of the screen, or the password by telling the old one."""
    sent = params("profile")
    changes: dict[str, object] = {name: sent.text(name, 10_000) for name in FIELDS if name in sent}
    if "ui_settings" in sent:
        changes["ui_settings"] = sent.record("ui_settings") or {}
    with across_accounts() as current:
        user = current.get_one(User, caller().user.id)
        actions.update_profile(user, **changes)
        if sent.get("password"):
            _change_password(user, sent)
    return _profile()


@bp.post("/api/v1/profile/availability")
@policy("api_user")
def set_availability() -> ResponseReturnValue:
    """Online, busy or offline in one account."""
    sent = params("profile")
    wanted = sent.text("availability")
    if wanted not in set(Availability):
        raise Invalid("availability", _("Choose online, busy or offline."))
    with transaction(_account_id(sent)) as current:
        member = _member(current.info["account_id"])
        actions.set_availability(member, Availability(wanted), by=caller().user.actor)
    return _profile()


@bp.post("/api/v1/profile/auto_offline")
@policy("api_user")
def set_auto_offline() -> ResponseReturnValue:
    """Whether closing the screen counts as being offline."""
    sent = params("profile")
    with transaction(_account_id(sent)) as current:
        _member(current.info["account_id"]).auto_offline = bool(sent.flag("auto_offline"))
    return _profile()


@bp.route("/api/v1/profile/set_active_account", methods=["PUT", "PATCH"])
@policy("api_user")
def set_active_account() -> ResponseReturnValue:
    """The account he works in from now on."""
    with transaction(_account_id(params("profile"))) as current:
        _member(current.info["account_id"]).active_at = now()
    return _profile()


def _profile() -> ResponseReturnValue:
    with across_accounts() as current:
        user = current.get_one(User, caller().user.id)
        return jsonify(wire.profile(user, queries.accounts_of(user.id), tokens.api_token(user)))


def _account_id(sent: Params) -> int:
    wanted = sent.number("account_id") or (caller().places[0][0].id if caller().places else 0)
    if wanted not in {account.id for account, _member in caller().places}:
        raise NotFound
    return wanted


def _member(account_id: int) -> AccountUser:
    found = queries.membership(account_id, caller().user.id)
    if found is None:
        raise NotFound
    return found


def _change_password(user: User, sent: Params) -> None:
    if not security.is_password(user.password_hash, sent.secret("current_password")):
        raise Invalid("current_password", _("This is not your present password."))
    if sent.get("password_confirmation") is not None and sent.secret("password_confirmation") != sent.secret(
        "password"
    ):
        raise Invalid("password_confirmation", _("The two passwords differ."))
    actions.set_password(user, sent.secret("password"))
