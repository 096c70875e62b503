"""Vectors lie together in an index, with all that is asked of them, so that a question reads no passage but those it finds"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_passage_near",
        "passage",
        ["account_id", "model", "position"],
        postgresql_include=["id", "article_id", "document_id", "assistant_id", "embedding"],
        # a row of a btree has at most 2,704 bytes
        postgresql_where=sa.text("vector_dims(embedding) <= 1024"),
    )
