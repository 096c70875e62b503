"""What Captain remembers and suggests at the agents' desk"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.dialects import postgresql

from app.migrations.columns import key, parent
from app.migrations.security import grant_sequences, secure

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KINDS = ("rewrite", "summary", "translation", "similar", "label", "canned", "copilot")
STATES = ("shown", "used", "edited", "dismissed", "stale")


def upgrade() -> None:
    _drafts()
    _suggestions()
    _memories()
    _canned_vectors()
    _label_models()
    for table in ("suggestion", "memory", "canned_vector", "label_model"):
        secure(table)
    grant_sequences()


def _drafts() -> None:
    """A message may have several: each next one when somebody asks for another."""
    op.add_column("draft", sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.drop_constraint("uq_draft_account_id_message_id", "draft")
    name = op.f("uq_draft_account_id_message_id_attempt")
    op.create_unique_constraint(name, "draft", ["account_id", "message_id", "attempt"])


def _suggestions() -> None:
    op.create_table(
        "suggestion",
        *key("suggestion"),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        _choice("kind", KINDS, "kind"),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        _text("asked"),
        _text("content"),
        sa.Column("shown", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        _choice("state", STATES, "state"),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("sent_message_id", sa.BigInteger(), nullable=True),
        sa.Column("edit_distance", sa.BigInteger(), nullable=True),
        _moment("created_at"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        parent("suggestion", "conversation", ondelete="CASCADE"),
    )
    op.create_index("ix_suggestion_conversation", "suggestion", ["account_id", "conversation_id", "kind", "id"])
    # the words of a conversation that is to be forgotten may have been shown beside others
    op.create_index("ix_suggestion_shown", "suggestion", ["shown"], postgresql_using="gin",
                    postgresql_ops={"shown": "jsonb_path_ops"})  # fmt: skip


def _memories() -> None:
    op.create_table(
        "memory",
        *key("memory"),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("question_ids", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("answer_ids", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("model", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("embedding", HALFVEC(), nullable=True),
        _moment("created_at"),
        parent("memory", "conversation", ondelete="CASCADE"),
        sa.UniqueConstraint("account_id", "conversation_id", name=op.f("uq_memory_account_id_conversation_id")),
    )


def _canned_vectors() -> None:
    op.create_table(
        "canned_vector",
        *key("canned_vector"),
        sa.Column("canned_response_id", sa.BigInteger(), nullable=False),
        _text("content_hash"),
        _text("model"),
        sa.Column("embedding", HALFVEC(), nullable=True),
        parent("canned_vector", "canned_response", ondelete="CASCADE"),
        sa.UniqueConstraint(
            "account_id", "canned_response_id", name=op.f("uq_canned_vector_account_id_canned_response_id")
        ),
    )


def _label_models() -> None:
    op.create_table(
        "label_model",
        *key("label_model"),
        _text("label"),
        _text("model"),
        sa.Column("weights", postgresql.ARRAY(sa.Float()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("intercept", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("precision", sa.Float(), nullable=False),
        sa.Column("precision_low", sa.Float(), nullable=False),
        sa.Column("recall", sa.Float(), nullable=False),
        sa.Column("example_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _moment("trained_at"),
        sa.UniqueConstraint("account_id", "label", name=op.f("uq_label_model_account_id_label")),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)


def _choice(name: str, values: tuple[str, ...], constraint: str) -> sa.Column[str]:
    """One of `values`, the first by default."""
    kind = sa.Enum(*values, name=constraint, native_enum=False, create_constraint=True, length=40)
    return sa.Column(name, kind, server_default=sa.text(f"'{values[0]}'"), nullable=False)


def _moment(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
