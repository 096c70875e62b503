"""Portals, categories and articles in Chatwoot's JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from app.help_center.models import Article, ArticleStatus, Category, Portal
from app.help_center.queries import Listed
from app.users.models import User
from app.wire import epoch, iso


def portal(found: Portal, articles: Sequence[Article] = (), categories: Sequence[Category] = ()) -> dict[str, Any]:
    """A portal with how much it holds, counted in what is given."""
    by_status = Counter(article.status for article in articles)
    return {
        "id": found.id,
        "color": found.color,
        "custom_domain": None,
        "header_text": found.header_text,
        "homepage_link": found.homepage_link,
        "name": found.name,
        "page_title": found.page_title,
        "slug": found.slug,
        "archived": found.is_archived,
        "account_id": found.account_id,
        "config": {
            "allowed_locales": [
                {
                    "code": locale,
                    "articles_count": sum(article.locale == locale for article in articles),
                    "categories_count": sum(category.locale == locale for category in categories),
                }
                for locale in found.locales
            ]
        },
        "meta": {
            "all_articles_count": len(articles),
            "archived_articles_count": by_status[ArticleStatus.ARCHIVED],
            "published_count": by_status[ArticleStatus.PUBLISHED],
            "draft_articles_count": by_status[ArticleStatus.DRAFT],
            "categories_count": len(categories),
            "default_locale": found.default_locale,
        },
    }


def category(found: Category, articles_count: int = 0) -> dict[str, Any]:
    """A category with the number of its articles."""
    return {
        "id": found.id,
        "name": found.name,
        "slug": found.slug,
        "locale": found.locale,
        "description": found.description,
        "position": found.position,
        "account_id": found.account_id,
        "icon": found.icon,
        "related_categories": [],
        "meta": {"articles_count": articles_count},
    }


def article(found: Article, category: Category | None = None, author: User | None = None) -> dict[str, Any]:
    """An article, whole."""
    return {
        "id": found.id,
        "slug": found.slug,
        "title": found.title,
        "content": found.content,
        "description": found.description,
        "status": found.status,
        "position": found.position,
        "account_id": found.account_id,
        "updated_at": epoch(found.updated_at),
        "meta": found.meta,
        "category": _shelf(found.category_id, category, found.locale),
        "views": found.views,
        "author": _author(author) if author else None,
        "associated_articles": [],
    }


def listed(found: Listed, url: str) -> dict[str, Any]:
    """An article as a reader's search shows it."""
    return {
        "id": found.id,
        "slug": found.slug,
        "title": found.title,
        "description": found.beginning,
        "locale": found.locale,
        "category_id": found.category_id,
        "updated_at": iso(found.updated_at),
        "link": url,
    }


def _shelf(category_id: int | None, found: Category | None, locale: str) -> dict[str, Any]:
    if found is None:
        return {"id": category_id, "name": None, "slug": None, "locale": locale}
    return {"id": found.id, "name": found.name, "slug": found.slug, "locale": found.locale}


def _author(found: User) -> dict[str, Any]:
    return {"id": found.id, "name": found.name, "available_name": found.available_name}
