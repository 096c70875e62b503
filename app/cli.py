"""`kulpunai …`: what is done from a terminal. To add a command, write one more function with `@main.command()`.

Import what a command needs inside it: `kulpunai --help` and the short ones should not wait for the whole application.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from app.config import ROOT, settings
from app.console import say, show, tell

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
@click.argument("kind", type=click.Choice(["engine", *ENGINE_KINDS, "lake"]))
def work(kind: str) -> None:
    """Do the background work: all of it (engine), or one kind; as many processes as wanted. Lake: the numbers."""
    from app import engine, lake

    if kind == "lake":
        lake.run()
        return
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
    from app.security import dashboard_key

    chosen = settings()
    where = [f"--server.port={chosen.dashboards_listen_port}", f"--server.address={chosen.host}"]
    # all it may know of our secrets: the key that admits a viewer
    os.environ |= {"KULPUNAI_LAKE": str(chosen.home / "lake"), "KULPUNAI_DASHBOARD_KEY": dashboard_key()}
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SMTP_URL"):
        os.environ.pop(name, None)
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


@main.command()
@click.argument("name")
@click.option("--account", "account_id", type=int, required=True, help="The account's number.")
@click.option("--from", "since", required=True, help="ISO day or time; the first that counts.")
@click.option("--to", "until", required=True, help="ISO day or time; the first that no longer counts.")
@click.option("--by", help="day, hour, inbox, channel, team, agent, label, …")
@click.option("--time", default="calendar", help="calendar")
@click.option("--attribution", default="event", help="event")
@click.option("--as-of", help="not yet")
@click.option("--inbox", type=int, multiple=True)
@click.option("--agent", type=int, multiple=True)
@click.option("--team", type=int, multiple=True)
@click.option("--label", multiple=True)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def metrics(name: str, account_id: int, as_json: bool, **asked: Any) -> None:
    """Tell a metric: what the dashboards tell, from the same marts, brought up to date first."""
    from analytics.command import metrics_command
    from analytics.errors import Refused
    from app import lake

    try:
        lake.refresh(account_id)
        told = metrics_command(lake.folder(), account_id, name, **asked)
    except Refused as refused:
        sys.exit(say(refused.english, refused.russian))
    if as_json:
        show(json.dumps(told, ensure_ascii=False, default=str))
        return
    for row in told["rows"]:
        show("  ".join(f"{key}={value}" for key, value in row.items()))


@main.command()
@click.option("--account", "account_id", type=int, required=True, help="The account's number.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="An empty or new folder.")
def export(account_id: int, out: Path) -> None:
    """Write the account's log and marts as Parquet and CSV, without personal data."""
    from analytics.command import export_command
    from analytics.errors import Refused
    from app import lake

    try:
        lake.refresh(account_id)
        rows = export_command(lake.folder(), account_id, out)
    except Refused as refused:
        sys.exit(say(refused.english, refused.russian))
    for table, count in rows.items():
        show(f"{table}: {count}")


@main.group()
def articles() -> None:
    """The help center's articles."""


@articles.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", "account_id", type=int, required=True)
@click.option("--portal", required=True, help="The help center's slug; made if there is none.")
@click.option("--locale", required=True, help="ru or en")
def import_articles(file: Path, account_id: int, portal: str, locale: str) -> None:
    """Take in articles, one JSON object a line; a line that is there already and unchanged changes nothing."""
    from app.help_center.importing import import_articles

    with file.open(encoding="utf-8") as lines:
        report = import_articles(account_id, portal, locale, lines)
    show(
        f"created {report.created}, updated {report.updated}, unchanged {report.unchanged}, refused {len(report.problems)}"
    )
    for number, reason in report.problems:
        show(f"{file.name}:{number}: {reason}")
    if report.problems:
        sys.exit(1)


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
    from app import demo

    demo.build()
    for name, email, password in demo.sign_ins():
        show(f"{say('Sign in', 'Вход'):<16}{email} / {password} ({name})")


def _become(*arguments: str) -> None:
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606  signals must reach it directly


if __name__ == "__main__":
    main()
