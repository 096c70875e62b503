"""Vectors of another model beside those in use, until it has read everything"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("passage", sa.Column("next_model", sa.Text(), nullable=True))
    op.add_column("passage", sa.Column("next_embedding", HALFVEC(), nullable=True))
