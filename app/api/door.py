"""The door for programs: who is asking, what he may, and how it is told when something is wrong, as Chatwoot tells it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Blueprint, Flask, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError, IntegrityError

from app import realtime, security
from app.accounts.models import Account, AccountStatus
from app.api.params import NUMBER_LIMIT
from app.database import across_accounts
from app.doors import Viewer
from app.errors import Invalid, NotAllowed, NotFound, NotSignedIn, Problem, TooMany
from app.i18n import _, speak
from app.policies import policy_of
from app.users import queries, tokens
from app.users.models import AccountUser, Purpose, Role, User

bp = Blueprint("api", __name__)
public = Blueprint("public_api", __name__, url_prefix="/public/api/v1/inboxes")

SIGN_IN_FIRST = "You need to sign in or sign up before continuing."
# A token that was good a moment ago is not looked up again: so long may one that was ended still open doors. Whoever is
# removed or gets another role is forgotten at once, by a wake-up; without Valkey it takes as long.
REMEMBERED_SECONDS = 10.0
REMEMBERED_LIMIT = 10_000
PREFIXES = ("/api/", "/auth/", "/public/api/")


@dataclass(frozen=True)
class Caller:
    """The holder of a token, and every account he works in."""

    user: User
    token_id: int
    places: tuple[tuple[Account, AccountUser], ...]


def caller() -> Caller:
    """Who is asking, in a view of policy `api_user`. His rows are some seconds old: read them again to change them."""
    found: Caller = g.caller
    return found


def change(rule: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A route for PUT and PATCH, which are the same here."""
    return bp.route(rule, methods=["PUT", "PATCH"])


def tidy(app: Callable[[Any, Any], Iterable[bytes]]) -> Callable[[Any, Any], Iterable[bytes]]:
    """A WSGI app for which `/api/…/`, `/api/….json` and `/api/…` are one address, without a redirect."""

    def tidied(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(PREFIXES):
            environ["PATH_INFO"] = path.rstrip("/").removesuffix(".json")
        return app(environ, start_response)

    return tidied


# -- who is asking


def know_the_caller() -> None:
    """Check the policy of the view; `doors.viewer()` is then whoever asks, in the account of the address."""
    name = policy_of(current_app, request.endpoint)
    if name not in {"api_user", "api_agent", "api_administrator"}:
        return
    g.caller = _caller()
    speak(g.caller.user.locale)
    if name == "api_user":
        return
    g.viewer = _viewer(g.caller, (request.view_args or {}).get("account_id"))
    speak(g.caller.user.locale, g.viewer.account.timezone)
    if name == "api_administrator" and g.viewer.member.role != Role.ADMINISTRATOR:
        raise NotAllowed


def _viewer(asking: Caller, account_id: int | None) -> Viewer:
    for account, member in asking.places:
        if account.id == account_id:
            if account.status != AccountStatus.ACTIVE:
                raise NotSignedIn("Account is suspended")
            return Viewer(asking.user, account, member, asking.token_id)
    # the same words for an account that is another's and for none at all
    raise NotSignedIn("You are not authorized to access this account")


def _caller() -> Caller:
    """By API token or by the three headers of a device. An Authorization header besides is of no interest."""
    # two spellings of the header come in as one value, joined by a comma
    plain = {part.strip() for part in request.headers.get("Api-Access-Token", "").split(",")} - {""}
    if plain:
        found = _remembered(Purpose.API, plain.pop()) if len(plain) == 1 else None
        if found is None:
            raise NotSignedIn("Invalid Access Token")
        return found
    found = _remembered(Purpose.DEVICE, request.headers.get("access-token", ""))
    if found is None:
        raise NotSignedIn(SIGN_IN_FIRST)
    return found


_known: dict[tuple[str, str], tuple[float, Caller]] = {}
# How often somebody was forgotten: what was read before is not remembered after
_forgotten = 0


def _remembered(purpose: Purpose, plain: str) -> Caller | None:
    device = (
        f"{request.headers.get('client', '')} {request.headers.get('uid', '')}" if purpose == Purpose.DEVICE else ""
    )
    key = (security.digest(plain), device)
    until, found = _known.get(key, (0.0, None))
    if found is not None and time.monotonic() < until:
        return found
    _listen()
    before = _forgotten
    found = _look_up(purpose, plain)
    if found is None:
        _known.pop(key, None)
        return None
    if len(_known) >= REMEMBERED_LIMIT:
        _known.clear()
    if before == _forgotten:
        _known[key] = (time.monotonic() + REMEMBERED_SECONDS, found)
    return found


def _look_up(purpose: Purpose, plain: str) -> Caller | None:
    with across_accounts():
        holder = tokens.bearer(purpose, plain)
        if holder is None or (purpose == Purpose.DEVICE and not _is_this_device(holder)):
            return None
        return Caller(holder.user, holder.token.id, tuple(queries.accounts_of(holder.user.id)))


def _is_this_device(holder: tokens.Bearer) -> bool:
    is_client = security.is_equal(request.headers.get("client", ""), holder.token.client or "")
    return is_client and request.headers.get("uid", "").strip().lower() == holder.user.email


@cache
def _listen() -> None:
    """Once in a process, and not before there is somebody to forget: it takes a thread."""
    realtime.listen("caller", lambda user_id: forget_user(int(user_id)))


def forget(token_id: int) -> None:
    """The token was ended here: this process need not wait to know it."""
    _forget(lambda caller: caller.token_id == token_id)


def forget_user(user_id: int) -> None:
    """He works elsewhere now, or in another role."""
    _forget(lambda caller: caller.user.id == user_id)


def _forget(is_meant: Callable[[Caller], bool]) -> None:
    global _forgotten
    _forgotten += 1
    for key, (_until, found) in list(_known.items()):
        if is_meant(found):
            _known.pop(key, None)


# -- what went wrong


def tell_problems(door: Blueprint) -> None:
    """Errors as Chatwoot's clients know them."""

    @door.errorhandler(Problem)
    def problem(error: Problem) -> ResponseReturnValue:
        return _answer(error)

    @door.errorhandler(IntegrityError)
    def taken(_error: IntegrityError) -> ResponseReturnValue:
        # two wanted the same at once, and the database has decided
        return _answer(Invalid("base", _("Somebody was quicker: look again, then repeat.")))

    @door.errorhandler(DataError)
    def unfit(_error: DataError) -> ResponseReturnValue:
        return _answer(Invalid("base", _("A value in this request cannot be stored.")))


def _answer(error: Problem) -> ResponseReturnValue:
    match error:
        case NotFound():
            return jsonify(error="Resource could not be found"), 404
        case NotAllowed():
            return jsonify(error="You are not authorized to do this action"), 401
        case NotSignedIn() if error.reason == SIGN_IN_FIRST:
            return jsonify(errors=[error.reason]), 401
        case Invalid():
            return jsonify(message=error.reason, attributes=[error.field], error=error.reason), 422
        case TooMany():
            headers = {"Retry-After": str(error.retry_after_seconds)}
            return jsonify(error=error.reason), 429, headers
    return jsonify(error=error.reason), error.status


tell_problems(bp)
tell_problems(public)


# -- addresses


def check_address(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """No number or name in an address that the database could not even look for."""
    for value in (values or {}).values():
        if (isinstance(value, int) and value >= NUMBER_LIMIT) or (isinstance(value, str) and "\x00" in value):
            raise NotFound


bp.url_value_preprocessor(check_address)
public.url_value_preprocessor(check_address)


@public.after_request
def let_everybody_ask(response: Any) -> Any:
    """Browsers on any site may call the public API: nothing in it rests on cookies."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type, Idempotency-Key"
    return response


def open_to(app: Flask) -> None:
    """Register the door. Its policies hold wherever a view declares them, not only in here."""
    app.before_request(know_the_caller)
    app.register_blueprint(bp)
    app.register_blueprint(public)
    app.wsgi_app = tidy(app.wsgi_app)  # type: ignore[method-assign, assignment]
