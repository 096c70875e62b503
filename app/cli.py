"""`kulpunai …`: what is done from a terminal. To add a command, write one more function with `@main.command()`.

Import what a command needs inside it: `kulpunai --help` and the short ones should not wait for the whole application.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from app.config import ROOT, settings
from app.console import say, show, tell

EVALUATION_SECONDS = 30.0
MODEL_ANSWER_BYTES = 16 * 1024 * 1024
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
    """Make the demo world in an empty installation, its past too, and print its sign-ins."""
    from app import demo

    _demo()
    demo.recall()


@main.command(hidden=True)
def prepare() -> None:
    """What `up` does before it starts the application; prints what people should know."""
    _migrate()
    if settings().env == "development":
        from app import queue

        _demo()
        # by the worker, when the workspace is up; a job that is lost is put again at the next start
        queue.nudge("demo_history", 0, 0)


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


@main.group(invoke_without_command=True)
@click.pass_context
def captain(context: click.Context) -> None:
    """Serve Captain's models behind a local socket; or, by a word after it, judge how good he is."""
    if context.invoked_subcommand is None:
        from app.assist.reembedding import begin
        from captain.server import start

        chosen = settings()
        models = (chosen.captain_embedder, chosen.captain_reranker, chosen.captain_model)
        start(chosen.captain_socket, *models, _post_to_models, begin)


@captain.command("evaluate")
@click.option("--set", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--account", "account_id", type=int, required=True, help="Whose help centers he looks in.")
@click.option("--corpus", help="Only the questions of this name.")
def evaluate_captain(file: Path, account_id: int, corpus: str | None) -> None:
    """Ask the running Captain labelled questions, and tell how good he was. The file's format: captain/evaluate.py."""
    from app.assist import queries
    from app.database import transaction
    from captain import evaluate
    from captain.client import Captain, CaptainAway

    with transaction(account_id):
        scope = queries.scope_of_account(account_id)
    if scope is None:
        sys.exit(say("This account has no help center.", "У этого аккаунта нет центра поддержки."))
    client = Captain(settings().captain_socket, EVALUATION_SECONDS)

    def ask(item: evaluate.Labelled) -> evaluate.Said:
        # as if any certainty were enough: what he would say is judged, and how sure he is, apart
        reply = queries.ask(client, scope, item.question, item.context, sure_from=0.0)
        found = dict.fromkeys(str(hit.external_id or hit.article_id) for hit in reply.ranking.hits)
        return evaluate.Said(tuple(found), reply.confidence, reply.text)

    try:
        numbers = evaluate.report(evaluate.graded(evaluate.labelled(file, corpus), ask))
    except CaptainAway as away:
        sys.exit(say(f"Captain is away: {away}", f"Капитан не отвечает: {away}"))
    except ValueError as wrong:
        sys.exit(f"{file.name}: {wrong}")
    for line in evaluate.lines(numbers):
        show(line)


def _post_to_models(url: str, body: Mapping[str, Any], seconds: float) -> tuple[int, bytes]:
    """(status, body) of a model's server, called as everything outside is: a private one only by EGRESS_ALLOW_CIDRS."""
    from urllib.parse import urlsplit

    from app import outbound
    from app.errors import Problem

    key = settings().captain_model_key
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    at = urlsplit(url)
    ports = outbound.PORTS | ({at.port} if at.port else set())
    try:
        answer = outbound.call(
            "POST", url, headers=headers, json=body, seconds=seconds, ports=ports, limit_bytes=MODEL_ANSWER_BYTES
        )
    except Problem as away:
        raise OSError(str(away)) from None
    return answer.status, answer.body


@main.command()
def dashboards() -> None:
    """Serve the dashboards."""
    from app.security import dashboard_key

    chosen = settings()
    if chosen.lake_url:
        from app import lake

        lake.storage_url()  # whether it may be called
    # all it may know of our secrets: the key that admits a viewer
    os.environ |= {"KULPUNAI_LAKE": str(chosen.home / "lake"), "KULPUNAI_DASHBOARD_KEY": dashboard_key()}
    os.environ["KULPUNAI_WORKSPACE"] = chosen.public_url
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SMTP_URL"):
        os.environ.pop(name, None)
    _become("-m", "dashboards", chosen.host, str(chosen.dashboards_listen_port))


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
@click.option(
    "--by", help="day, hour, week, month, weekday_hour, inbox, channel, team, agent, label, priority, captain, …"
)
@click.option("--time", default="calendar", help="calendar, or business: working hours alone")
@click.option("--attribution", default="event", help="event: as it was then; current: as of today")
@click.option("--as-of", help="ISO day or time: what the log knew then.")
@click.option("--timezone", help="Whose days and hours; the account's.")
@click.option("--inbox", multiple=True, help="Its number, or the external id of an import; so of agents and teams.")
@click.option("--agent", multiple=True)
@click.option("--team", multiple=True)
@click.option("--label", multiple=True)
@click.option("--spread/--no-spread", default=True, help="p50 and p90 of spans too; without them it answers sooner.")
@click.option("--previous", "compared", is_flag=True, help="The same of the period before, beside it.")
@click.option("--rows", is_flag=True, help="The conversations behind the number, beside it.")
@click.option("--why", is_flag=True, help="With --as-of: what has been heard since that changed the number.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def metrics(name: str, account_id: int, as_json: bool, **asked: Any) -> None:
    """Tell a metric: what the dashboards tell, from the same marts, brought up to date first."""
    from analytics.command import metrics_command
    from analytics.errors import Refused
    from app import lake

    _known(account_id)
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
@click.option("--csv", "is_csv", is_flag=True, help="CSV for spreadsheets too.")
@click.option("--with-personal-data", is_flag=True, help="Names, addresses and texts; the log tells of it.")
@click.option("--by", "email", help="The administrator who asks, by e-mail.")
def export(account_id: int, out: Path, is_csv: bool, with_personal_data: bool, email: str | None) -> None:
    """Write the account's log, marts and contacts as Parquet, with a dictionary and a manifest; people as numbers alone."""
    from analytics.errors import Refused
    from app import lake

    _known(account_id)
    try:
        by = _administrator(account_id, email) if email else "system"
        rows = lake.export(account_id, out, with_personal_data=with_personal_data, by=by, is_csv=is_csv)
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
    import app.tables  # noqa: F401  a portal's row names rows of other rooms
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


@main.group()
def history() -> None:
    """The past: conversations that were held elsewhere."""


@history.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", "account_id", type=int, required=True, help="The account's number.")
def import_history(file: Path, account_id: int) -> None:
    """Take in past conversations (docs/history.md). What was taken in before stays as it is; nobody is notified.

    Lines that cannot be taken are named, and all others taken; then the exit code is 1.
    """
    with file.open("rb") as lines:
        bar = click.progressbar(length=file.stat().st_size, label=file.name, file=sys.stderr)
        with bar if sys.stderr.isatty() else contextlib.nullcontext() as shown:
            _import_history(account_id, _measured(lines, shown), file.name)


@history.command("import-chatwoot")
@click.argument("url")
@click.argument("token")
@click.option("--account", "account_id", type=int, help="The account's number here; without it nothing is imported.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep the lines that were read in this file."
)
def import_chatwoot(url: str, token: str, account_id: int | None, out: Path | None) -> None:
    """Take in the conversations of a running Chatwoot, by its address and an administrator's access token (- asks for it)."""
    from app.errors import Problem
    from app.history import chatwoot

    if account_id is None and out is None:
        sys.exit(say("Say --account, --out, or both.", "Укажите --account, --out или и то и другое."))
    token = click.prompt("TOKEN", hide_input=True) if token == "-" else token  # noqa: S105
    with out.open("wb") if out else contextlib.nullcontext() as kept:
        lines = _kept(chatwoot.written(chatwoot.lines(url, token)), kept)
        try:
            if account_id is None:
                show(f"{sum(1 for _line in lines)}")
            else:
                _import_history(account_id, lines, "chatwoot")
        except Problem as problem:
            sys.exit(problem.reason)


def _kept(lines: Iterable[bytes], file: Any) -> Iterator[bytes]:
    """The lines, written down on their way."""
    for line in lines:
        if file is not None:
            file.write(line)
        yield line


def _administrator(account_id: int, email: str) -> str:
    """How the log names this administrator of the account; exit code 1 if he is none."""
    from app.database import across_accounts
    from app.users.models import Role
    from app.users.queries import by_email, membership

    with across_accounts():
        user = by_email(email)
        member = membership(account_id, user.id) if user else None
    if user is None or member is None or member.role != Role.ADMINISTRATOR:
        sys.exit(say(f"{email} is no administrator there.", f"{email} там не администратор."))
    return user.actor


def _measured(lines: Iterable[bytes], bar: Any) -> Iterator[bytes]:
    """The lines, moving the bar on by what was read."""
    for line in lines:
        if bar is not None:
            bar.update(len(line))
        yield line


def _import_history(account_id: int, lines: Iterable[bytes], name: str) -> None:
    """Import and tell what became of it; exit code 1 when a line could not be taken."""
    from app.history.importing import import_history
    from app.i18n import speak

    speak(say("en", "ru"))
    _known(account_id)
    outcome = import_history(
        account_id, lines, report=lambda number, reason: click.echo(f"{name}:{number}: {reason}", err=True)
    )
    made = ", ".join(f"{kind} {count}" for kind, count in outcome.made.items()) or "0"
    known, refused = outcome.known, len(outcome.problems)
    tell(f"new: {made}; known {known}; refused {refused}", f"новое: {made}; известно {known}; отклонено {refused}")
    if outcome.problems:
        sys.exit(1)


def _known(account_id: int) -> None:
    """Says so and leaves when there is no such account, or no database to ask."""
    from sqlalchemy.exc import OperationalError

    from app.accounts.models import Account
    from app.database import across_accounts

    try:
        with across_accounts() as current:
            account = current.get(Account, account_id)
    except OperationalError:
        sys.exit(
            say(
                "The database does not answer: is Kulpunai running? `kulpunai doctor` says more.",
                "База данных не отвечает: Kulpunai запущен? Подробнее: `kulpunai doctor`.",
            )
        )
    if account is None:
        sys.exit(say(f"There is no account {account_id}.", f"Аккаунта {account_id} нет."))


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
    found = demo.sign_ins()
    if found:
        show(f"{say('Demo shop', 'Демо-магазин'):<16}{settings().public_url}/demo")
        show(f"{say('Help center', 'Центр поддержки'):<16}{settings().public_url}/hc/{demo.PORTAL}/")
    for name, email, password in found:
        show(f"{say('Sign in', 'Вход'):<16}{email} / {password} ({name})")


def _become(*arguments: str) -> None:
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606  signals must reach it directly


if __name__ == "__main__":
    main()
