"""Questions about the help center. Readers are shown published articles alone; everything else is "not found" to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, func, literal, or_, select, text, tuple_
from sqlalchemy import Row as ResultRow
from sqlalchemy.dialects.postgresql import REGCONFIG, TSQUERY
from sqlmodel import col
from sqlmodel import select as rows

from app.accounts.models import Account, AccountStatus
from app.database import session
from app.errors import NotFound
from app.help_center.models import Article, ArticleStatus, Category, Portal
from app.i18n import _
from app.text import folded
from app.users import queries as users
from app.users.models import User

FIRST_ARTICLES = 5
# What a list needs of an article's text to show how it begins
_BEGINNING = 600
# A question of many words finds by its longest, which are its rarest: each more costs a look at all that match it
_MOST_WORDS = 5
# How many of the best by rank are weighed again, and what a rank (0 to 1) is worth beside the rarity of a word (0 to 5)
_LIKED, _RANK_WEIGHT = 200, 50
_PREVIOUS, _NEXT = -1, 1


@dataclass(frozen=True)
class Listed:
    """A published article as lists show it. beginning: its description, or the first letters of its Markdown; content:
    the Markdown itself, where a search found it."""

    id: int
    locale: str
    slug: str
    title: str
    beginning: str
    category_id: int | None
    author_id: int | None
    updated_at: datetime
    external_id: str | None
    content: str = ""


@dataclass(frozen=True)
class Shelf:
    """A category with what readers find in it; `category` is None for the articles that have none."""

    category: Category | None
    count: int
    authors: list[User]
    articles: list[Listed]


@dataclass(frozen=True)
class Found:
    """What a search gave, best first, and the stems of the words it looked for."""

    articles: list[Listed]
    stems: list[str]


# -- portals


def portal_at(slug: str) -> Portal:
    """The help center of that address, in whatever account. NotFound where there is none, or none any more."""
    query = rows(Portal).join(Account, col(Account.id) == col(Portal.account_id))
    found = (
        session()
        .exec(
            query.where(
                col(Portal.slug) == slug,
                col(Portal.is_archived).is_(False),
                col(Account.status) == AccountStatus.ACTIVE,
            )
        )
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such help center."))
    return found


def portals(account_id: int) -> list[Portal]:
    """All help centers of the account, by name."""
    return list(session().exec(rows(Portal).where(col(Portal.account_id) == account_id).order_by(col(Portal.name))))


def portal(account_id: int, slug: str) -> Portal:
    """A help center of the account, archived ones too. NotFound for any other."""
    found = session().exec(rows(Portal).where(col(Portal.account_id) == account_id, col(Portal.slug) == slug)).first()
    if found is None:
        raise NotFound(_("There is no such help center."))
    return found


# -- categories


def categories(portal: Portal, locale: str) -> list[Category]:
    """Its categories in that language, by position."""
    query = rows(Category).where(*_in(Category, _place(portal, locale)))
    return list(session().exec(query.order_by(col(Category.position), col(Category.id))))


def category(portal: Portal, locale: str, slug: str) -> Category:
    """The category at that address. NotFound where there is none."""
    found = (
        session().exec(rows(Category).where(*_in(Category, _place(portal, locale)), col(Category.slug) == slug)).first()
    )
    if found is None:
        raise NotFound(_("There is no such category."))
    return found


def category_of(article: Article) -> Category | None:
    """Where the article stands."""
    if article.category_id is None:
        return None
    return session().get(Category, (article.account_id, article.category_id))


def locales_of_category(portal: Portal, slug: str) -> list[str]:
    """The languages that have a category of that slug: it is the same one."""
    query = rows(Category.locale).where(
        col(Category.account_id) == portal.account_id, col(Category.portal_id) == portal.id, col(Category.slug) == slug
    )
    return list(session().exec(query.order_by(col(Category.locale))))


def shelves(portal: Portal, locale: str) -> list[Shelf]:
    """The categories that have something to read, with their first articles; at the end what has no category. Four
    queries, however many there are."""
    counts, authors = _counts(portal, locale)
    articles: dict[int | None, list[Listed]] = {}
    for article in _first_articles(portal, locale):
        articles.setdefault(article.category_id, []).append(article)
    places: list[Category | None] = [*categories(portal, locale), None]
    ids = [place.id if place else None for place in places]
    return [
        Shelf(place, counts[place_id], authors[place_id], articles[place_id])
        for place, place_id in zip(places, ids, strict=True)
        if counts.get(place_id)
    ]


def shelf(portal: Portal, locale: str, category: Category | None, *, limit: int, skip: int = 0) -> Shelf:
    """One category with `limit` of its articles after the first `skip`."""
    category_id = category.id if category else None
    counts, authors = _counts(portal, locale, category_id)
    query = _listed(_place(portal, locale)).where(_of(category_id))
    found = session().execute(query.order_by(*_by_position()).limit(limit).offset(skip))
    return Shelf(category, counts.get(category_id, 0), authors.get(category_id, []), [_as_listed(row) for row in found])


# -- articles


def article(portal: Portal, locale: str, slug: str) -> Article:
    """The published article at that address. NotFound for drafts, archived ones and all others."""
    found = session().exec(rows(Article).where(*_published(_place(portal, locale)), col(Article.slug) == slug)).first()
    if found is None:
        raise NotFound(_("There is no such article."))
    return found


def neighbours(article: Article) -> tuple[Listed | None, Listed | None]:
    """The published articles before and after it in its category."""
    return _neighbour(article, _PREVIOUS), _neighbour(article, _NEXT)


def translations(article: Article) -> dict[str, str]:
    """The same article in the other languages: {locale: slug}. They share an external_id, or one names the other."""
    original = article.associated_article_id or article.id
    is_same = or_(col(Article.id) == original, col(Article.associated_article_id) == original)
    if article.external_id is not None:
        is_same = or_(is_same, col(Article.external_id) == article.external_id)
    query = select(col(Article.locale), col(Article.slug)).where(
        col(Article.account_id) == article.account_id,
        col(Article.portal_id) == article.portal_id,
        col(Article.status) == ArticleStatus.PUBLISHED,
        col(Article.locale) != article.locale,
        is_same,
    )
    return {locale: slug for locale, slug in session().execute(query.order_by(col(Article.id).desc()))}


def popular(portal: Portal, locale: str, limit: int) -> list[Listed]:
    """What is read most, if anything was read."""
    query = _listed(_place(portal, locale), with_beginning=False).where(col(Article.views) > 0)
    found = session().execute(query.order_by(col(Article.views).desc(), col(Article.id)).limit(limit))
    return [_as_listed(row) for row in found]


def everything(portal: Portal, limit: int) -> list[tuple[str, str, datetime]]:
    """Locale, slug and last change of the published articles, newest first: for search engines."""
    query = select(col(Article.locale), col(Article.slug), col(Article.updated_at)).where(
        col(Article.account_id) == portal.account_id,
        col(Article.portal_id) == portal.id,
        col(Article.status) == ArticleStatus.PUBLISHED,
        col(Article.locale).in_(portal.locales),
    )
    found = session().execute(query.order_by(col(Article.updated_at).desc(), col(Article.id)).limit(limit))
    return [(locale, slug, updated_at) for locale, slug, updated_at in found]


def author(article: Article) -> User | None:
    """Who wrote it, if he still works here."""
    if article.author_id is None:
        return None
    return users.users({article.author_id}).get(article.author_id)


# -- search


def search(portal: Portal, locale: str, words: str, limit: int = 10) -> Found:
    """Articles for what somebody typed, perhaps not to its end: those with its words first, in whatever form; when they are
    fewer than `limit`, also those whose titles are nearly so."""
    stems = _stems(locale, words)
    found = _with_words(portal, locale, stems, limit) if stems else []
    if len(found) < limit and words.strip():
        known = {article.id for article in found}
        found += [article for article in _nearly(portal, locale, words, limit) if article.id not in known]
    return Found(found[:limit], stems)


def _stems(locale: str, words: str) -> list[str]:
    """The stems in order of their places, without words that say nothing; the same that are indexed."""
    config = literal("russian" if locale == "ru" else "english").cast(REGCONFIG)
    vector = func.unnest(func.to_tsvector(config, folded(words))).table_valued("lexeme", "positions", "weights")
    query = select(vector.c.lexeme).order_by(text("positions[1]"))
    return list(session().execute(query).scalars())


def _with_words(portal: Portal, locale: str, stems: list[str], limit: int) -> list[Listed]:
    """ts_rank knows no rare words from common ones: of those it likes best, the ones with the rarer words go first."""
    kept = sorted(stems, key=len)[-_MOST_WORDS:]
    terms = [_quoted(stem) + (":*" if stem == stems[-1] else "") for stem in stems if stem in kept]
    words, some = col(Article.words), literal(" | ".join(terms)).cast(TSQUERY)
    # 1: long articles have more words, which is no merit
    rank = func.ts_rank(words, some, 1).label("rank")
    place = _place(portal, locale)
    best = select(col(Article.id), words, rank).where(*_published(place), words.op("@@")(some))
    liked = best.order_by(rank.desc(), col(Article.id)).limit(_LIKED).subquery()
    score = _RANK_WEIGHT * liked.c.rank
    for term in terms:
        has = liked.c.words.op("@@")(literal(term).cast(TSQUERY)).cast(Integer)
        score += has * func.ln(1 + func.count().over() / (0.5 + func.sum(has).over()))
    chosen = select(liked.c.id, score.label("score")).order_by(score.desc(), liked.c.id).limit(limit).subquery()
    query = _listed(place, Article.content).join(chosen, chosen.c.id == col(Article.id))
    return [Listed(*row) for row in session().execute(query.order_by(chosen.c.score.desc(), chosen.c.id))]


def _nearly(portal: Portal, locale: str, words: str, limit: int) -> list[Listed]:
    near = func.similar_titles(portal.id, locale, folded(words), limit).table_valued("article_id", "similarity")
    query = _listed(_place(portal, locale), Article.content).join(near, near.c.article_id == col(Article.id))
    return [Listed(*row) for row in session().execute(query.order_by(near.c.similarity.desc(), col(Article.id)))]


def _quoted(stem: str) -> str:
    doubled = stem.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


# -- what they are made of


@dataclass(frozen=True)
class _Place:
    """A portal in one language."""

    account_id: int
    portal_id: int
    locale: str


def _place(portal: Portal, locale: str) -> _Place:
    return _Place(portal.account_id, portal.id, locale)


def _in(kind: type[Article] | type[Category], place: _Place) -> tuple[Any, ...]:
    return (
        col(kind.account_id) == place.account_id,
        col(kind.portal_id) == place.portal_id,
        col(kind.locale) == place.locale,
    )


def _published(place: _Place) -> tuple[Any, ...]:
    return (*_in(Article, place), col(Article.status) == ArticleStatus.PUBLISHED)


def _listed(place: _Place, *more: Any, with_beginning: bool = True) -> Select[Any]:
    """Their columns in the order of Listed, then `more`. Beginnings lie apart from the row: read where they are shown."""
    beginning = func.coalesce(func.nullif(col(Article.description), ""), func.left(col(Article.content), _BEGINNING))
    columns: list[Any] = [
        Article.id,
        Article.locale,
        Article.slug,
        Article.title,
        beginning if with_beginning else literal(""),
        Article.category_id,
        Article.author_id,
        Article.updated_at,
        Article.external_id,
        *more,
    ]
    return select(*columns).where(*_published(place))


def _of(category_id: int | None) -> Any:
    # "is not distinct from" says both at once, and uses no index
    category = col(Article.category_id)
    return category.is_(None) if category_id is None else category == category_id


def _by_position() -> tuple[Any, Any]:
    return col(Article.position), col(Article.id)


def _as_listed(row: ResultRow[Any]) -> Listed:
    return Listed(*tuple(row)[:9])


def _counts(
    portal: Portal, locale: str, *category_ids: int | None
) -> tuple[dict[int | None, int], dict[int | None, list[User]]]:
    """How many published articles each category has, and who wrote them, those who wrote most first."""
    query = select(col(Article.category_id), col(Article.author_id), func.count().label("n")).where(
        *_published(_place(portal, locale))
    )
    if category_ids:
        query = query.where(_of(category_ids[0]))
    found = session().execute(
        query.group_by(col(Article.category_id), col(Article.author_id)).order_by(text("n desc"), func.min(Article.id))
    )
    counts: dict[int | None, int] = {}
    author_ids: dict[int | None, list[int]] = {}
    for category_id, author_id, n in found:
        counts[category_id] = counts.get(category_id, 0) + n
        author_ids.setdefault(category_id, []).append(author_id)
    people = users.users({found for ids in author_ids.values() for found in ids if found is not None})
    return counts, {place: [people[found] for found in ids if found in people] for place, ids in author_ids.items()}


def _first_articles(portal: Portal, locale: str) -> list[Listed]:
    number = func.row_number().over(partition_by=col(Article.category_id), order_by=_by_position())
    numbered = _listed(_place(portal, locale), number.label("number"), with_beginning=False).subquery()
    query = select(numbered).where(numbered.c.number <= FIRST_ARTICLES).order_by(numbered.c.number)
    return [_as_listed(row) for row in session().execute(query)]


def _neighbour(article: Article, direction: int) -> Listed | None:
    here = tuple_(literal(article.position), literal(article.id))
    there = tuple_(*_by_position())
    query = _listed(_Place(article.account_id, article.portal_id, article.locale), with_beginning=False).where(
        _of(article.category_id),
        there > here if direction == _NEXT else there < here,
    )
    order = [column.asc() if direction == _NEXT else column.desc() for column in _by_position()]
    found = session().execute(query.order_by(*order).limit(1)).first()
    return None if found is None else _as_listed(found)
