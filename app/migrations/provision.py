"""What a database must have before its first table: two roles that own nothing, and three extensions.

The embedded server is given them by its superuser. Somebody else's server may refuse them to us: then `Refused` says,
in SQL, what its administrator runs once.
"""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.database import APP_ROLE, SYSTEM_ROLE

EXTENSIONS = ("vector", "pg_trgm", "btree_gin")
ROLES = (APP_ROLE, SYSTEM_ROLE)


class Refused(Exception):
    """The server does not let us make what is missing. `statements` are for its administrator."""

    def __init__(self, statements: list[str], reason: str) -> None:
        super().__init__(reason)
        self.statements = statements


def missing(connection: Connection) -> list[str]:
    """The SQL that is still to be run in this database, by somebody who may; empty when all is there."""
    login = connection.execute(text("select quote_ident(current_user)")).scalar_one()
    there = set(connection.execute(text("select extname from pg_extension")).scalars())
    known = set(connection.execute(text("select rolname from pg_roles")).scalars())
    ours = {role for role in ROLES if role in known and _may_become(connection, role)}
    return [
        *(f"CREATE EXTENSION IF NOT EXISTS {name}" for name in EXTENSIONS if name not in there),
        *(f"CREATE ROLE {role} NOLOGIN" for role in ROLES if role not in known),
        *(f"GRANT {role} TO {login}" for role in ROLES if role not in ours),
    ]


def provide(connection: Connection) -> None:
    """Make what is missing, and commit. Refused, with the whole list, when the server says no."""
    statements = missing(connection)
    try:
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()
    except DBAPIError as error:
        connection.rollback()
        raise Refused(statements, str(error.orig).splitlines()[0]) from error


def _may_become(connection: Connection, role: str) -> bool:
    return bool(connection.execute(text("select pg_has_role(current_user, :role, 'set')"), {"role": role}).scalar_one())
