"""Contacts that were deleted leave an empty row, which their conversations point to"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    # whoever wrote of him at that moment must not bring anything of him back
    op.execute("""
        create function contact_is_erased() returns trigger language plpgsql as $$ begin
            raise exception 'contact % was deleted', old.id;
        end $$
    """)
    op.execute("""
        create trigger contact_is_erased before update on contact for each row
        when (old.erased_at is not null) execute function contact_is_erased()
    """)
