"""A lake with two accounts, and a way in."""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import streamlit as st
from itsdangerous import URLSafeTimedSerializer
from streamlit.testing.v1 import AppTest

from analytics.lake import account
from dashboards import gate
from tests.analytics import story as stories
from tests.analytics.conftest import lake as lake  # noqa: PLC0414  the same fixture here

KEY = secrets.token_urlsafe(32)
APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"
ACME, GLOBEX, EMPTY, UNBUILT = 1, 2, 3, 4
AGENT = 7


@pytest.fixture
def world(lake: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Acme answered twice in the last hours, agent 7 after 10 minutes and agent 8 after 20; Globex once, after an hour."""
    monkeypatch.setenv("KULPUNAI_LAKE", str(lake))
    monkeypatch.setenv("KULPUNAI_DASHBOARD_KEY", KEY)
    monkeypatch.setattr(stories, "NOON", datetime.now(UTC).replace(microsecond=0))
    acme, globex = stories.Story(), stories.Story()
    for inbox, agent, wait in ((1, 7, 600), (2, 8, 1200)):
        talk = acme.talk(-7000, inbox_id=inbox, assignee_id=agent).customer(-7000).agent(-7000 + wait, agent)
        talk.sla(-7000 + wait, "met" if agent == 7 else "breached", "first_response", due=-6200)
        talk.resolve(-3000, f"user:{agent}").ask(-2999, inbox).rate(-2000, 5 if agent == 7 else 1, inbox)
    globex.talk(-7000).customer(-7000).agent(-3400)
    for account_id, told in ((ACME, acme), (GLOBEX, globex), (EMPTY, stories.Story())):
        settle(lake, account_id, told)
    gate._spent.clear()
    st.cache_data.clear()
    yield lake


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


def claims(**differing: Any) -> dict[str, Any]:
    usual = {
        "account_id": ACME,
        "user_id": AGENT,
        "role": "administrator",
        "locale": "ru",
        "theme": "light",
        "timezone": "Europe/Moscow",
        "account_name": "Acme",
        "nonce": secrets.token_hex(8),
    }
    return usual | differing


def token(key: str = KEY, salt: str = gate.SALT, **differing: Any) -> str:
    """What the workspace would sign."""
    return str(URLSafeTimedSerializer(key, salt=salt).dumps(claims(**differing)))


@pytest.fixture
def visit(world: Path) -> Callable[..., AppTest]:
    """Opens the dashboards as a browser would, with these parameters in the address."""

    def open_page(**parameters: str) -> AppTest:
        page = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in parameters.items():
            page.query_params[name] = value
        return page.run()

    return open_page


def said(page: AppTest) -> str:
    """Every word on the page."""
    blocks = (page.title, page.caption, page.markdown, page.info, page.warning, page.text)
    metrics = [word for metric in page.metric for word in (metric.label, metric.value)]
    return "\n".join([*(element.value for block in blocks for element in block), *metrics]).replace("\u00a0", " ")


def cards(page: AppTest) -> dict[str, str]:
    """What each card shows."""
    return {metric.label: metric.value.replace("\u00a0", " ") for metric in page.metric}
