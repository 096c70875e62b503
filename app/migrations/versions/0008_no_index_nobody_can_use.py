"""Drop the index on labels: under row-level security `@>` is asked row by row, and every message paid for its upkeep"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("drop index ix_conversation_labels")
