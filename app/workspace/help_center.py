"""The help center, from inside: articles in every state, and their editor."""

from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from app.database import session
from app.doors import own_account, viewer
from app.errors import Invalid, NotFound
from app.help_center import actions, queries
from app.help_center.models import Article, ArticleStatus, Category, Portal
from app.i18n import LOCALES, N_, _
from app.policies import policy
from app.workspace.blueprint import bp

STATUS_NAMES = {
    ArticleStatus.PUBLISHED: N_("published"),
    ArticleStatus.DRAFT: N_("draft"),
    ArticleStatus.ARCHIVED: N_("archived"),
}
_MOVES = {
    ArticleStatus.PUBLISHED: actions.publish,
    ArticleStatus.DRAFT: actions.unpublish,
    ArticleStatus.ARCHIVED: actions.archive,
}


@bp.get("/help-center")
@policy("agent")
def help_center() -> ResponseReturnValue:
    """The articles of a portal in one language, shelf by shelf."""
    with own_account():
        portals = queries.portals(viewer().account_id)
        if not portals:
            return render_template("workspace/help_center/nothing.html", problem=None)
        portal = _portal(portals, request.args.get("portal", ""))
        locale = request.args.get("locale", portal.default_locale)
        shelves = {category.id: category for category in queries.categories(portal, locale)}
        query = select(Article).where(
            col(Article.account_id) == portal.account_id,
            col(Article.portal_id) == portal.id,
            col(Article.locale) == locale,
        )
        found = list(session().exec(query.order_by(col(Article.position), col(Article.id)).limit(2000)))
        without: list[Article] = [article for article in found if article.category_id not in shelves]
        filled = [(shelf, [a for a in found if a.category_id == identifier]) for identifier, shelf in shelves.items()]
        by_shelf: list[tuple[Category | None, list[Article]]] = [*filled, (None, without)]
        context = {
            "portal": portal,
            "portals": portals,
            "locale_shown": locale,
            "shelves": by_shelf,
            "names": STATUS_NAMES,
        }
        return render_template("workspace/help_center/page.html", **context)


@bp.post("/help-center")
@policy("administrator")
def create_portal() -> ResponseReturnValue:
    """A help center for the account."""
    form = request.form
    try:
        with own_account():
            actions.create_portal(
                viewer().account_id,
                form.get("slug", ""),
                form.get("name", ""),
                by=viewer().user.actor,
                default_locale=viewer().account.locale,
                locales=list(LOCALES),
                timezone=viewer().account.timezone,
            )
    except Invalid as problem:
        return render_template("workspace/help_center/nothing.html", problem=problem), 422
    return redirect("/help-center", 303)


@bp.get("/help-center/articles/new")
@policy("agent")
def new_article() -> ResponseReturnValue:
    """An empty page."""
    with own_account():
        portal = _portal(queries.portals(viewer().account_id), request.args.get("portal", ""))
        return _editor(portal, request.args.get("locale", portal.default_locale), None)


@bp.post("/help-center/articles")
@policy("agent")
def create_article() -> ResponseReturnValue:
    """A new article, with its author."""
    form = request.form
    with own_account():
        portal = _portal(queries.portals(viewer().account_id), form.get("portal", ""))
    locale = form.get("locale", portal.default_locale)
    try:
        with own_account():
            made = actions.create_article(
                portal,
                locale,
                form.get("title", ""),
                form.get("content", ""),
                by=viewer().user.actor,
                status=form.get("status", ArticleStatus.DRAFT),
                description=form.get("description", ""),
                category=_category(portal, locale),
                author_id=viewer().user.id,
            )
    except Invalid as problem:
        with own_account():
            return _editor(portal, locale, None, problem), 422
    return redirect(f"/help-center/articles/{made.id}?saved=1", 303)


@bp.get("/help-center/articles/<int:article_id>")
@policy("agent")
def article(article_id: int) -> ResponseReturnValue:
    """An article, to be changed."""
    with own_account():
        found = _article(article_id)
        return _editor(session().get_one(Portal, (found.account_id, found.portal_id)), found.locale, found)


@bp.post("/help-center/articles/<int:article_id>")
@policy("agent")
def update_article(article_id: int) -> ResponseReturnValue:
    """Other words, another state."""
    form, by = request.form, viewer().user.actor
    status = form.get("status", "")
    try:
        with own_account():
            found = _article(article_id)
            portal = session().get_one(Portal, (found.account_id, found.portal_id))
            fields = {name: form[name] for name in ("title", "description", "content") if name in form}
            actions.update_article(found, by=by, category=_category(portal, found.locale), **fields)
            if status in set(ArticleStatus) and status != found.status:
                _MOVES[ArticleStatus(status)](found, by=by)
    except Invalid as problem:
        with own_account():
            found = _article(article_id)
            return _editor(
                session().get_one(Portal, (found.account_id, found.portal_id)), found.locale, found, problem
            ), 422
    return redirect(f"/help-center/articles/{article_id}?saved=1", 303)


def _editor(portal: Portal, locale: str, found: Article | None, problem: Invalid | None = None) -> str:
    context: dict[str, Any] = {"portal": portal, "locale_shown": locale, "article": found, "names": STATUS_NAMES}
    categories = queries.categories(portal, locale)
    values = request.form if problem else {}
    return render_template(
        "workspace/help_center/editor.html", categories=categories, problem=problem, values=values, **context
    )


def _portal(portals: list[Portal], slug: str) -> Portal:
    for portal in portals:
        if slug in {"", portal.slug}:
            return portal
    raise NotFound(_("There is no such help center."))


def _article(article_id: int) -> Article:
    found = session().get(Article, (viewer().account_id, article_id))
    if found is None:
        raise NotFound(_("There is no such article."))
    return found


def _category(portal: Portal, locale: str) -> Any:
    slug = request.form.get("category", "")
    return queries.category(portal, locale, slug) if slug else None
