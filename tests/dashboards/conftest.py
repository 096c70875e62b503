"""A lake with two accounts, and a way in."""

import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from werkzeug.serving import make_server

from analytics.lake import account
from app.main import create_app
from dashboards import gate
from tests.analytics import story as stories
from tests.analytics.conftest import lake as lake
from tests.dashboards.entry import ACME, APP, EMPTY, GLOBEX, KEY


@pytest.fixture
def world(lake: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Acme answered twice in the last hours, agent 7 after 10 minutes and agent 8 after 20; Globex once, after an hour."""
    monkeypatch.setenv("KULPUNAI_LAKE", str(lake))
    monkeypatch.setenv("KULPUNAI_DASHBOARD_KEY", KEY)
    monkeypatch.setattr(stories, "NOON", datetime.now(UTC).replace(microsecond=0))
    acme, globex = stories.Story(), stories.Story()
    acme.policy(first=800)
    for inbox, agent, wait in ((1, 7, 600), (2, 8, 1200)):
        talk = acme.talk(-7000, inbox_id=inbox, assignee_id=agent).customer(-7000).agent(-7000 + wait, agent)
        talk.promise(-7000)
        talk.resolve(-3000, f"user:{agent}").ask(-2999, inbox).rate(-2000, 5 if agent == 7 else 1, inbox)
    globex.talk(-7000).customer(-7000).agent(-3400)
    for account_id, told in ((ACME, acme), (GLOBEX, globex), (EMPTY, stories.Story())):
        settle(lake, account_id, told)
    gate._spent.clear()
    st.cache_data.clear()
    return lake


def settle(lake: Path, account_id: int, told: stories.Story) -> None:
    """Build this story as the account's."""
    home = account(lake, account_id)
    with home.writing():
        inboxes = [
            {"inbox_id": 1, "name": "Сайт", "channel": "website"},
            {"inbox_id": 2, "name": "Почта", "channel": "api"},
        ]
        pl.DataFrame(inboxes).write_parquet(home.tables / "inboxes.parquet")
    told.build(lake, account_id)


@pytest.fixture(autouse=True)
def _main_stays_main() -> Iterator[None]:
    """A page under test calls itself `__main__`, and processes forked later would begin by running it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def visit(world: Path) -> Callable[..., AppTest]:
    """Opens the dashboards as a browser would, with these parameters in the address."""

    def open_page(**parameters: str) -> AppTest:
        page = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in parameters.items():
            page.query_params[name] = value
        return page.run()

    return open_page


@pytest.fixture
def workspace() -> Iterator[str]:
    """The address of a workspace that serves."""
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()
