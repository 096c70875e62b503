"""Customers' words beside their ratings are read from the workspace, by whoever may read them there, and kept nowhere else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import func
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from analytics import build, extract
from app import security
from app.contacts.queries import contact
from app.conversations import actions
from app.conversations.queries import locked
from app.database import across_accounts, session, transaction
from app.erasure.actions import erase
from app.events.log import Event
from app.inboxes.actions import set_members, update_inbox
from app.inboxes.models import Inbox
from app.main import create_app
from app.surveys.actions import answer, review
from app.surveys.models import Survey
from app.users.actions import remove_agent
from app.users.queries import membership
from dashboards import gate
from dashboards.workspace import SALT
from tests.dashboards.entry import APP, said, token
from tests.world import World, acme, asks, everyone_reads, globex, replies

Answering = Callable[..., list[dict[str, Any]] | int]
WORDS = "Долго, <b>но</b> *помогли*"


@pytest.fixture
def world(database: None) -> World:
    return acme()


@pytest.fixture
def rated(world: World) -> int:
    """Bo resolved a conversation and got 3 of 5 with words, which Ada noted; its place in the log. Another got bare 5."""
    seqs = [_rates(world, who, rating, words) for who, rating, words in (("mika", 3, WORDS), ("lena", 5, ""))]
    return seqs[0]


@pytest.fixture
def told(world: World) -> Answering:
    """What the workspace says to the dashboards for a viewer; its status when it refuses."""
    client = create_app().test_client()

    def ask(user_id: int, seqs: list[int], account_id: int = world.account_id, key: str | None = None) -> Any:
        asked = {"account_id": account_id, "user_id": user_id, "seqs": seqs}
        word = URLSafeTimedSerializer(key or security.dashboard_key(), salt=SALT).dumps(asked)
        response = client.post("/reports/ratings", data=word)
        return response.get_json()["ratings"] if response.status_code == 200 else response.status_code

    return ask


def test_an_administrator_reads_words_and_notes_of_the_ratings_he_asks_for(
    world: World, rated: int, told: Answering
) -> None:
    said = {"seq": rated, "rating": 3, "comment": WORDS, "note": "Позвонить"}
    assert told(world.ada.id, list(range(1, 200))) == [said]
    assert told(world.ada.id, [rated - 1]) == []


def test_an_agent_reads_what_was_said_of_him_where_he_may_look(world: World, rated: int, told: Answering) -> None:
    assert told(world.bo.id, [rated]) == [{"seq": rated, "rating": 3, "comment": WORDS}]
    with transaction(world.account_id) as current:
        current.get_one(Survey, (world.account_id, 1)).resolver_id = world.ada.id
    assert told(world.bo.id, [rated]) == []
    with transaction(world.account_id) as current:
        current.get_one(Survey, (world.account_id, 1)).resolver_id = world.bo.id
        set_members(current.merge(world.inbox), {world.ada.id}, by="system")
    assert told(world.bo.id, [rated]) == []


def test_nobody_else_reads_anything(world: World, rated: int, told: Answering) -> None:
    theirs = globex()
    assert told(theirs.ada.id, [rated]) == 403
    assert told(theirs.ada.id, [rated], account_id=theirs.account_id) == []
    assert told(world.ada.id, [rated], key="another key, as long as ours is" * 2) == 403
    assert create_app().test_client().post("/reports/ratings", data="forged").status_code == 403
    other = URLSafeTimedSerializer(
        security.dashboard_key(), salt=gate.SALT
    )  # the word that opens the dashboards is no such
    asked = other.dumps({"account_id": world.account_id, "user_id": world.ada.id, "seqs": [rated]})
    assert create_app().test_client().post("/reports/ratings", data=asked).status_code == 403
    with across_accounts() as current:
        set_members(current.merge(world.inbox), {world.ada.id}, by="system")
        member = membership(world.account_id, world.bo.id)
        assert member is not None
        remove_agent(member, by="system")
    assert told(world.bo.id, [rated]) == 403


def test_words_of_somebody_who_was_deleted_are_read_by_nobody(world: World, rated: int, told: Answering) -> None:
    with transaction(world.account_id):
        him = session().get_one(Survey, (world.account_id, 1)).contact_id
        erase(contact(world.account_id, him), by="system")
    assert told(world.ada.id, [rated]) == []


def test_the_page_shows_the_ratings_as_a_chart_and_the_words_as_they_were_written(
    world: World, rated: int, lake: Path, workspace: str
) -> None:
    page = _page(world, lake, workspace)
    assert not page.exception
    assert [text.value for text in page.text] == [WORDS, "Позвонить"]
    assert "3 из 5" in said(page)
    assert f'<a href="{workspace}/conversations/1" target="_top">' in said(page)
    chart = page.get("echarts_chart")[0].proto
    option = json.loads(chart.spec)
    assert option["yAxis"]["data"] == ["1", "2", "3", "4", "5"]
    assert [rating["value"] for rating in option["series"][0]["data"]] == [0, 0, 1, 0, 1]
    assert "n\u00a0=\u00a02" in chart.alt


def test_the_page_says_when_the_workspace_is_away(world: World, rated: int, lake: Path, workspace: str) -> None:
    page = _page(world, lake, "http://127.0.0.1:9")
    assert not page.exception
    assert "Рабочее место сейчас не отвечает" in said(page)


def test_the_page_says_when_nobody_wrote_a_word(world: World, lake: Path, workspace: str) -> None:
    _rates(world, "mika", 4, "", note="")
    assert "слов к оценкам нет" in said(_page(world, lake, workspace))


# -- below


@pytest.fixture(autouse=True)
def _ours(lake: Path, monkeypatch: pytest.MonkeyPatch, database: None) -> None:
    monkeypatch.setenv("KULPUNAI_LAKE", str(lake))
    monkeypatch.setenv("KULPUNAI_DASHBOARD_KEY", security.dashboard_key())
    st.cache_data.clear()


def _page(world: World, lake: Path, workspace: str) -> AppTest:
    with transaction(world.account_id) as current:
        extract.extract(current.connection().connection.dbapi_connection, world.account_id, lake)
    build.build(lake, world.account_id)
    who = {"account_id": world.account_id, "user_id": world.ada.id, "workspace_url": workspace}
    page = AppTest.from_file(str(APP), default_timeout=60)
    page.query_params["token"] = token(key=security.dashboard_key(), **who)
    return page.run().switch_page("boards/satisfaction.py").run()


_NEWEST = select(Survey).order_by(col(Survey.id).desc()).limit(1)
_ANSWERED = select(func.max(Event.seq)).where(col(Event.name) == "csat.answered")


def _rates(world: World, who: str, rating: int, words: str, note: str = "Позвонить") -> int:
    """The place in the log of a rating of what Bo resolved."""
    with transaction(world.account_id) as current:
        update_inbox(current.get_one(Inbox, (world.account_id, world.inbox.id)), by="system", csat_enabled=True)
    asked = asks(world, who=who)
    replies(world, asked, by=world.bo)
    with transaction(world.account_id):
        actions.resolve(locked(world.account_id, asked.conversation_id), by=world.bo.actor)
    everyone_reads(world)
    with transaction(world.account_id) as current:
        survey = current.exec(_NEWEST).first()
        assert survey is not None
        answer(survey, rating, words)
    with transaction(world.account_id) as current:
        if words:
            review(current.exec(_NEWEST).one(), note, world.ada.id, by=world.ada.actor)
        return int(current.exec(_ANSWERED).one())
