"""Trials of an assistant against the past"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations.columns import key, parent
from app.migrations.security import grant_sequences, secure

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATES = ("waiting", "running", "done", "stopped", "failed")


def upgrade() -> None:
    op.create_table(
        "trial",
        *key("trial"),
        sa.Column("assistant_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="state", native_enum=False, create_constraint=True, length=40),
            server_default=sa.text("'waiting'"),
            nullable=False,
        ),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _record("current"),
        _record("candidate"),
        sa.Column("question_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("split_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        parent("trial", "assistant"),
    )
    op.create_index("ix_trial_assistant", "trial", ["account_id", "assistant_id", sa.text("id desc")])
    op.create_table(
        "trial_question",
        *key("trial_question"),
        sa.Column("trial_id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("is_done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _record("current"),
        _record("candidate"),
        parent("trial_question", "trial"),
        parent("trial_question", "conversation"),
        sa.UniqueConstraint(
            "account_id", "trial_id", "conversation_id", name=op.f("uq_trial_question_account_id_trial_id_conversation_id")
        ),
    )  # fmt: skip
    for table in ("trial", "trial_question"):
        secure(table)
    grant_sequences()


def _record(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
