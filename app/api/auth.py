"""Signing in with a password, and what devices do with the tokens they get: access-token, client, uid."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app import limits, security
from app.api.door import bp, caller, forget
from app.api.params import params
from app.clock import now
from app.database import across_accounts
from app.errors import Invalid
from app.i18n import _
from app.policies import policy
from app.users import actions, queries, tokens, wire
from app.users.models import Purpose, Token, User


@bp.post("/auth/sign_in")
@policy("public")
def sign_in() -> ResponseReturnValue:
    """200 with the user, and the device's token in the headers; 401 for wrong words, in the same time whichever is wrong."""
    sent = params()
    limits.spend(f"sign-in:{request.remote_addr}", 300, 20)
    try:
        email, password = sent.text("email").lower(), sent.secret("password")
        limits.spend(f"sign-in:{email}", 300, 5)
        with across_accounts():
            user = actions.sign_in(email, password)
            headers = _new_device(user)
            data = _user(user)
    except Invalid as problem:
        return jsonify(success=False, errors=[problem.reason]), 401
    return jsonify(data=data), 200, headers


@bp.get("/auth/validate_token")
@policy("api_user")
def validate_token() -> ResponseReturnValue:
    """The user whose token it is."""
    with across_accounts():
        data = _user(caller().user)
    return jsonify(payload={"success": True, "data": data})


@bp.delete("/auth/sign_out")
@policy("api_user")
def sign_out() -> ResponseReturnValue:
    """The device's token is worth nothing from now on. An API token stays: it is ended in the profile."""
    with across_accounts() as current:
        token = current.get_one(Token, caller().token_id)
        if token.purpose == Purpose.DEVICE:
            tokens.end(token)
    forget(caller().token_id)
    return jsonify(success=True)


@bp.post("/auth/password")
@policy("public")
def ask_for_password() -> ResponseReturnValue:
    """A letter with a link, if we know the address; the answer does not tell."""
    email = params().text("email")
    limits.spend(f"letter:{request.remote_addr}", 1800, 5)
    limits.spend(f"letter:{email.lower()}", 3600, 5)
    with across_accounts():
        actions.ask_for_reset(email)
    return jsonify(message=_("If we know this address, a letter with a link is on its way."))


@bp.route("/auth/password", methods=["PUT", "PATCH"])
@policy("public")
def reset_password() -> ResponseReturnValue:
    """A new password by the token of the letter; the device is signed in."""
    sent = params()
    password = sent.secret("password")
    if sent.get("password_confirmation") is not None and sent.secret("password_confirmation") != password:
        raise Invalid("password_confirmation", _("The two passwords differ."))
    with across_accounts():
        user = actions.reset_password(sent.text("reset_password_token"), password)
        headers = _new_device(user)
        data = _user(user)
    return jsonify(data=data), 200, headers


@bp.post("/auth/confirmation")
@policy("public")
def confirm() -> ResponseReturnValue:
    """The address is confirmed by the token of the letter; the device is signed in."""
    with across_accounts():
        user = actions.confirm_email(params().text("confirmation_token"))
        headers = _new_device(user)
        data = _user(user)
    return jsonify(data=data), 200, headers


def _new_device(user: User) -> dict[str, str]:
    client = security.new_token()
    plain = tokens.issue(user, Purpose.DEVICE, client=client, user_agent=request.user_agent.string)
    tokens.forget_oldest_devices(user)
    expires_at = now() + tokens.LIFETIMES[Purpose.DEVICE]
    return {
        "access-token": plain,
        "token-type": "Bearer",
        "client": client,
        "expiry": str(int(expires_at.timestamp())),
        "uid": user.email,
    }


def _user(user: User) -> dict[str, Any]:
    return wire.profile(user, queries.accounts_of(user.id), tokens.api_token(user))
