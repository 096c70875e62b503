"""Captain's assistants, the passages of articles as he sees them, and what he proposed."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import CheckConstraint, Column, Computed, Float, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field

from app.columns import (
    Row,
    belongs_to,
    choice,
    flag,
    list_of_numbers,
    list_of_words,
    moment,
    number,
    record_of,
    reference,
    words,
)

TITLE = -1

_WORDS = (
    "case when locale = 'ru' then"
    " setweight(to_tsvector('russian', translate(lower(title || ' ' || heading), 'ё', 'е')), 'A') ||"
    " to_tsvector('russian', translate(lower(content), 'ё', 'е'))"
    " else"
    " setweight(to_tsvector('english', lower(title || ' ' || heading)), 'A') || to_tsvector('english', lower(content)) end"
)


class Mode(StrEnum):
    """What an assistant does in the inboxes he serves: nothing, drafts for agents, or answers to customers."""

    OFF = "off"
    DRAFTS = "drafts"
    ANSWERS = "answers"


class Tone(StrEnum):
    FRIENDLY = "friendly"
    FORMAL = "formal"


class Assistant(Row, table=True):
    """Captain as one team wants him: his manner, what he may know, how sure he must be.

    accepted_error: of a hundred answers he gives by himself so many hundredths may be wrong; he answers when he is surer
    than 1 − accepted_error. portal_ids, category_ids, locales: the articles he may use; empty for all.
    """

    name: str = words()
    tone: Tone = choice(Tone, Tone.FRIENDLY, "tone")
    instructions: str = words()
    greeting: str = words()
    accepted_error: float = Field(default=0.1, sa_column=Column(Float, nullable=False, server_default=text("0.1")))
    mode: Mode = choice(Mode, Mode.DRAFTS, "mode")
    is_default: bool = flag()
    portal_ids: list[int] = list_of_numbers()
    category_ids: list[int] = list_of_numbers()
    locales: list[str] = list_of_words()
    version: int = Field(default=1, sa_type=Integer, sa_column_kwargs={"server_default": text("1")})
    created_at: datetime = moment(is_now=True)

    __table_args__ = (
        CheckConstraint("accepted_error between 0 and 1", name="accepted_error"),
        Index("uq_assistant_default", "account_id", unique=True, postgresql_where=text("is_default")),
    )

    def facts(self) -> dict[str, Any]:
        return {
            "assistant_id": self.id,
            "version": self.version,
            "mode": self.mode,
            "accepted_error": self.accepted_error,
        }


class SourceKind(StrEnum):
    FILE = "file"
    PAGE = "page"
    SITEMAP = "sitemap"


class SourceState(StrEnum):
    """WAITING until it has been read; READY; or FAILED, with the reason: what was read before stays."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


class Source(Row, table=True):
    """A file or a place on the web that an assistant reads; its texts are documents. Addresses are read again and again.

    found_count, read_count: pages the last reading found, and how many of them it has come to.
    """

    assistant_id: int = reference()
    kind: SourceKind = choice(SourceKind, SourceKind.PAGE, "kind")
    state: SourceState = choice(SourceState, SourceState.WAITING, "state")
    name: str = words()
    url: str = words()
    path: str | None = words(nullable=True)
    content_type: str = words()
    error: str | None = words(nullable=True)
    found_count: int = number()
    read_count: int = number()
    every_hours: int = number(24)
    created_at: datetime = moment(is_now=True)
    checked_at: datetime | None = moment()

    __table_args__ = (belongs_to("assistant", "assistant_id"),)

    def facts(self) -> dict[str, Any]:
        return {"source_id": self.id, "assistant_id": self.assistant_id, "kind": self.kind, "state": self.state}


class DocumentKind(StrEnum):
    FAQ = "faq"
    FILE = "file"
    PAGE = "page"


class DocumentState(StrEnum):
    """Captain knows what is APPROVED; pairs that nobody has looked at are PENDING."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Document(Row, table=True):
    """A text besides the help center: a question (title) with its answer (content), a file, a page of a site."""

    assistant_id: int = reference()
    source_id: int | None = reference(nullable=True)
    kind: DocumentKind = choice(DocumentKind, DocumentKind.FAQ, "kind")
    state: DocumentState = choice(DocumentState, DocumentState.PENDING, "state")
    title: str = words()
    content: str = words()
    url: str = words()
    locale: str = words("ru")
    conversation_id: int | None = reference(nullable=True)
    created_at: datetime = moment(is_now=True)
    updated_at: datetime = moment(is_now=True)
    decided_by: int | None = number(nullable=True)

    __table_args__ = (
        belongs_to("assistant", "assistant_id"),
        belongs_to("source", "source_id"),
        belongs_to("conversation", "conversation_id"),
        Index("ix_document_assistant", "account_id", "assistant_id", "kind", "state"),
        Index("ix_document_source", "account_id", "source_id", "url"),
    )

    def facts(self) -> dict[str, Any]:
        return {"document_id": self.id, "assistant_id": self.assistant_id, "kind": self.kind, "state": self.state}


class Passage(Row, table=True):
    """A piece of a published article or an approved document. Position -1 is the title alone, with a vector of its own
    (captain.md §2.2).

    `embedding` is null until Captain has come to it; `model` names what made it, and only vectors of one model are ever
    compared: another model may have another dimension. Unchanged pieces keep theirs. A document's
    are seen by `assistant_id` alone, and lead to `url`.
    """

    article_id: int | None = reference(nullable=True)
    portal_id: int | None = reference(nullable=True)
    document_id: int | None = reference(nullable=True)
    assistant_id: int | None = reference(nullable=True)
    url: str = words()
    locale: str = words("ru")
    position: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    title: str = words()
    heading: str = words()
    content: str = words()
    content_hash: str = words()
    is_whole: bool = flag()
    model: str | None = words(nullable=True)
    embedding: Any = Field(default=None, sa_column=Column(HALFVEC(), nullable=True))
    words: Any = Field(default=None, sa_column=Column(TSVECTOR, Computed(_WORDS, persisted=True)))

    __table_args__ = (
        belongs_to("article", "article_id"),
        belongs_to("document", "document_id"),
        CheckConstraint("num_nonnulls(article_id, document_id) = 1", name="parent"),
        UniqueConstraint("account_id", "article_id", "position"),
        UniqueConstraint("account_id", "document_id", "position"),
        Index("ix_passage_scope", "account_id", "portal_id", "locale"),
        Index("ix_passage_assistant", "account_id", "assistant_id", postgresql_where=text("assistant_id is not null")),
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
