"""The blueprint, the place a reader is in, and how pages are given out.

A page depends on its address alone, never on a cookie or a query: so anybody in between may keep it, and it is asked
for anew (`ETag`) each time, since what is unpublished must be gone at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.models import Account
from app.config import settings
from app.database import across_accounts, session, transaction
from app.errors import NotFound, Problem, TooMany
from app.help_center import queries
from app.help_center.models import Portal
from app.i18n import LOCALES, _, language_name, speak
from app.inboxes.models import Channel, Inbox

FOREIGN = "en"

bp = Blueprint("portal", __name__)


@bp.before_request
def refuse_nonsense() -> None:
    """No address of ours holds a NUL, and PostgreSQL takes none."""
    if "\x00" in request.path:
        raise NotFound(_("There is nothing at this address."))


@dataclass
class Place:
    """A help center in one language, with its addresses; `others` are the languages this page is there in as well."""

    portal: Portal
    locale: str
    others: dict[str, str] = field(default_factory=dict)

    @property
    def account_id(self) -> int:
        return self.portal.account_id

    @property
    def home(self) -> str:
        return f"/hc/{self.portal.slug}/{self.locale}/"

    def category(self, slug: str | None, number: int = 1) -> str:
        """The address of a category, or of what has none; `number`: which of its pages."""
        page = f"/{number}" if number > 1 else ""
        return f"{self.home}categories/{slug}{page}" if slug else f"{self.home}uncategorized{page}"

    def article(self, slug: str) -> str:
        return f"{self.home}articles/{slug}"

    def to(self, locale: str) -> str:
        """This page in another language, or at least the start."""
        return self.others.get(locale) or Place(self.portal, locale).home


@contextmanager
def entered(portal: str, locale: str) -> Iterator[Place]:
    """The place at that address, in a transaction of its account; from here on we speak its language. NotFound without,
    told in the help center's own language."""
    with across_accounts():
        found = queries.portal_at(portal)
    spoken = locale if locale in found.locales else found.default_locale
    # our own words are there in two languages, articles in any
    speak(spoken if spoken in LOCALES else FOREIGN, found.timezone)
    g.place = Place(found, spoken)
    with transaction(found.account_id):
        g.contact = _contact(found)
        if spoken != locale:
            raise NotFound(_("This help center does not speak that language."))
        yield g.place


@dataclass(frozen=True)
class Contact:
    """How a reader gets to a human: the chat of an inbox, by its public key, or an address. Both may be missing."""

    chat: str | None
    email: str


def _contact(portal: Portal) -> Contact:
    account = session().get_one(Account, portal.account_id)
    inbox = session().get(Inbox, (portal.account_id, portal.inbox_id)) if portal.inbox_id else None
    is_chat = inbox is not None and inbox.channel == Channel.WEBSITE and inbox.deleted_at is None
    return Contact(inbox.key if inbox and is_chat else None, account.support_email)


def page(template: str, **values: Any) -> Response:
    """A page for everybody: kept by whoever likes, but never used without asking us whether it is still the same."""
    response = make_response(_rendered(template, values))
    response.headers["Cache-Control"] = "public, max-age=0, must-revalidate"
    response.add_etag()
    response.make_conditional(request)
    return response


def answer_page(template: str, status: int = 200, **values: Any) -> Response:
    """A page, or a part of one, for this reader alone."""
    response = make_response(_rendered(template, values), status)
    response.headers["Cache-Control"] = "no-store"
    return response


def wants_part() -> bool:
    """Whether a script on our page asks, who can take a part of it."""
    return request.headers.get("X-Part") == "true"


def typed() -> str:
    """What the reader is looking for, as far as it makes sense to look for it."""
    words = request.args.get("q") or request.args.get("query") or ""
    return " ".join(words.replace("\x00", " ").encode("utf-8", "ignore").decode().split())


def known() -> dict[str, Any]:
    """What every template of a help center may ask for."""
    place: Place = g.place
    return {
        "place": place,
        "portal": place.portal,
        "contact": g.contact,
        "root": settings().public_url,
        "path": request.path,
        "languages": {locale: language_name(locale) for locale in place.portal.locales},
    }


def _rendered(template: str, values: dict[str, Any]) -> str:
    return render_template(f"portal/{template}", **(known() | values))


@bp.errorhandler(Problem)
def tell(problem: Problem) -> ResponseReturnValue:
    """A refusal: JSON to programs; to readers a page of the help center they are in, with its search."""
    if request.path.endswith(".json") or wants_part():
        response = jsonify({"error": problem.reason})
    elif "place" in g:
        response = make_response(_rendered("problem.html", {"reason": problem.reason}))
    else:
        response = make_response(render_template("problem.html", status=problem.status, reason=problem.reason))
    response.status_code = problem.status
    response.headers["Cache-Control"] = "no-store"
    if isinstance(problem, TooMany):
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    return response
