"""What Alembic runs: the models against the database of the connection that app.migrations opened."""

from alembic import context
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

import app.tables  # noqa: F401  every room's models, so that the metadata is whole


def upgrade(connection: Connection) -> None:
    partitions = set(connection.execute(text("select relname from pg_class where relispartition")).scalars())
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_type=True,
        transaction_per_migration=True,
        # Partitions are made by a job, month by month: the models know only their parents
        include_name=lambda name, kind, _parents: kind != "table" or name not in partitions,
    )
    with context.begin_transaction():
        context.run_migrations()


upgrade(context.config.attributes["connection"])
