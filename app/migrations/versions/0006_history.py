"""What an import brings keeps the number it had before; what it tells is marked as told by an import"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("account_user", "team", "inbox", "contact", "conversation", "message")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"alter table {table} add column external_id text")
        # most rows have none: they cost nothing, and no other question is asked of this index
        op.execute(
            f"create unique index uq_{table}_external_id on {table} (account_id, external_id)"
            " where external_id is not null"
        )
    op.execute("alter table event add column causation text")
