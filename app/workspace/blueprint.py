"""The workspace's blueprint, and what all its pages know."""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from flask import Blueprint, Response, g, make_response, redirect, request
from flask.typing import ResponseReturnValue

from app.assist import actions as assist
from app.assist import copilot
from app.assist.assistance import has_model
from app.assist.models import Draft, Suggestion
from app.clock import now
from app.config import settings
from app.conversations import links
from app.conversations.models import Attachment
from app.conversations.queries import COUNT_LIMIT
from app.database import session
from app.events import log
from app.i18n import _, format_date, format_day, format_number, format_time, to_zone

bp = Blueprint("workspace", __name__)


@bp.app_context_processor
def common() -> dict[str, Any]:
    """Who looks, and how he likes it."""
    viewer = g.get("viewer")
    looks = viewer.user.ui_settings if viewer else {}
    return {
        "viewer": viewer,
        "theme": looks.get("theme", "system"),
        "density": looks.get("density", "comfortable"),
        "has_model": has_model(),
    }


@bp.app_template_filter("initials")
def initials(name: str) -> str:
    """Up to two letters for a face without a picture."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:2] if len(words) > 1 else words[:1])).upper() or "?"


@bp.app_template_filter("hue")
def hue(name: str) -> int:
    """The colour of somebody's face: always the same, in degrees."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:4], 16) % 360


@bp.app_template_filter("counted")
def counted(n: int) -> str:
    """How many conversations, where nobody counts beyond COUNT_LIMIT: 12; 999+."""
    return format_number(n) if n < COUNT_LIMIT else f"{COUNT_LIMIT - 1}+"


@bp.app_template_filter("size")
def size(count: int) -> str:
    """184 KB."""
    for unit, name in ((1024 * 1024, _("MB")), (1024, _("KB"))):
        if count >= unit:
            return f"{round(count / unit)}\u00a0{name}"
    return f"{count}\u00a0{_('B')}"


@bp.app_template_filter("ago")
def ago(moment: datetime, present: datetime) -> str:
    """How long ago, as short as it fits beside a name: 2 min, 9:12, yesterday, 21 Nov."""
    seconds = (present - moment).total_seconds()
    if seconds < 3600:
        return _("%(n)s min", n=max(1, int(seconds // 60)))
    days = (to_zone(present).date() - to_zone(moment).date()).days
    if days == 0:
        return format_time(moment)
    return _("yesterday") if days == 1 else format_day(moment)


@bp.app_template_filter("day")
def day(on: date) -> str:
    """A day as a line of the thread says it: today, yesterday, 21 November, 5 January 2025."""
    today = to_zone(now()).date()
    if on == today:
        return _("Today")
    if on == today - timedelta(days=1):
        return _("Yesterday")
    return format_date(on) if on.year != today.year else format_date(on, "d MMMM")


@bp.app_template_filter("day_of")
def day_of(moment: datetime) -> str:
    """The day of a moment by the clocks of the house: 2026-11-21."""
    return to_zone(moment).date().isoformat()


@bp.app_template_filter("readable")
def readable(url: str) -> str:
    """An address as people read it: without its scheme, letters instead of %D0%BA; for the eye alone."""
    words = unquote(url.split("://", 1)[-1])
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words)
    return shown if len(shown) <= 120 else shown[:119] + "…"


@bp.app_template_filter("file_url")
def file_url(attachment: Attachment) -> str:
    """Where the browser fetches it from, for an hour."""
    return links.file_url(attachment)


@bp.app_template_filter("sendable")
def sendable(draft: Draft) -> str:
    """Captain's draft as it would be sent."""
    return assist.sendable(draft)


@bp.app_template_filter("answer_words")
def answer_words(found: Suggestion) -> str:
    """What Captain told an agent, as it would be sent to a customer."""
    return copilot.sendable(found)


def wants_part() -> bool:
    """Whether a script on our page asks, who can take a part of it."""
    return request.headers.get("X-Part") == "true"


def done(where: str) -> ResponseReturnValue:
    """After a change: nothing for scripts, whose screen follows the log; the page itself for everybody else."""
    return ("", 204) if wants_part() else redirect(where, 303)


def part(html: str, status: int = 200) -> Response:
    """A piece of HTML that must never be kept."""
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def newest() -> int:
    """Where the page's stream begins: read it before anything else, so that nothing falls in between."""
    return log.last_seq(session().info["account_id"])


def is_secure() -> bool:
    """Whether people reach us by https, so that cookies may demand it."""
    return settings().public_url.startswith("https://")
