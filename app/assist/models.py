"""Passages of articles as Captain sees them, and what he proposed."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import Column, Computed, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field

from app.columns import Row, belongs_to, choice, flag, moment, number, record_of, reference, words

DIMENSION = 384
TITLE = -1

_WORDS = (
    "case when locale = 'ru' then"
    " setweight(to_tsvector('russian', translate(lower(title || ' ' || heading), 'ё', 'е')), 'A') ||"
    " to_tsvector('russian', translate(lower(content), 'ё', 'е'))"
    " else"
    " setweight(to_tsvector('english', lower(title || ' ' || heading)), 'A') || to_tsvector('english', lower(content)) end"
)


class Passage(Row, table=True):
    """A piece of a published article. Position -1 is the title alone, with a vector of its own (captain.md §2.2).

    `embedding` is null until Captain has come to it; `model` names what made it. Unchanged pieces keep theirs.
    """

    article_id: int = reference()
    portal_id: int = reference()
    locale: str = words("ru")
    position: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    title: str = words()
    heading: str = words()
    content: str = words()
    content_hash: str = words()
    is_whole: bool = flag()
    model: str | None = words(nullable=True)
    embedding: Any = Field(default=None, sa_column=Column(HALFVEC(DIMENSION), nullable=True))
    words: Any = Field(default=None, sa_column=Column(TSVECTOR, Computed(_WORDS, persisted=True)))

    __table_args__ = (
        belongs_to("article", "article_id"),
        UniqueConstraint("account_id", "article_id", "position"),
        Index("ix_passage_scope", "account_id", "portal_id", "locale"),
        Index("ix_passage_words", "words", postgresql_using="gin"),
    )


class DraftState(StrEnum):
    SHOWN = "shown"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"
    STALE = "stale"


class Draft(Row, table=True):
    """A reply that Captain proposes to the customer message `message_id`, with its sources."""

    conversation_id: int = reference()
    message_id: int = reference()
    content: str = words()
    citations: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb"))
    )
    confidence: float = 0.0
    features: dict[str, Any] = record_of()
    state: DraftState = choice(DraftState, DraftState.SHOWN, "state")
    decided_by: int | None = number(nullable=True)
    sent_message_id: int | None = number(nullable=True)
    edit_distance: int | None = number(nullable=True)
    created_at: datetime = moment(is_now=True)
    decided_at: datetime | None = moment()

    __table_args__ = (
        belongs_to("conversation", "conversation_id"),
        belongs_to("message", "message_id"),
        UniqueConstraint("account_id", "message_id"),
        Index("ix_draft_conversation", "account_id", "conversation_id", text("id desc")),
    )
