"""What can be done to portals, categories and articles, and what readers do there."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from babel import Locale, UnknownLocaleError
from slugify import slugify
from sqlalchemy import func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.clock import now
from app.database import session
from app.errors import Invalid
from app.events.record import record
from app.help_center.models import Article, ArticleStatus, Category, Portal
from app.i18n import _, is_timezone
from app.text import CONTENT_LIMIT, NAME_LIMIT, checked
from app.users import queries as users

READER = "reader"
_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_SLUG_LIMIT = 80
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_LINK = re.compile(r"https?://\S+")
_STEP = 10
# What a reader reads: a change of anything else is no news to him
_READ = ("title", "description", "content")


# -- portals


def create_portal(account_id: int, slug: str, name: str, *, by: str, **fields: Any) -> Portal:
    """A new help center under /hc/<slug>; `slug` is unique in the installation. Fields as in `update_portal`."""
    portal = Portal(account_id=account_id, slug=_slug(slug), name=_name(name), created_at=now())
    _change(portal, fields, _PORTAL)
    _keep_default_locale(portal)
    session().add(portal)
    _flush()
    record("portal.created", portal, by=by)
    return portal


def update_portal(portal: Portal, *, by: str, **fields: Any) -> list[str]:
    """Change name, slug, page_title, header_text, homepage_link, color, locales, default_locale, timezone, inbox_id or
    is_archived; returns the names of those that did change."""
    changed = _change(portal, fields, _PORTAL | {"slug": _slug})
    _keep_default_locale(portal)
    if changed:
        _flush()
        record("portal.updated", portal, by=by, changed=changed)
    return changed


# -- categories


def create_category(portal: Portal, locale: str, name: str, *, by: str, slug: str = "", **fields: Any) -> Category:
    """A new shelf at the end of the others; without a `slug`, one is made of the name."""
    _hold(portal)
    category = Category(
        account_id=portal.account_id,
        portal_id=portal.id,
        locale=_locale_of(portal, locale),
        name=_name(name),
        slug=_new_slug(Category, portal, locale, slug, name, "category"),
        position=_last_position(Category, portal, locale) + _STEP,
        created_at=now(),
    )
    _change(category, fields, _CATEGORY)
    session().add(category)
    record("category.created", category, by=by)
    return category


def update_category(category: Category, *, by: str, **fields: Any) -> list[str]:
    """Change name, slug, description, icon or position; returns the names of those that did change."""
    checks = _CATEGORY | {"slug": lambda value: _other_slug(category, value)}
    changed = _change(category, fields, checks)
    if changed:
        record("category.updated", category, by=by, changed=changed)
    return changed


# -- articles


def create_article(
    portal: Portal,
    locale: str,
    title: str,
    content: str,
    *,
    by: str,
    status: ArticleStatus | str = ArticleStatus.DRAFT,
    slug: str = "",
    external_id: str | None = None,
    category: Category | None = None,
    **fields: Any,
) -> Article:
    """A new article, last of its category; without a `slug`, one is made of the title. Fields as in `update_article`."""
    _hold(portal)
    article = Article(
        account_id=portal.account_id,
        portal_id=portal.id,
        locale=_locale_of(portal, locale),
        title=_title(title),
        content=checked("content", content),
        slug=_new_slug(Article, portal, locale, slug, title, "article"),
        external_id=checked("external_id", external_id, NAME_LIMIT) or None,
        status=_status(status),
        created_at=now(),
        updated_at=now(),
    )
    article.category_id = _category_id(article, category)
    article.position = _last_position(Article, portal, locale, category_id=article.category_id) + _STEP
    _change(article, fields, _article_checks(article))
    if article.status == ArticleStatus.PUBLISHED:
        article.published_at = now()
    session().add(article)
    record("article.created", article, by=by)
    if article.status == ArticleStatus.PUBLISHED:
        record("article.published", article, by=by)
    return article


def update_article(article: Article, *, by: str, **fields: Any) -> list[str]:
    """Change title, description, content, slug, category, author_id, associated_article_id, position or meta; returns the
    names of those that did change. `updated_at` moves only with what readers read."""
    if "category" in fields:
        fields["category_id"] = _category_id(article, fields["category"])
    checks = _article_checks(article) | {"slug": lambda value: _other_slug(article, value), "category_id": _id}
    changed = _change(article, fields, checks)
    if any(field in changed for field in _READ):
        article.updated_at = now()
    if changed:
        record("article.updated", article, by=by, changed=changed)
    return changed


def publish(article: Article, *, by: str) -> None:
    """Show it to everybody. Publishing a published one changes nothing."""
    _move(article, ArticleStatus.PUBLISHED, by)


def unpublish(article: Article, *, by: str) -> None:
    """Take it back to the drafts; readers get "not found" from then on."""
    _move(article, ArticleStatus.DRAFT, by)


def archive(article: Article, *, by: str) -> None:
    """Put it away; readers get "not found" from then on."""
    _move(article, ArticleStatus.ARCHIVED, by)


# -- readers


def view(article: Article) -> None:
    """Count one more reading. The door asks for it once an hour and reader."""
    _count(article, "views")
    record("article.viewed", article, by=READER)


def vote(article: Article, *, is_helpful: bool) -> None:
    """Count one more opinion. The door asks for it once a reader."""
    _count(article, "helpful_count" if is_helpful else "unhelpful_count")
    record("article.voted", article, by=READER, is_helpful=is_helpful)


def note_search(portal: Portal, locale: str, hits: int) -> None:
    """A reader has looked for something, and `hits` articles were found: what he typed is his."""
    record("article.searched", portal, by=READER, locale=locale, hits=hits)


def note_answer(portal: Portal, locale: str, article_ids: list[int], confidence: float, *, is_answer: bool) -> None:
    """A reader has asked Captain, who answered out of these articles, or handed over."""
    record(
        "captain.answered" if is_answer else "captain.declined",
        portal,
        by="captain",
        locale=locale,
        article_ids=article_ids,
        confidence=round(confidence, 4),
    )


def note_rating(portal: Portal, locale: str, article_ids: list[int], *, is_helpful: bool) -> None:
    """A reader has said whether Captain's answer out of these articles helped him."""
    record("captain.answer_rated", portal, by=READER, locale=locale, article_ids=article_ids, is_helpful=is_helpful)


# -- what may be written


def _change(row: Any, fields: dict[str, Any], checks: dict[str, Callable[[Any], Any]]) -> list[str]:
    """Set what is in `checks` and differs; the names of those, in order. Others are left alone."""
    wanted = {field: checks[field](value) for field, value in fields.items() if field in checks}
    changed = sorted(field for field, value in wanted.items() if getattr(row, field) != value)
    for field in changed:
        setattr(row, field, wanted[field])
    return changed


def _move(article: Article, status: ArticleStatus, by: str) -> None:
    before, article.status = article.status, status
    if before == status:
        return
    if status == ArticleStatus.PUBLISHED:
        article.published_at = article.published_at or now()
        record("article.published", article, by=by)
    elif before == ArticleStatus.PUBLISHED:
        record("article.unpublished", article, by=by)
    else:
        record("article.updated", article, by=by, changed=["status"])


def _count(article: Article, column: str) -> None:
    # in SQL, since many read at once; the row's other columns, updated_at among them, stay as they are
    counter = getattr(Article, column)
    query = update(Article).where(col(Article.account_id) == article.account_id, col(Article.id) == article.id)
    session().connection().execute(query.values({column: counter + 1}))


def _hold(portal: Portal) -> None:
    """One writer at a time makes something new in a portal: two of one title must not get one slug."""
    query = select(Portal.id).where(col(Portal.account_id) == portal.account_id, col(Portal.id) == portal.id)
    session().exec(query.with_for_update(key_share=True)).one()


def _flush() -> None:
    """Write the portal. What stands in the way may be another account's, so that only the database can see it."""
    try:
        session().flush()
    except IntegrityError as problem:
        name = getattr(getattr(problem.orig, "diag", None), "constraint_name", None)
        if name == "uq_portal_slug":
            raise Invalid("slug", _("This address is taken.")) from problem
        if name == "fk_portal_account_id_inbox_id":
            raise Invalid("inbox_id", _("There is no such inbox.")) from problem
        raise


def _new_slug(
    kind: type[Article] | type[Category], portal: Portal, locale: str, slug: str, name: str, fallback: str
) -> str:
    if slug:
        return _free(kind, portal.account_id, portal.id, locale, _slug(slug))
    base = slugify(name, max_length=_SLUG_LIMIT - 6, word_boundary=True) or fallback
    query = select(kind.slug).where(
        col(kind.account_id) == portal.account_id, col(kind.portal_id) == portal.id, col(kind.locale) == locale
    )
    taken = set(session().exec(query.where(col(kind.slug).startswith(base, autoescape=True))))
    return next(found for found in _numbered(base) if found not in taken)


def _numbered(base: str) -> Iterator[str]:
    yield base
    for number in range(2, 1_000_000):
        yield f"{base}-{number}"


def _other_slug(row: Article | Category, value: object) -> str:
    slug = _slug(value)
    return slug if slug == row.slug else _free(type(row), row.account_id, row.portal_id, row.locale, slug)


def _free(kind: type[Article] | type[Category], account_id: int, portal_id: int, locale: str, slug: str) -> str:
    query = select(kind.id).where(
        col(kind.account_id) == account_id, col(kind.portal_id) == portal_id, col(kind.locale) == locale
    )
    if session().exec(query.where(col(kind.slug) == slug)).first() is not None:
        raise Invalid("slug", _("This address is taken."))
    return slug


def _slug(value: object) -> str:
    slug = checked("slug", value, _SLUG_LIMIT, required=True).lower()
    if not _SLUG.fullmatch(slug):
        raise Invalid("slug", _("An address has Latin letters, digits and hyphens."))
    return slug


def _last_position(kind: type[Article] | type[Category], portal: Portal, locale: str, **where: Any) -> int:
    query = select(func.max(kind.position)).where(
        col(kind.account_id) == portal.account_id, col(kind.portal_id) == portal.id, col(kind.locale) == locale
    )
    return session().exec(query.filter_by(**where)).one() or 0


def _article_checks(article: Article) -> dict[str, Callable[[Any], Any]]:
    return _ARTICLE | {
        "author_id": lambda value: _author_id(article, value),
        "associated_article_id": lambda value: _associated_id(article, value),
    }


def _author_id(article: Article, value: object) -> int | None:
    author_id = _id(value)
    if author_id is not None and users.membership(article.account_id, author_id) is None:
        raise Invalid("author_id", _("There is no such agent."))
    return author_id


def _associated_id(article: Article, value: object) -> int | None:
    other_id = _id(value)
    other = session().get(Article, (article.account_id, other_id)) if other_id is not None else None
    if other_id is not None and (other is None or other.portal_id != article.portal_id):
        raise Invalid("associated_article_id", _("There is no such article."))
    return other_id


def _category_id(article: Article, category: Category | None) -> int | None:
    if category is None:
        return None
    if (category.portal_id, category.locale) != (article.portal_id, article.locale):
        raise Invalid("category", _("This category is of another portal or language."))
    return category.id


def _keep_default_locale(portal: Portal) -> None:
    if portal.default_locale not in portal.locales:
        portal.locales = [portal.default_locale, *portal.locales]


def _locale_of(portal: Portal, value: str) -> str:
    if value not in portal.locales:
        raise Invalid("locale", _("This help center does not speak that language."))
    return value


def _locale(value: object) -> str:
    try:
        Locale.parse(checked("locale", value, 20, required=True), sep="-")
    except (ValueError, UnknownLocaleError):
        raise Invalid("locale", _("There is no such language.")) from None
    return str(value)


def _locales(value: object) -> list[str]:
    if not isinstance(value, list):
        raise Invalid("locales", _("This must be a list."))
    return list(dict.fromkeys(_locale(item) for item in value))


def _name(value: object) -> str:
    return checked("name", value, NAME_LIMIT, required=True)


def _title(value: object) -> str:
    return checked("title", value, NAME_LIMIT, required=True)


def _color(value: object) -> str:
    if not isinstance(value, str) or not _COLOR.fullmatch(value):
        raise Invalid("color", _("A colour looks like #c8102e."))
    return value.lower()


def _link(value: object) -> str:
    link = checked("homepage_link", value, 2000)
    if link and not _LINK.fullmatch(link):
        raise Invalid("homepage_link", _("A link begins with https://."))
    return link


def _timezone(value: object) -> str:
    if not isinstance(value, str) or not is_timezone(value):
        raise Invalid("timezone", _("There is no such time zone."))
    return value


def _status(value: object) -> ArticleStatus:
    try:
        return ArticleStatus(str(value))
    except ValueError:
        raise Invalid("status", _("An article is draft, published or archived.")) from None


def _position(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise Invalid("position", _("This must be a number."))
    return value


def _meta(value: object) -> dict[str, Any]:
    """{"title": …, "description": …, "tags": […]}: what search engines are told instead."""
    if not isinstance(value, dict):
        raise Invalid("meta", _("This must be an object."))
    told: dict[str, Any] = {name: checked("meta", value.get(name), 500) for name in ("title", "description")}
    tags = value.get("tags")
    told["tags"] = [checked("meta", tag, NAME_LIMIT) for tag in tags[:50]] if isinstance(tags, list) else []
    return {name: said for name, said in told.items() if said}


def _id(value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise Invalid("id", _("This must be a number."))
    return value


_PORTAL: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "page_title": lambda value: checked("page_title", value, NAME_LIMIT),
    "header_text": lambda value: checked("header_text", value, NAME_LIMIT),
    "homepage_link": _link,
    "color": _color,
    "locales": _locales,
    "default_locale": _locale,
    "timezone": _timezone,
    "inbox_id": _id,
    "is_archived": bool,
}
_CATEGORY: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "description": lambda value: checked("description", value, 2000),
    "icon": lambda value: checked("icon", value, 40),
    "position": _position,
}
_ARTICLE: dict[str, Callable[[Any], Any]] = {
    "title": _title,
    "description": lambda value: checked("description", value, 2000),
    "content": lambda value: checked("content", value, CONTENT_LIMIT),
    "position": _position,
    "meta": _meta,
}
