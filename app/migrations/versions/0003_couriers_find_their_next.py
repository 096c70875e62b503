"""Let couriers find the next delivery without looking at the whole backlog"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index ix_delivery_ready on delivery (account_id, id) where state = 'ready'")
    op.execute(
        "create index ix_delivery_leased on delivery (account_id, leased_until) where state in ('leased', 'sending')"
    )
