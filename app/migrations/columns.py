"""Columns and keys as every table of an account has them, for migrations that make one."""

import sqlalchemy as sa
from alembic import op


def key(table: str) -> list[sa.schema.SchemaItem]:
    """Rows are numbered over all accounts, and found by account and number."""
    return [
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f(f"fk_{table}_account_id")),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f(f"pk_{table}")),
    ]


def parent(table: str, other: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """To a row of the same account. ondelete: CASCADE for what goes with it."""
    mine, theirs = ["account_id", f"{other}_id"], [f"{other}.account_id", f"{other}.id"]
    return sa.ForeignKeyConstraint(mine, theirs, name=op.f(f"fk_{table}_account_id_{other}_id"), ondelete=ondelete)
