"""Search: a page that needs no script, a short list while somebody types, and JSON for the widget."""

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app import limits
from app.config import settings
from app.help_center import actions, queries, wire
from app.policies import policy
from app.portal.blueprint import answer_page, bp, entered, typed
from app.portal.snippets import marked, snippet

ON_PAGE, WHILE_TYPING = 20, 6
PER_MINUTE = 3000


@bp.get("/hc/<portal>/<locale>/search")
@policy("public")
def search(portal: str, locale: str) -> ResponseReturnValue:
    """What there is to `q`; the log learns how much that was."""
    _spend()
    words = typed()
    with entered(portal, locale) as place:
        found = queries.search(place.portal, locale, words, ON_PAGE)
        shelves = {category.id: category for category in queries.categories(place.portal, locale)}
        if words:
            actions.note_search(place.portal, locale, len(found.articles))
    return answer_page("search/page.html", words=words, found=found, categories=shelves, marked=marked, snippet=snippet)


@bp.get("/hc/<portal>/<locale>/suggestions")
@policy("public")
def suggestions(portal: str, locale: str) -> ResponseReturnValue:
    """The first few, for who is still typing."""
    _spend()
    words = typed()
    with entered(portal, locale) as place:
        found = queries.search(place.portal, locale, words, WHILE_TYPING)
    return answer_page("search/_suggestions.html", words=words, found=found, marked=marked)


@bp.get("/hc/<portal>/<locale>/articles.json")
@policy("public")
def articles(portal: str, locale: str) -> ResponseReturnValue:
    """What there is to `query`, as programs read it."""
    _spend()
    with entered(portal, locale) as place:
        found = queries.search(place.portal, locale, typed(), ON_PAGE)
    rows = [wire.listed(article, settings().public_url + place.article(article.slug)) for article in found.articles]
    response = jsonify({"payload": rows, "meta": {"articles_count": len(rows)}})
    response.headers["Cache-Control"] = "no-store"
    return response


def _spend() -> None:
    limits.spend(f"search:{request.remote_addr}", 60, PER_MINUTE)
