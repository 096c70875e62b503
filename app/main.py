"""The web process: `create_app()` puts the doors together. Each door parses, asks or acts, and renders; nothing else."""

import logging
from typing import Any, cast
from uuid import uuid4

from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from app import assets, doors, i18n, text
from app.config import settings
from app.errors import NotSignedIn, Problem, TooMany
from app.i18n import _
from app.policies import require_policies

logger = logging.getLogger(__name__)


def create_app() -> Flask:
    """The whole web application, ready for gunicorn."""
    app = Flask(__name__, static_folder="static")
    app.config.update(
        MAX_CONTENT_LENGTH=(settings().upload_limit_mb * 15 + 1) * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=200,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    cast(DefaultJSONProvider, app.json).sort_keys = False
    if settings().env == "production":
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    _prepare_templates(app)
    doors.register(app)
    assets.register(app)
    _register_doors(app)
    _tell_problems(app)
    app.after_request(_guard)
    require_policies(app)
    return app


def _register_doors(app: Flask) -> None:
    from app import api, hooks, portal, widget, workspace

    for door in (workspace, widget, portal, api, hooks):
        door.register(app)


def _prepare_templates(app: Flask) -> None:
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=False)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(
        locale=i18n.locale, timezone=i18n.timezone, public_url=settings().public_url, asset=assets.asset, _=i18n.gettext
    )
    app.jinja_env.filters.update(
        date=i18n.format_date,
        time=i18n.format_time,
        moment=i18n.format_moment,
        number=i18n.format_number,
        wait=i18n.format_wait,
        markdown=text.to_html,
        cited=text.cited_html,
        plain=text.plain,
    )


def _tell_problems(app: Flask) -> None:
    """One way to tell what went wrong: JSON to programs and scripts, a page to people."""

    @app.errorhandler(Problem)
    def problem(error: Problem) -> ResponseReturnValue:
        if isinstance(error, NotSignedIn) and _wants_page():
            return workspace_sign_in()
        response = _answer(error.status, error.reason, getattr(error, "field", None))
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> ResponseReturnValue:
        if error.response is not None:
            return error.response
        words = {
            404: _("There is nothing at this address."),
            405: _("This cannot be done at this address."),
            413: _("This is too large."),
            400: _("This request cannot be read."),
        }
        return _answer(error.code or 500, words.get(error.code or 500, error.name))

    @app.errorhandler(DataError)
    def no_such_value(_error: DataError) -> ResponseReturnValue:
        """A number or a letter that the database has no room for: no row holds it, an address with it leads nowhere."""
        logger.warning("%s %s: a value that cannot be in the database", request.method, request.path)
        if request.method in {"GET", "HEAD"}:
            return _answer(404, _("There is nothing at this address."))
        return _answer(400, _("This request cannot be read."))

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(TimeoutError)
    def database_away(error: Exception) -> ResponseReturnValue:
        logger.warning("the database did not answer: %s", type(error).__name__)
        response = _answer(503, _("The database does not answer just now. Nothing was saved; try again in a moment."))
        response.headers["Retry-After"] = "2"
        return response

    @app.errorhandler(Exception)
    def unforeseen(_error: Exception) -> ResponseReturnValue:
        reference = uuid4().hex[:8]
        logger.exception("request %s failed: %s %s", reference, request.method, request.path)
        return _answer(
            500, _("Something went wrong on our side. If it happens again, tell us %(code)s.", code=reference)
        )


def workspace_sign_in() -> ResponseReturnValue:
    """To the sign-in page, and back here afterwards."""
    back = request.full_path if request.method == "GET" else "/"
    return redirect(url_for("workspace.sign_in", next=back if back != "/?" else None))


def _answer(status: int, reason: str, field: str | None = None) -> Response:
    if request.path.startswith(("/api/", "/public/", "/auth/", "/platform/")) or _is_json():
        body: dict[str, Any] = {"error": reason}
        if field is not None:
            body = {"message": reason, "attributes": [field], "error": reason}
        response = jsonify(body)
    else:
        response = make_response(render_template("problem.html", status=status, reason=reason))
    response.status_code = status
    return response


def _is_json() -> bool:
    asked = request.headers.get("X-Part") or request.path.endswith(".json")
    return bool(asked) or request.accept_mimetypes.best == "application/json"


def _wants_page() -> bool:
    return not request.path.startswith(("/api/", "/auth/")) and not _is_json()


def _guard(response: Response) -> Response:
    """Headers that every answer carries; doors may set stricter or, for frames, wider ones before."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    if response.mimetype == "text/html":
        ancestors = g.get("frame_ancestors", "'none'")
        headers.setdefault(
            "Content-Security-Policy",
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:;"
            f" connect-src 'self'; frame-src 'self' {settings().dashboards_public_url}; object-src 'none'; base-uri 'none';"
            f" form-action 'self'; frame-ancestors {ancestors}",
        )
        headers.setdefault("Cache-Control", "no-store" if g.get("user") else "no-cache")
    return response
