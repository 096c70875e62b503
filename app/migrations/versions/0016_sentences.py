"""A vector for every sentence of a passage, beside the passage's own: it goes and comes with its row, policies included"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("passage", sa.Column("sentences_hash", sa.Text(), nullable=True))
    for name in ("sentence_embeddings", "next_sentence_embeddings"):
        op.add_column("passage", sa.Column(name, sa.ARRAY(HALFVEC(), dimensions=1), nullable=True))
        # vectors do not get smaller by compressing them
        op.execute(f"alter table passage alter column {name} set storage external")
