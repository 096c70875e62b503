"""The gate asks the workspace now and then whether somebody may still look, and as what."""

import time
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import security
from app.database import transaction
from app.users.actions import change_role, remove_agent
from app.users.models import Role
from app.users.queries import agent
from dashboards import gate
from tests.analytics import story as stories
from tests.dashboards.conftest import settle
from tests.dashboards.entry import APP, said, token
from tests.world import World, acme


@pytest.fixture
def world(lake: Path, database: None, monkeypatch: pytest.MonkeyPatch) -> World:
    """Acme, with a build."""
    monkeypatch.setenv("KULPUNAI_LAKE", str(lake))
    monkeypatch.setenv("KULPUNAI_DASHBOARD_KEY", security.dashboard_key())
    st.cache_data.clear()
    found = acme()
    settle(lake, found.account_id, stories.Story())
    return found


def test_who_was_removed_sees_nothing_more_though_his_page_is_open(
    world: World, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = _open(world, workspace)
    _later(monkeypatch, gate.RECHECK_SECONDS + 1)
    assert "Acme" in said(page.run()), "he works here still"
    with transaction(world.account_id):
        remove_agent(agent(world.account_id, world.bo.id)[1], by=world.ada.actor)
    _later(monkeypatch, gate.RECHECK_SECONDS + 1)
    page.run()
    assert not page.exception
    assert "Отчёты открываются из рабочего места" in said(page)
    assert "Acme" not in said(page)


def test_who_is_no_administrator_any_more_sees_himself_alone(
    world: World, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as(world, Role.ADMINISTRATOR)
    page = _open(world, workspace)
    assert "Только ваши числа" not in said(page)
    _as(world, Role.AGENT)
    _later(monkeypatch, gate.RECHECK_SECONDS + 1)
    assert "Только ваши числа" in said(page.run())


def test_a_workspace_that_does_not_answer_sends_nobody_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    page = _open(world, "http://127.0.0.1:9")
    _later(monkeypatch, gate.RECHECK_SECONDS + 1)
    assert "Acme" in said(page.run())


def _open(world: World, workspace: str) -> AppTest:
    with transaction(world.account_id):
        role = agent(world.account_id, world.bo.id)[1].role
    who: dict[str, Any] = {
        "account_id": world.account_id,
        "user_id": world.bo.id,
        "role": role,
        "workspace_url": workspace,
    }
    page = AppTest.from_file(str(APP), default_timeout=60)
    page.query_params["token"] = token(key=security.dashboard_key(), **who)
    page.run()
    assert not page.exception
    return page


def _as(world: World, role: Role) -> None:
    with transaction(world.account_id):
        change_role(agent(world.account_id, world.bo.id)[1], role, by=world.ada.actor)


def _later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
