"""Signing in and out, signing up, links in letters."""

from urllib.parse import urlsplit

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import limits
from app.config import settings
from app.database import across_accounts
from app.doors import COOKIE, LOCALE_COOKIE, viewer
from app.errors import Invalid, NotFound
from app.i18n import LOCALES, _, locale
from app.policies import policy
from app.users import actions, queries, tokens
from app.users.models import Purpose, Token, User
from app.workspace.blueprint import bp, is_secure


@bp.get("/sign-in")
@policy("public")
def sign_in() -> ResponseReturnValue:
    """The form."""
    if g.get("viewer"):
        return redirect(_back())
    return render_template("workspace/sessions/sign_in.html", email="", problem=None, next=request.args.get("next", ""))


@bp.post("/sign-in")
@policy("public")
def begin_session() -> ResponseReturnValue:
    """Check the words, give a cookie."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    limits.spend(f"sign-in:{request.remote_addr}", 300, 20)
    limits.spend(f"sign-in:{email.strip().lower()[:255]}", 300, 5)
    try:
        with across_accounts():
            user = actions.sign_in(email[:255], password[:1000])
            plain = tokens.issue(user, Purpose.SESSION, user_agent=request.user_agent.string)
    except Invalid as problem:
        page = render_template(
            "workspace/sessions/sign_in.html", email=email, problem=problem, next=request.form.get("next", "")
        )
        return page, 422
    return _signed_in(plain)


@bp.post("/sign-out")
@policy("signed_in")
def end_session() -> ResponseReturnValue:
    """This browser, or all of them."""
    with across_accounts() as current:
        user = current.get_one(User, g.user.id)
        if request.form.get("everywhere"):
            actions.sign_out_everywhere(user)
        else:
            holder = tokens.bearer(Purpose.SESSION, request.cookies.get(COOKIE, ""))
            if holder is not None:
                tokens.end(holder.token)
    response = redirect(url_for("workspace.sign_in"), 303)
    response.delete_cookie(COOKIE)
    return response


@bp.get("/sign-up")
@policy("public")
def sign_up() -> ResponseReturnValue:
    """The form for a new account."""
    return render_template("workspace/sessions/sign_up.html", values={}, problem=None, is_open=settings().sign_up)


@bp.post("/sign-up")
@policy("public")
def create_account() -> ResponseReturnValue:
    """A new account; the link in the letter opens it."""
    limits.spend(f"sign-up:{request.remote_addr}", 1800, 5)
    form = request.form
    try:
        with across_accounts():
            actions.sign_up(
                form.get("name", ""),
                form.get("email", ""),
                form.get("password", ""),
                form.get("account", ""),
                locale=locale(),
                timezone=form.get("timezone") or "Europe/Moscow",
            )
    except Invalid as problem:
        page = render_template(
            "workspace/sessions/sign_up.html", values=form, problem=problem, is_open=settings().sign_up
        )
        return page, 422
    return _letter_sent(form.get("email", ""), "confirmation")


@bp.get("/confirmation/<token>")
@policy("public")
def confirm(token: str) -> ResponseReturnValue:
    """The link in the letter."""
    with across_accounts():
        user = actions.confirm_email(token)
        plain = tokens.issue(user, Purpose.SESSION, user_agent=request.user_agent.string)
    return _signed_in(plain)


@bp.post("/confirmation")
@policy("public")
def send_confirmation() -> ResponseReturnValue:
    """The letter again."""
    email = request.form.get("email", "")[:255]
    limits.spend(f"letter:{request.remote_addr}", 1800, 5)
    with across_accounts():
        actions.ask_for_confirmation(email)
    return _letter_sent(email, "confirmation")


@bp.get("/password")
@policy("public")
def forgotten() -> ResponseReturnValue:
    """Where to send the link?"""
    return render_template("workspace/sessions/forgotten.html")


@bp.post("/password")
@policy("public")
def send_reset() -> ResponseReturnValue:
    """The same answer whether we know the address or not."""
    email = request.form.get("email", "")[:255]
    limits.spend(f"letter:{request.remote_addr}", 1800, 5)
    limits.spend(f"letter:{email.lower()}", 3600, 5)
    with across_accounts():
        actions.ask_for_reset(email)
    return _letter_sent(email, "password")


@bp.get("/password/<token>")
@policy("public")
def choose_password(token: str) -> ResponseReturnValue:
    """The form behind the link."""
    problem = _trouble(Purpose.RESET_PASSWORD, token)
    return render_template("workspace/sessions/password.html", token=token, problem=problem), 422 if problem else 200


@bp.post("/password/<token>")
@policy("public")
def reset_password(token: str) -> ResponseReturnValue:
    """A new password, and a session with it."""
    try:
        with across_accounts():
            user = actions.reset_password(token, request.form.get("password", ""))
            plain = tokens.issue(user, Purpose.SESSION, user_agent=request.user_agent.string)
    except Invalid as problem:
        return render_template("workspace/sessions/password.html", token=token, problem=problem), 422
    return _signed_in(plain)


@bp.get("/invitation/<token>")
@policy("public")
def invitation(token: str) -> ResponseReturnValue:
    """The form behind the link."""
    problem = _trouble(Purpose.INVITATION, token)
    page = render_template("workspace/sessions/invitation.html", token=token, name="", problem=problem)
    return page, 422 if problem else 200


@bp.post("/invitation/<token>")
@policy("public")
def accept_invitation(token: str) -> ResponseReturnValue:
    """Name and password, and in."""
    name = request.form.get("name", "")
    try:
        with across_accounts():
            user = actions.accept_invitation(token, name, request.form.get("password", ""))
            plain = tokens.issue(user, Purpose.SESSION, user_agent=request.user_agent.string)
    except Invalid as problem:
        return render_template("workspace/sessions/invitation.html", token=token, name=name, problem=problem), 422
    return _signed_in(plain)


@bp.post("/account")
@policy("signed_in")
def switch_account() -> ResponseReturnValue:
    """Work in another of one's accounts."""
    with across_accounts() as current:
        wanted = request.form.get("account_id", 0, type=int)
        if queries.membership(wanted, viewer().user.id) is None:
            raise NotFound
        current.get_one(Token, viewer().token_id).account_id = wanted
    return redirect("/", 303)


@bp.post("/language")
@policy("public")
def choose_language() -> ResponseReturnValue:
    """Before signing in, the language is the browser's to keep."""
    chosen = request.form.get("locale", "")
    response = redirect(_back(), 303)
    if chosen in LOCALES:
        response.set_cookie(LOCALE_COOKIE, chosen, max_age=365 * 86_400, samesite="Lax", secure=is_secure())
    return response


def _letter_sent(email: str, kind: str) -> str:
    """Where to look for it: on a trial machine without a mail server, in a folder."""
    chosen = settings()
    folder = chosen.home / "mail" if chosen.env == "development" and not chosen.smtp_url else None
    return render_template("workspace/sessions/letter_sent.html", email=email, kind=kind, folder=folder)


def _trouble(purpose: Purpose, token: str) -> Invalid | None:
    """Said before anybody fills in the form of a link that is worth nothing any more."""
    with across_accounts():
        if tokens.bearer(purpose, token) is not None:
            return None
    return Invalid("token", _("This link has been used or is too old. Ask for a new one."))


def _signed_in(plain: str) -> ResponseReturnValue:
    """A new session id at every sign-in, so that nobody can plant one."""
    response = redirect(_back(), 303)
    response.set_cookie(COOKIE, plain, max_age=30 * 86_400, httponly=True, samesite="Lax", secure=is_secure())
    return response


def _back() -> str:
    """Where he wanted to go; never to another site."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return wanted if is_ours else "/"
