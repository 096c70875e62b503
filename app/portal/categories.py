"""A category: all its articles, page by page."""

from flask.typing import ResponseReturnValue

from app.errors import NotFound
from app.help_center import queries
from app.help_center.models import Category
from app.help_center.queries import Shelf
from app.i18n import _
from app.policies import policy
from app.portal.blueprint import Place, bp, entered, page
from app.portal.snippets import snippet

PER_PAGE = 30


@bp.get("/hc/<portal>/<locale>/categories/<slug>", defaults={"number": 1})
@bp.get("/hc/<portal>/<locale>/categories/<slug>/<int(min=2, max=9999):number>")
@policy("public")
def category(portal: str, locale: str, slug: str, number: int) -> ResponseReturnValue:
    """The category's articles, thirty a page."""
    with entered(portal, locale) as place:
        found = queries.category(place.portal, locale, slug)
        shelf = _shelf(place, found, number)
        place.others = {
            other: Place(place.portal, other).category(slug)
            for other in queries.locales_of_category(place.portal, slug)
            if other != locale
        }
    return page("categories/page.html", snippet=snippet, shelf=shelf, number=number, pages=_pages(shelf))


@bp.get("/hc/<portal>/<locale>/uncategorized", defaults={"number": 1})
@bp.get("/hc/<portal>/<locale>/uncategorized/<int(min=2, max=9999):number>")
@policy("public")
def uncategorized(portal: str, locale: str, number: int) -> ResponseReturnValue:
    """The articles that have no category."""
    with entered(portal, locale) as place:
        shelf = _shelf(place, None, number)
        if not shelf.count:
            raise NotFound(_("There is nothing at this address."))
    return page("categories/page.html", snippet=snippet, shelf=shelf, number=number, pages=_pages(shelf))


def _shelf(place: Place, found: Category | None, number: int) -> Shelf:
    shelf = queries.shelf(place.portal, place.locale, found, limit=PER_PAGE, skip=PER_PAGE * (number - 1))
    if number > 1 and not shelf.articles:
        raise NotFound(_("There is nothing at this address."))
    return shelf


def _pages(shelf: Shelf) -> int:
    return max(1, -(-shelf.count // PER_PAGE))
