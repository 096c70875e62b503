"""What every test may ask for. Nothing here touches the data of `make run`, and nothing outlives pytest.

database    an empty, migrated PostgreSQL behind app.database
valkey      an empty Valkey behind app.queue
server      the real web server and engine on a free port, with a database of their own, which app.database then is
page        a tab of Chromium; relative addresses are the server's, when the test asks for that too
"""

import atexit
import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from redis import Redis
from redis.exceptions import RedisError

from app import limits, queue
from app.config import ROOT, settings
from app.embedded import DATABASE, LOGIN, SUPERUSER, Cluster, cluster_of
from app.migrations import schema
from app.ready import postgres_answers, valkey_answers, web_answers
from app.users.models import User
from tests.chromium import chromium
from tests.surroundings import HOME, empty, forget_settings, free_port, remove, run_dir_of, running, settle
from tests.world import PASSWORD

SERVER_DATABASE = "kulpunai_server"

# -- PostgreSQL


@pytest.fixture
def database(_migrated: Cluster) -> None:
    """An empty database with the newest schema; numbers start at 1 again, and nobody has spent any limits."""
    empty(_migrated, DATABASE, renumber=True)
    limits._local.clear()
    with contextlib.suppress(RedisError), contextlib.closing(Redis.from_url(settings().valkey_url)) as client:
        client.flushall()  # where one runs for the tests that ask for it


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of our own, running, without a database; for tests of the server itself."""
    with running("postgres") as crew:
        chosen = cluster_of(settings())
        crew.wait_for("postgres", lambda: postgres_answers(chosen.conninfo(SUPERUSER)), 60)
        yield chosen


@pytest.fixture(scope="session")
def _migrated(cluster: Cluster, request: pytest.FixtureRequest) -> Cluster:
    schema.migrate()
    if any("server" in getattr(item, "fixturenames", ()) for item in request.session.items):
        # Now, while nobody is connected to the original
        with psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True) as connection:
            names = [sql.Identifier(name) for name in (SERVER_DATABASE, DATABASE, LOGIN)]
            connection.execute(sql.SQL("create database {} template {} owner {} strategy file_copy").format(*names))
    return cluster


# -- Valkey


@pytest.fixture
def valkey(_valkey: str) -> str:
    """The address of a Valkey that holds nothing."""
    with contextlib.closing(Redis.from_url(_valkey)) as client:
        client.flushall()
    queue._silent_until = 0.0
    return _valkey


@pytest.fixture(scope="session")
def _valkey() -> Iterator[str]:
    with running("valkey") as crew:
        url = settings().valkey_url
        crew.wait_for("valkey", lambda: valkey_answers(url), 30)
        yield url


# -- the real server


@dataclass(frozen=True)
class Server:
    """A running Kulpunai: `url` without a slash at the end."""

    url: str
    home: Path
    variables: dict[str, str]


@pytest.fixture
def server(_server: Server, _migrated: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The real web server and engine, with an empty database. In this test, app.database and app.queue are theirs."""
    empty(_migrated, SERVER_DATABASE, renumber=False)  # what they remember by number must not come to mean another
    for name, value in _server.variables.items():
        monkeypatch.setenv(name, value)
    forget_settings()
    queue.connection().flushall()  # what other tests have spent of the limits
    yield _server
    monkeypatch.undo()
    forget_settings()


@pytest.fixture(scope="session")
def _server(_migrated: Cluster) -> Iterator[Server]:
    home = HOME / "server"
    port, dashboards_port = free_port(), free_port()
    variables = {
        "KULPUNAI_HOME": str(home),
        "DATABASE_URL": f"postgresql://{LOGIN}@/{SERVER_DATABASE}?host={_migrated.sockets}&port=5432",
        "PORT": str(port),
        # one, for each counts the seats of its streams for itself
        "WEB_WORKERS": "1",
        "WEB_THREADS": "32",
        "DASHBOARDS_PORT": str(dashboards_port),
        "DASHBOARDS_URL": f"http://127.0.0.1:{dashboards_port}",
        "BASE_URL": f"http://127.0.0.1:{port}",
        # a busy machine must not make Captain late
        "CAPTAIN_BUDGET_SECONDS": "20",
    }
    with running("valkey", "web", "captain", "engine", "lake", "dashboards", variables=variables) as crew:
        crew.wait_for("valkey", lambda: valkey_answers(f"unix://{run_dir_of(home)}/valkey.sock"), 30)
        crew.wait_for("web", lambda: web_answers("127.0.0.1", port), 120)
        yield Server(variables["BASE_URL"], home, variables)


# -- Chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Chromium, without a window. Per module: Playwright's event loop would be in the way of other tests."""
    path = chromium()
    if not path:
        pytest.skip("no Chromium here: see what `make test` says first")
    from playwright.sync_api import expect, sync_playwright

    # a busy machine is slow, not wrong
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        # Nothing but this machine is found: a page that needs anything else shows it
        alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
        launched = playwright.chromium.launch(executable_path=path, args=[alone])
        yield launched
        launched.close()


@pytest.fixture
def page(browser, request: pytest.FixtureRequest) -> Iterator[object]:
    """A fresh tab, in Russian. A script that fails in it fails the test."""
    url = request.getfixturevalue("server").url if "server" in request.fixturenames else None
    context = browser.new_context(base_url=url, locale="ru-RU", timezone_id="Europe/Moscow")
    context.set_default_timeout(15_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    if has_failed(request.node) or errors:
        pictures = ROOT / ".cache" / "journeys"
        page.screenshot(path=pictures / (re.sub(r"\W+", "_", request.node.nodeid) + ".png"), full_page=True)
    context.close()
    assert errors == []


@pytest.fixture
def desk(server: Server, browser: Any) -> Iterator[Any]:
    """`desk(user, path, screen)`: his signed-in desk, in a browser of its own. A script that fails there fails the test."""
    contexts, errors = [], []

    def opened(user: User, path: str = "/conversations/1", screen: dict[str, int] | None = None) -> Any:
        viewport = screen or {"width": 1440, "height": 900}
        context = browser.new_context(base_url=server.url, locale="ru-RU", viewport=viewport, reduced_motion="reduce")
        context.set_default_timeout(30_000)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto("/sign-in?next=" + path)
        tab.get_by_label("Рабочая почта").fill(user.email)
        tab.get_by_label("Пароль").fill(PASSWORD)
        tab.get_by_role("button", name="Войти").click()
        tab.wait_for_url(f"**{path}")
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    item.stash.setdefault(OUTCOMES, {})[report.when] = report.failed
    if report.failed and "server" in getattr(item, "fixturenames", ()):
        report.sections += [
            (log.name, log.read_text(errors="replace")[-6000:]) for log in sorted(HOME.glob("server/logs/*.log"))
        ]
    return report


OUTCOMES = pytest.StashKey[dict[str, bool]]()


def has_failed(item: pytest.Item) -> bool:
    return item.stash.get(OUTCOMES, {}).get("call", False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


# -- our own folder


def pytest_sessionstart() -> None:
    settle()


def pytest_unconfigure() -> None:
    remove(HOME)
    # pytest has said its last word: duckdb's binding would add forty lines on what the interpreter's end leaves behind
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))
