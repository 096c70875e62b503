"""Static files under an address that changes with their content: browsers keep them for a year, and never too long.

Modules import each other by relative paths, so the version stands in the path and holds for all of them. A stylesheet
that only gathers others is served as one file.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

from flask import Flask, Response, send_from_directory
from flask.typing import ResponseReturnValue

from app.policies import policy

STATIC = Path(__file__).parent / "static"
_IMPORT = re.compile(r'@import url\("([\w-]+\.css)"\);')
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
_YEAR = 365 * 86_400


def asset(name: str) -> str:
    """The address of a static file."""
    return f"/assets/{version()}/{name}"


@cache
def version() -> str:
    """What our own static files hold, in eight letters; the same in every process of a release."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in ("css", "js", "widget", "icons") for path in (STATIC / folder).rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:8]


def register(app: Flask) -> None:
    """Serve them."""

    @app.get("/assets/<release>/<path:name>")
    @policy("public")
    def assets(release: str, name: str) -> ResponseReturnValue:
        is_entry = name.startswith("css/") and name.count("/") == 1
        response = _joined(name) if is_entry else send_from_directory(STATIC, name)
        # an old page may ask for an old version, which we no longer have: it must not keep ours under that name
        is_ours = release == version()
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable" if is_ours else "no-store"
        return response


def _joined(name: str) -> Response:
    path = STATIC / name
    if not path.is_file() or path.suffix != ".css":
        return send_from_directory(STATIC, name)
    return Response(_gathered(path), mimetype="text/css")


def _gathered(path: Path) -> str:
    """The stylesheet with those it imports put in their place, without the comments."""
    text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
    return _IMPORT.sub(lambda found: _gathered(path.parent / found[1]), text)
