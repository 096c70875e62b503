"""The start of a help center, and what search engines are told of it."""

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.config import settings
from app.database import across_accounts, transaction
from app.errors import NotFound
from app.help_center import queries
from app.i18n import _
from app.policies import policy
from app.portal.blueprint import Place, bp, entered, page

# A sitemap may have 50,000 addresses: https://www.sitemaps.org/protocol.html
MOST_ADDRESSES = 50_000
# Beyond these, categories are shown by name alone, so that the page stays light
FULL_CARDS = 18
POPULAR = 4


@bp.get("/hc/<portal>/")
@policy("public")
def enter(portal: str) -> ResponseReturnValue:
    """To the start in the language the reader likes best, of those there are."""
    with across_accounts():
        found = queries.portal_at(portal)
    wanted = request.accept_languages.best_match(found.locales, found.default_locale)
    response = redirect(Place(found, wanted or found.default_locale).home, 302)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/hc/<portal>/<locale>/")
@policy("public")
def home(portal: str, locale: str) -> ResponseReturnValue:
    """Search, and every category with its first articles."""
    with entered(portal, locale) as place:
        place.others = {other: Place(place.portal, other).home for other in place.portal.locales}
        shelves = queries.shelves(place.portal, locale)
        popular = queries.popular(place.portal, locale, POPULAR)
    return page("portals/page.html", shelves=shelves, popular=popular, full_cards=FULL_CARDS)


@bp.route("/hc/<portal>/<locale>/<path:anything>", methods=["GET", "POST"])
@policy("public")
def nothing(portal: str, locale: str, anything: str) -> ResponseReturnValue:
    """An address that was mistyped is still one of this help center: here its reader can search."""
    with entered(portal, locale):
        raise NotFound(_("There is nothing at this address."))


@bp.get("/hc/<portal>/sitemap.xml")
@policy("public")
def sitemap(portal: str) -> ResponseReturnValue:
    """Every address worth finding, with its last change."""
    with across_accounts():
        found = queries.portal_at(portal)
    with transaction(found.account_id):
        articles = queries.everything(found, MOST_ADDRESSES - len(found.locales))
    places = {locale: Place(found, locale) for locale in found.locales}
    xml = render_template("portal/portals/sitemap.xml", places=places, articles=articles, root=settings().public_url)
    response = make_response(xml)
    response.mimetype = "application/xml"
    response.headers["Cache-Control"] = "public, max-age=0, must-revalidate"
    response.add_etag()
    return response.make_conditional(request)


@bp.get("/robots.txt")
@policy("public")
def robots() -> ResponseReturnValue:
    """Help centers are for everybody, searches in them and the rest of us are not."""
    return Response(ROBOTS, mimetype="text/plain", headers={"Cache-Control": "public, max-age=3600"})


ROBOTS = """\
User-agent: *
Disallow: /
Allow: /hc/
Allow: /assets/
Allow: /static/
Disallow: /hc/*/search
Disallow: /hc/*/suggestions
Disallow: /hc/*/answer
"""
