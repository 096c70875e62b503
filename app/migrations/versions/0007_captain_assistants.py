"""Assistants, and what Captain knows besides the help center"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations.columns import key, parent
from app.migrations.security import SYSTEM, grant_sequences, secure

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _assistants()
    _sources()
    _documents()
    _passages()
    # few of many messages, looked through for what an article has answered
    op.create_index(
        "ix_message_captain", "message", ["account_id", "id"], postgresql_where=sa.text("sender_type = 'captain'")
    )
    op.execute("create index ix_event_abstained on event (account_id, seq) where name = 'captain.abstained'")
    for table in ("assistant", "source", "document"):
        secure(table)
    grant_sequences()
    _first_assistants()


def _assistants() -> None:
    op.create_table(
        "assistant",
        *key("assistant"),
        _text("name"),
        _choice("tone", ("friendly", "formal"), "tone"),
        _text("instructions"),
        _text("greeting"),
        sa.Column("accepted_error", sa.Float(), server_default=sa.text("0.1"), nullable=False),
        _choice("mode", ("drafts", "off", "answers"), "mode"),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("portal_ids", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("category_ids", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("locales", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _moment("created_at"),
        sa.CheckConstraint("accepted_error between 0 and 1", name=op.f("ck_assistant_accepted_error")),
    )
    op.create_index(
        "uq_assistant_default", "assistant", ["account_id"], unique=True, postgresql_where=sa.text("is_default")
    )
    op.add_column("inbox", sa.Column("assistant_id", sa.BigInteger(), nullable=True))
    op.add_column("inbox", sa.Column("captain_answers", sa.Boolean(), server_default=sa.text("false"), nullable=False))


def _sources() -> None:
    op.create_table(
        "source",
        *key("source"),
        sa.Column("assistant_id", sa.BigInteger(), nullable=False),
        _choice("kind", ("page", "file", "sitemap"), "kind"),
        _choice("state", ("waiting", "ready", "failed"), "state"),
        _text("name"),
        _text("url"),
        sa.Column("path", sa.Text(), nullable=True),
        _text("content_type"),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("found_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("read_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("every_hours", sa.BigInteger(), server_default=sa.text("24"), nullable=False),
        _moment("created_at"),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        parent("source", "assistant"),
    )


def _documents() -> None:
    op.create_table(
        "document",
        *key("document"),
        sa.Column("assistant_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=True),
        _choice("kind", ("faq", "file", "page"), "kind"),
        _choice("state", ("pending", "approved", "rejected"), "state"),
        _text("title"),
        _text("content"),
        _text("url"),
        _text("locale", "ru"),
        sa.Column("conversation_id", sa.BigInteger(), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        parent("document", "assistant"),
        parent("document", "source"),
        parent("document", "conversation"),
    )
    op.create_index("ix_document_assistant", "document", ["account_id", "assistant_id", "kind", "state"])
    op.create_index("ix_document_source", "document", ["account_id", "source_id", "url"])


def _passages() -> None:
    for column in ("article_id", "portal_id"):
        op.alter_column("passage", column, nullable=True)
    op.add_column("passage", sa.Column("document_id", sa.BigInteger(), nullable=True))
    op.add_column("passage", sa.Column("assistant_id", sa.BigInteger(), nullable=True))
    op.add_column("passage", _text("url"))
    # of any dimension: another model may have another one
    op.execute("alter table passage alter column embedding type halfvec")
    op.create_foreign_key(
        op.f("fk_passage_account_id_document_id"),
        "passage",
        "document",
        ["account_id", "document_id"],
        ["account_id", "id"],
    )
    op.create_check_constraint(op.f("ck_passage_parent"), "passage", "num_nonnulls(article_id, document_id) = 1")
    op.create_unique_constraint(
        op.f("uq_passage_account_id_document_id_position"), "passage", ["account_id", "document_id", "position"]
    )
    op.create_index(
        "ix_passage_assistant",
        "passage",
        ["account_id", "assistant_id"],
        postgresql_where=sa.text("assistant_id is not null"),
    )


def _first_assistants() -> None:
    """One for each account that has none, drafting as Captain did until now; the role, because the owner sees no rows."""
    op.execute(f"set local role {SYSTEM}")
    op.execute(
        "insert into assistant (account_id, name, is_default, mode)"
        " select id, case when locale = 'ru' then 'Капитан' else 'Captain' end, true, 'drafts' from account"
    )
    op.execute("reset role")


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text(f"'{default}'"), nullable=False)


def _choice(name: str, values: tuple[str, ...], constraint: str) -> sa.Column[str]:
    """One of `values`, the first by default."""
    kind = sa.Enum(*values, name=constraint, native_enum=False, create_constraint=True, length=40)
    return sa.Column(name, kind, server_default=sa.text(f"'{values[0]}'"), nullable=False)


def _moment(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
