"""The schema of a database: bring it to the newest, or see where it stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from app.config import settings
from app.embedded import cluster_of
from app.migrations.provision import furnish, provide
from app.migrations.server import connected

# Any number nobody else uses: two `kulpunai migrate` at once wait for each other
LOCK = 5_719_203_844


def migrate() -> str:
    """The revision the database is at now. provision.Refused when roles or extensions are missing and may not be made."""
    if settings().is_database_embedded:
        furnish(cluster_of(settings()))
    with connected() as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": LOCK})
        connection.commit()
        provide(connection)
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
        return applied(connection)


def revise(message: str) -> None:
    """A new file in versions/ with what the models have and the database has not; to be read before it is kept."""
    with connected() as connection:
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.revision(configuration, message=message, autogenerate=True)


def applied(connection: Connection) -> str:
    """The revision of the database, "" when it has none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def newest() -> str:
    """The last revision in versions/, "" when there is none."""
    return ScriptDirectory.from_config(_configuration()).get_current_head() or ""


def _configuration() -> Config:
    configuration = Config()
    # ConfigParser reads % as the start of a name, and folders may be called anything
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s")
    return configuration
