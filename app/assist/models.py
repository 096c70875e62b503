"""Captain's assistants, the passages of articles as he sees them, and what he proposed."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.types import UserDefinedType
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
INDEXED_DIMENSIONS = 1024  # of vectors that an index holds: a row of a btree has at most 2,704 bytes, a number takes 2

_WORDS = (
    "case when locale = 'ru' then"
    " setweight(to_tsvector('russian', translate(lower(title || ' ' || heading), 'ё', 'е')), 'A') ||"
    " to_tsvector('russian', translate(lower(content), 'ё', 'е'))"
    " else"
    " setweight(to_tsvector('english', lower(title || ' ' || heading)), 'A') || to_tsvector('english', lower(content)) end"
)


class HalfVectors(UserDefinedType[list[list[float]]]):
    """A list of vectors: psycopg does not know the type, and reads and writes it as PostgreSQL spells it."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "HALFVEC[]"

    def bind_processor(self, _dialect: Any) -> Any:
        def spelled(vectors: list[list[float]] | None) -> str | None:
            return None if vectors is None else "{" + ",".join(f'"{json.dumps(one)}"' for one in vectors) + "}"

        return spelled

    def result_processor(self, _dialect: Any, _kind: Any) -> Any:
        def read(spelled: str | None) -> list[list[float]] | None:
            return None if spelled is None else [json.loads(one) for one in json.loads(f"[{spelled[1:-1]}]")]

        return read


def _goes_with(parent: str) -> ForeignKeyConstraint:
    """As `belongs_to`, and deleted with its parent."""
    mine, theirs = ["account_id", f"{parent}_id"], [f"{parent}.account_id", f"{parent}.id"]
    return ForeignKeyConstraint(mine, theirs, ondelete="CASCADE")


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
    compared: another model may have another dimension. Unchanged pieces keep theirs. `next_embedding` is another model's,
    `next_model`, which is to replace them all at once: see reembedding.py. A document's pieces are seen by `assistant_id`
    alone, and lead to `url`.

    `sentence_embeddings` are by the same models, of each sentence of `content` in order, and come later. `sentences_hash`
    is of what is read for them: empty where there is nothing to read, null in a piece that was cut before there were any.
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
    next_model: str | None = words(nullable=True)
    next_embedding: Any = Field(default=None, sa_column=Column(HALFVEC(), nullable=True))
    sentences_hash: str | None = words(nullable=True)
    sentence_embeddings: Any = Field(default=None, sa_column=Column(HalfVectors(), nullable=True))
    next_sentence_embeddings: Any = Field(default=None, sa_column=Column(HalfVectors(), nullable=True))
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
        # Everything that is asked of a vector to compare it, so that a question reads no passage but those it finds
        Index(
            "ix_passage_near",
            "account_id",
            "model",
            "position",
            postgresql_include=["id", "article_id", "document_id", "assistant_id", "embedding"],
            postgresql_where=text(f"vector_dims(embedding) <= {INDEXED_DIMENSIONS}"),
        ),
    )


class DraftState(StrEnum):
    SHOWN = "shown"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"
    STALE = "stale"


class Draft(Row, table=True):
    """A reply that Captain proposes to the customer message `message_id`, with its sources. attempt: 0, and one more each
    time somebody asks for another."""

    conversation_id: int = reference()
    message_id: int = reference()
    content: str = words()
    attempt: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
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
        UniqueConstraint("account_id", "message_id", "attempt"),
        Index("ix_draft_conversation", "account_id", "conversation_id", text("id desc")),
    )


class TrialState(StrEnum):
    """STOPPED: another one of the same assistant took its place."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class Trial(Row, table=True):
    """Other settings for an assistant, tried on questions that people have answered since `split_at`.

    current, candidate: what `trials.settings_of` gives, as it was at `version` of the assistant and as it is tried.
    """

    assistant_id: int = reference()
    state: TrialState = choice(TrialState, TrialState.WAITING, "state")
    version: int = number()
    current: dict[str, Any] = record_of()
    candidate: dict[str, Any] = record_of()
    question_count: int = number()
    done_count: int = number()
    split_at: datetime | None = moment()
    error: str | None = words(nullable=True)
    created_by: int | None = number(nullable=True)
    created_at: datetime = moment(is_now=True)
    finished_at: datetime | None = moment()

    __table_args__ = (
        belongs_to("assistant", "assistant_id"),
        Index("ix_trial_assistant", "account_id", "assistant_id", text("id desc")),
    )

    @property
    def is_under_way(self) -> bool:
        return self.state in {TrialState.WAITING, TrialState.RUNNING}

    def facts(self) -> dict[str, Any]:
        return {"trial_id": self.id, "assistant_id": self.assistant_id, "version": self.version}


class TrialQuestion(Row, table=True):
    """What both settings made of the question a conversation began with: `judging.Made` as JSON. Its words stay in the
    conversation, where they can be erased."""

    __tablename__ = "trial_question"

    trial_id: int = reference()
    conversation_id: int = reference()
    is_done: bool = flag()
    current: dict[str, Any] = record_of()
    candidate: dict[str, Any] = record_of()

    __table_args__ = (
        belongs_to("trial", "trial_id"),
        belongs_to("conversation", "conversation_id"),
        UniqueConstraint("account_id", "trial_id", "conversation_id"),
    )


class SuggestionKind(StrEnum):
    REWRITE = "rewrite"
    SUMMARY = "summary"
    TRANSLATION = "translation"
    SIMILAR = "similar"
    LABEL = "label"
    CANNED = "canned"
    COPILOT = "copilot"


class SuggestionState(StrEnum):
    """SHOWN until an agent uses it as it is, changes it, or puts it aside; STALE when the thread has gone on without."""

    SHOWN = "shown"
    USED = "used"
    EDITED = "edited"
    DISMISSED = "dismissed"
    STALE = "stale"


class Suggestion(Row, table=True):
    """Something Captain showed an agent besides a draft, and what became of it.

    asked: the agent's words that it answers, content: those it offers. shown: what it is made of, one record each, with
    the number of what it names: `article_id`, `conversation_id`, `message_id`, `canned_response_id`, `label`.
    user_id: for whom it was made; nobody's is for all who see the conversation. message_id: the customer's newest then.
    """

    conversation_id: int = reference()
    kind: SuggestionKind = choice(SuggestionKind, SuggestionKind.REWRITE, "kind")
    message_id: int | None = number(nullable=True)
    user_id: int | None = number(nullable=True)
    asked: str = words()
    content: str = words()
    shown: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb"))
    )
    confidence: float = 0.0
    state: SuggestionState = choice(SuggestionState, SuggestionState.SHOWN, "state")
    decided_by: int | None = number(nullable=True)
    sent_message_id: int | None = number(nullable=True)
    edit_distance: int | None = number(nullable=True)
    created_at: datetime = moment(is_now=True)
    decided_at: datetime | None = moment()

    __table_args__ = (
        _goes_with("conversation"),
        Index("ix_suggestion_conversation", "account_id", "conversation_id", "kind", "id"),
        Index("ix_suggestion_shown", "shown", postgresql_using="gin", postgresql_ops={"shown": "jsonb_path_ops"}),
    )


class Memory(Row, table=True):
    """A resolved conversation by what was asked in it and what solved it: numbers of its messages, and a vector.

    No words: who reads it reads the messages, so what is erased there is gone here. embedding: of the question; null
    where there was none. Only vectors of one `model` are compared.
    """

    conversation_id: int = reference()
    question_ids: list[int] = list_of_numbers()
    answer_ids: list[int] = list_of_numbers()
    model: str = words()
    embedding: Any = Field(default=None, sa_column=Column(HALFVEC(), nullable=True))
    created_at: datetime = moment(is_now=True)

    __table_args__ = (_goes_with("conversation"), UniqueConstraint("account_id", "conversation_id"))


class CannedVector(Row, table=True):
    """A canned response as the model reads it."""

    __tablename__ = "canned_vector"

    canned_response_id: int = reference()
    content_hash: str = words()
    model: str = words()
    embedding: Any = Field(default=None, sa_column=Column(HALFVEC(), nullable=True))

    __table_args__ = (_goes_with("canned_response"), UniqueConstraint("account_id", "canned_response_id"))


class LabelModel(Row, table=True):
    """When the account's agents give a label, as learned from what they did: a logistic on a question's vector.

    It is suggested from the probability `threshold` on; there the share of right ones was `precision`, and is at least
    `precision_low` with 95 % certainty, on conversations that had not been learned from. example_count: with the label.
    """

    __tablename__ = "label_model"

    label: str = words()
    model: str = words()
    weights: list[float] = Field(
        default_factory=list, sa_column=Column(ARRAY(Float), nullable=False, server_default=text("'{}'"))
    )
    intercept: float = 0.0
    threshold: float = 1.0
    precision: float = 0.0
    precision_low: float = 0.0
    recall: float = 0.0
    example_count: int = number()
    trained_at: datetime = moment(is_now=True)

    __table_args__ = (UniqueConstraint("account_id", "label"),)
