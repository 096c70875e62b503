"""An agent who was removed keeps his row in the account, for his name, of which history and reports speak"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account_user", sa.Column("left_at", sa.DateTime(timezone=True), nullable=True))
