"""Portals, categories, articles."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Computed, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field

from app.columns import Row, belongs_to, choice, flag, list_of_words, moment, number, record_of, reference, words


class ArticleStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Portal(Row, table=True):
    """A help center, under /hc/<slug>."""

    slug: str = words(unique=True)
    name: str = words()
    page_title: str = words()
    header_text: str = words()
    homepage_link: str = words()
    color: str = words("#c8102e")
    default_locale: str = words("ru")
    locales: list[str] = list_of_words()
    timezone: str = words("Europe/Moscow")
    inbox_id: int | None = reference(nullable=True)
    is_archived: bool = flag()
    created_at: datetime = moment(is_now=True)

    __table_args__ = (belongs_to("inbox", "inbox_id"),)

    def facts(self) -> dict[str, Any]:
        return {"portal_id": self.id}


class Category(Row, table=True):
    """A shelf of a portal, in one language."""

    portal_id: int = reference()
    locale: str = words("ru")
    slug: str = words()
    name: str = words()
    description: str = words()
    icon: str = words()
    position: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = moment(is_now=True)

    __table_args__ = (
        belongs_to("portal", "portal_id"),
        UniqueConstraint("account_id", "portal_id", "locale", "slug"),
    )

    def facts(self) -> dict[str, Any]:
        return {"category_id": self.id}


# Russian words by Russian stems, all others by English ones; ё is е, as people type it.
_WORDS = (
    "case when locale = 'ru' then"
    " setweight(to_tsvector('russian', translate(lower(title), 'ё', 'е')), 'A') ||"
    " setweight(to_tsvector('russian', translate(lower(description), 'ё', 'е')), 'B') ||"
    " to_tsvector('russian', translate(lower(content), 'ё', 'е'))"
    " else"
    " setweight(to_tsvector('english', lower(title)), 'A') ||"
    " setweight(to_tsvector('english', lower(description)), 'B') ||"
    " to_tsvector('english', lower(content)) end"
)


class Article(Row, table=True):
    """An article, in Markdown. `updated_at` moves with its content alone, not with views or votes."""

    portal_id: int = reference()
    category_id: int | None = reference(nullable=True)
    locale: str = words("ru")
    slug: str = words()
    external_id: str | None = words(nullable=True)
    title: str = words()
    description: str = words()
    content: str = words()
    status: ArticleStatus = choice(ArticleStatus, ArticleStatus.DRAFT, "status")
    author_id: int | None = reference(nullable=True)
    associated_article_id: int | None = reference(nullable=True)
    position: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    meta: dict[str, Any] = record_of()
    views: int = number()
    helpful_count: int = number()
    unhelpful_count: int = number()
    created_at: datetime = moment(is_now=True)
    updated_at: datetime = moment(is_now=True)
    published_at: datetime | None = moment()
    words: Any = Field(default=None, sa_column=Column(TSVECTOR, Computed(_WORDS, persisted=True)))

    __table_args__ = (
        belongs_to("portal", "portal_id"),
        belongs_to("category", "category_id"),
        UniqueConstraint("account_id", "portal_id", "locale", "slug"),
        Index(
            "uq_article_external",
            "account_id",
            "portal_id",
            "locale",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
        Index("ix_article_category", "account_id", "category_id", "status", "position"),
        Index("ix_article_words", "words", postgresql_using="gin"),
        Index(
            "ix_article_title",
            "account_id",
            text("translate(lower(title), 'ё', 'е') gin_trgm_ops"),
            postgresql_using="gin",
        ),
    )

    def facts(self) -> dict[str, Any]:
        return {"article_id": self.id, "status": self.status}
