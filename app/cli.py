"""`kulpunai …`: what is done from a terminal. To add a command, write one more function with `@main.command()`.

Import what a command needs inside it: `kulpunai --help` and the short ones should not wait for the whole application.
"""

import os
import sys

import click

from app.config import ROOT, settings
from app.console import say, tell

ENGINE_KINDS = ("readers", "lanes", "deliveries", "ticker")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Kulpunai: customer support from every channel, in one place."""


@main.command()
def up() -> None:
    """Run everything in the foreground, until Ctrl-C."""
    from app import supervisor

    sys.exit(supervisor.up())


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema; safe to repeat."""
    _migrate()
    tell("The database has the newest schema.", "Схема базы данных самая новая.")


@main.command()
def demo() -> None:
    """Make the demo world in an empty installation, and print its sign-ins."""
    _demo()


@main.command(hidden=True)
def prepare() -> None:
    """What `up` does before it starts the application; prints what people should know."""
    _migrate()
    if settings().env == "development":
        _demo()


@main.command()
@click.argument("message")
def revision(message: str) -> None:
    """Write a new migration from what the models have and the database has not."""
    from app.migrations import schema

    schema.revise(message)


@main.command()
def doctor() -> None:
    """Look at settings and surroundings, and say what to mend. Exit code 1 when something is wrong."""
    from app import doctor

    sys.exit(doctor.examine())


@main.command()
@click.argument("kind", type=click.Choice(["engine", *ENGINE_KINDS]))
def work(kind: str) -> None:
    """Do the background work: all of it (engine), or one kind; as many processes as wanted."""
    from app import engine

    engine.run(set(ENGINE_KINDS) if kind == "engine" else {kind})


@main.command()
@click.argument("queues", nargs=-1)
def worker(queues: tuple[str, ...]) -> None:
    """Do the long jobs of rq: imports, exports, crawls, embeddings, builds."""
    from app import worker

    worker.run(queues or ("default",))


@main.command()
def captain() -> None:
    """Serve Captain's model behind a local socket."""
    socket = str(settings().captain_socket)
    _become("-m", "captain.server", socket, "--embedder", settings().captain_embedder)


@main.command()
def dashboards() -> None:
    """Serve the dashboards."""
    chosen = settings()
    where = [f"--server.port={chosen.dashboards_listen_port}", f"--server.address={chosen.host}"]
    _become("-m", "streamlit", "run", "dashboards/app.py", *where)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("program", type=click.Choice(["psql", "pg_dump", "pg_restore", "pg_dumpall", "vacuumdb", "reindexdb"]))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def pg(program: str, arguments: tuple[str, ...]) -> None:
    """Run a program of the embedded PostgreSQL on its database, as its superuser: psql, pg_dump …"""
    from app.embedded import DATABASE, PORT, SUPERUSER, cluster_of

    cluster = cluster_of(settings())
    reach = {"PGHOST": str(cluster.sockets), "PGPORT": str(PORT), "PGUSER": SUPERUSER, "PGDATABASE": DATABASE}
    path = str(cluster.programs / program)
    os.execve(path, [path, *arguments], os.environ | reach)  # noqa: S606  the terminal is its own


def _migrate() -> None:
    from app.migrations import provision, schema

    try:
        schema.migrate()
    except provision.Refused as refused:
        statements = "\n".join(f"    {statement};" for statement in refused.statements)
        sys.exit(
            say(
                f"The database does not let us make what is needed ({refused}). Have its administrator run, in our database:",
                f"База данных не даёт создать нужное ({refused}). Пусть её администратор выполнит в нашей базе:",
            )
            + f"\n{statements}"
        )


def _demo() -> None:
    try:
        from app import demo
    except ImportError:
        tell("There is no demo world yet.", "Демонстрационных данных пока нет.")
        return
    demo.build()


def _become(*arguments: str) -> None:
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606  signals must reach it directly


if __name__ == "__main__":
    main()
