"""An article: to read, to be counted as read, and to judge."""

import re
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from app import limits
from app.config import settings
from app.errors import Invalid, NotAllowed
from app.help_center import actions, queries
from app.help_center.models import Article
from app.i18n import _
from app.policies import policy
from app.portal.blueprint import Place, answer_page, bp, entered, page, wants_part
from app.portal.rendering import render

# A reading is counted once an hour, an opinion once a year; the reader's browser remembers, we do not know him
VIEWED, VIEWED_SECONDS = "kulpunai_viewed", 3600
VOTED, VOTED_SECONDS = "kulpunai_voted", 365 * 24 * 3600
PER_MINUTE = 60
_ROBOT = re.compile(r"bot|crawl|spider|slurp|preview|curl|wget|python|java/|http-client", re.IGNORECASE)


@bp.get("/hc/<portal>/<locale>/articles/<slug>")
@policy("public")
def article(portal: str, locale: str, slug: str) -> ResponseReturnValue:
    """The article, with where it stands and what stands beside it."""
    with entered(portal, locale) as place:
        values = _values(place, queries.article(place.portal, locale, slug))
    return page("articles/page.html", **values, vote=None)


@bp.post("/hc/<portal>/<locale>/articles/<slug>/views")
@policy("public")
def create_view(portal: str, locale: str, slug: str) -> ResponseReturnValue:
    """Count one more reading, unless this reader was counted within the hour or is none."""
    _refuse_foreign_origin()
    with entered(portal, locale) as place:
        found = queries.article(place.portal, locale, slug)
        if VIEWED not in request.cookies and not _is_robot():
            limits.spend(f"view:{request.remote_addr}", 60, PER_MINUTE)
            actions.view(found)
    return _remembering(Response(status=204), place, found, VIEWED, "1", VIEWED_SECONDS)


@bp.post("/hc/<portal>/<locale>/articles/<slug>/votes")
@policy("public")
def create_vote(portal: str, locale: str, slug: str) -> ResponseReturnValue:
    """Count one opinion, `helpful` being 1 or 0. Whoever has said one is thanked again, and nothing else."""
    _refuse_foreign_origin()
    said = request.form.get("helpful")
    if said not in {"0", "1"}:
        raise Invalid("helpful", _("Choose one of the answers offered."))
    with entered(portal, locale) as place:
        found = queries.article(place.portal, locale, slug)
        if VOTED not in request.cookies:
            limits.spend(f"vote:{request.remote_addr}", 60, PER_MINUTE)
            actions.vote(found, is_helpful=said == "1")
        values = _values(place, found)
    template = "articles/_vote.html" if wants_part() else "articles/page.html"
    return _remembering(answer_page(template, **values, vote=said), place, found, VOTED, said, VOTED_SECONDS)


def _values(place: Place, found: Article) -> dict[str, Any]:
    previous, following = queries.neighbours(found)
    place.others = {
        locale: Place(place.portal, locale).article(slug) for locale, slug in queries.translations(found).items()
    }
    return {
        "article": found,
        "path": place.article(found.slug),
        "category": queries.category_of(found),
        "author": queries.author(found),
        "text": render(found.content, place.article("")),
        "previous": previous,
        "following": following,
    }


def _remembering(
    response: Response, place: Place, found: Article, name: str, value: str, seconds: int
) -> ResponseReturnValue:
    # the cookie is the article's own: no list of what somebody has read comes together
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=place.article(found.slug),
        httponly=True,
        samesite="Lax",
        secure=settings().public_url.startswith("https://"),
    )
    return response


def _is_robot() -> bool:
    return _ROBOT.search(request.user_agent.string or "robot") is not None


def _refuse_foreign_origin() -> None:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise NotAllowed(_("This request came from another site."))
