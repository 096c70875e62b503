"""A team that was deleted keeps its name for history and reports, and leaves the name to the next one"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("team", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "uq_team_name", "team", ["account_id", "name"], unique=True, postgresql_where=sa.text("deleted_at is null")
    )
    op.drop_constraint("uq_team_account_id_name", "team", type_="unique")
