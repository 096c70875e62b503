"""What a site loads: the loader, and, once the visitor opens it, the card in a frame."""

import hashlib
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from flask import Response, g, jsonify, render_template, request, send_from_directory
from flask.typing import ResponseReturnValue

from app.config import ROOT
from app.conversations.queries import unread_by_visitor
from app.errors import NotAllowed, Problem
from app.i18n import _, speak
from app.inboxes.models import Inbox
from app.policies import policy
from app.widget.blueprint import pages, tell
from app.widget.colour import accent
from app.widget.config import card
from app.widget.visitor import Visitor, Website, known_source, new_source, token, website
from app.widget.words import words

FOLDER = ROOT / "app" / "static" / "widget"
ANY_SITE = "http: https:"
_HOST = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?")


@pages.get("/widget.js")
@pages.get("/packs/js/sdk.js")
@policy("public")
def loader() -> ResponseReturnValue:
    """The one line's script: a button, and nothing else until somebody presses it."""
    response = send_from_directory(FOLDER, "loader.js", mimetype="text/javascript", max_age=600)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@pages.get("/widget/assets/<version>/<path:name>")
@policy("public")
def asset(version: str, name: str) -> ResponseReturnValue:
    """A script or style of the card. Its address changes with its content, so browsers keep it for good."""
    if version != assets_version():
        return send_from_directory(FOLDER, name, max_age=0)
    response = send_from_directory(FOLDER, name, max_age=31536000)
    response.cache_control.immutable = True
    return response


@pages.get("/widget")
@policy("visitor")
def show_card() -> ResponseReturnValue:
    """The card. Only sites of the inbox's `allowed_domains` may frame it, or all when it names none."""
    place = website()
    _speak_for(place)
    g.frame_ancestors = frame_ancestors(place.inbox)
    with place.own_account():
        known = card(place)
    known |= {"token": token(place.inbox, new_source()), "words": words()}
    response = Response(render_template("widget/card.html", card=known, version=assets_version()))
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.get("/widget/look")
@policy("visitor")
def look() -> ResponseReturnValue:
    """What the button needs: colours, side, words. 403 on a site that may not have it."""
    try:
        place = website()
        _refuse_stranger(place.inbox)
    except Problem as problem:
        return _for_any_site(tell(problem))
    _speak_for(place)
    colours = accent(place.inbox.settings.get("widget_color"))
    said = words()
    known = {
        "fill": colours.fill,
        "on_fill": colours.on_fill,
        "side": "left" if place.inbox.settings.get("position") == "left" else "right",
        "title": str(place.inbox.settings.get("launcher_title") or ""),
        "words": {name: said[name] for name in ("open", "close", "chat", "unread")},
    }
    response = _for_any_site(jsonify(known))
    response.headers["Cache-Control"], response.headers["Vary"] = "public, max-age=300", "Origin"
    return response


@pages.post("/widget/unread")
@policy("visitor")
def unread() -> ResponseReturnValue:
    """{"unread": n} for the token in the body, a plain text: so that browsers ask no leave before each question."""
    try:
        place = website()
    except Problem as problem:
        return _for_any_site(tell(problem))
    source_id = known_source(request.get_data(as_text=True)[:2000], place.inbox)
    count = 0
    if source_id is not None:
        with place.own_account():
            identity = Visitor(place.inbox, place.account, source_id).identity()
            count = sum(unread_by_visitor(identity).values()) if identity else 0
    return _for_any_site(jsonify({"unread": count}))


def frame_ancestors(inbox: Inbox) -> str:
    """Who may frame the card, as Content-Security-Policy wants it."""
    allowed = allowed_hosts(inbox)
    return ANY_SITE if allowed is None else " ".join(["'self'", *allowed])


def allowed_hosts(inbox: Inbox) -> list[str] | None:
    """settings["allowed_domains"]: hosts in a list or divided by commas, `*.` for all below. None: any site."""
    given = inbox.settings.get("allowed_domains") or []
    names = re.split(r"[,\s]+", given) if isinstance(given, str) else [str(name) for name in given]
    named = [name for name in names if name.strip()]
    return [host for host in map(_host, named) if host] if named else None


def may_frame(inbox: Inbox, origin: str) -> bool:
    """Whether a site of that origin may show the card."""
    allowed = allowed_hosts(inbox)
    host = urlsplit(origin).netloc.lower()
    if allowed is None or host == request.host:
        return True
    return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in allowed)


@cache
def assets_version() -> str:
    """Changes when any file of the card does; the same in all processes of a release."""
    digest = hashlib.sha256()
    for path in sorted(Path(FOLDER).iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _host(name: str) -> str:
    """shop.example from https://shop.example/cart; "" when there is no host in it."""
    bare = re.sub(r"^[a-z]+://", "", name.strip().lower()).partition("/")[0]
    try:
        wild, rest = ("*.", bare[2:]) if bare.startswith("*.") else ("", bare)
        bare = wild + rest.encode("idna").decode() if not rest.isascii() else bare
    except UnicodeError:
        return ""
    return bare if _HOST.fullmatch(bare) else ""


def _refuse_stranger(inbox: Inbox) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and not may_frame(inbox, origin):
        raise NotAllowed(_("This chat belongs to another site."))


def _speak_for(place: Website) -> None:
    if not request.args.get("locale"):
        speak(place.account.locale, place.account.timezone)


def _for_any_site(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
