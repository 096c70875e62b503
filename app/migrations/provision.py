"""What a database must have before its first table: two roles that own nothing, and three extensions.

The embedded server is given them by its superuser. Somebody else's server may refuse them to us: then `Refused` says,
in SQL, what its administrator runs once.
"""

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.database import APP_ROLE, SYSTEM_ROLE
from app.embedded import DATABASE, LOGIN, Cluster, utf8_locale

EXTENSIONS = ("vector", "pg_trgm", "btree_gin")
ROLES = (APP_ROLE, SYSTEM_ROLE)


# -- the embedded server: we are its superuser


def furnish(cluster: Cluster) -> None:
    """Give the running server our login, roles, database and extensions, as far as they are missing."""
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        known = {name for (name,) in connection.execute("select rolname from pg_roles")}
        for role in ROLES:
            if role not in known:
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        if LOGIN not in known:
            connection.execute(sql.SQL("create role {} login").format(sql.Identifier(LOGIN)))
        roles = sql.SQL(", ").join(map(sql.Identifier, ROLES))
        connection.execute(sql.SQL("grant {} to {}").format(roles, sql.Identifier(LOGIN)))
        if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            create_database(connection, DATABASE)
    furnish_database(cluster, DATABASE)


def create_database(connection: psycopg.Connection, name: str) -> None:
    """An empty database of ours. Its locale is named here, because with the environment's own C Cyrillic is not searchable."""
    connection.execute(
        sql.SQL(
            "create database {} owner {} template template0 encoding 'utf8'"
            " locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype {}"
        ).format(sql.Identifier(name), sql.Identifier(LOGIN), sql.Literal(utf8_locale()))
    )


def furnish_database(cluster: Cluster, name: str) -> None:
    """The extensions, which only a superuser may make, and the schema for our login."""
    with psycopg.connect(cluster.conninfo(name), autocommit=True) as connection:
        there = {extension for (extension,) in connection.execute("select extname from pg_extension")}
        for extension in EXTENSIONS:
            if extension not in there:
                connection.execute(sql.SQL("create extension {}").format(sql.Identifier(extension)))
        connection.execute(sql.SQL("alter schema public owner to {}").format(sql.Identifier(LOGIN)))


# -- somebody else's server: we ask


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
