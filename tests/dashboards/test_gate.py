"""Nobody sees a number without a token of the workspace, and nobody sees another account's."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer
from streamlit.testing.v1 import AppTest

from dashboards import gate
from tests.dashboards.entry import AGENT, APP, GLOBEX, KEY, cards, claims, said, token

Visit = Callable[..., AppTest]
CLOSED = "Отчёты открываются из рабочего места"


def test_without_a_token_there_is_a_sentence_and_no_number(visit: Visit) -> None:
    page = visit()
    assert CLOSED in said(page)
    assert "Reports open from the workspace" in said(page)
    assert not page.metric
    assert not page.exception


def test_a_token_lets_in_and_leaves_the_address(visit: Visit) -> None:
    page = visit(token=token())
    assert not page.exception
    assert page.metric
    assert "token" not in page.query_params
    # and the session goes on without it
    assert page.run().metric


def test_a_token_is_good_once(visit: Visit) -> None:
    used = token()
    assert visit(token=used).metric
    assert CLOSED in said(visit(token=used))


@pytest.mark.parametrize(
    "forged",
    [
        "nonsense",
        token(key="k" * 43),
        token(salt="kulpunai.something-else"),
        token(nonce=""),
        token(timezone="Mars/Olympus"),
        token(account_id="acme"),
        URLSafeTimedSerializer(KEY, salt=gate.SALT).dumps([1]),
        URLSafeTimedSerializer(KEY, salt=gate.SALT).dumps({k: v for k, v in claims().items() if k != "role"}),
    ],
    ids=["nonsense", "another key", "another salt", "no nonce", "no such zone", "no number", "no facts", "no role"],
)
def test_a_token_that_is_not_ours_or_makes_no_sense_lets_nobody_in(visit: Visit, forged: str) -> None:
    page = visit(token=forged)
    assert CLOSED in said(page)
    assert not page.metric
    assert not page.exception


def test_a_token_is_good_for_a_minute(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    old = token()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + gate.TOKEN_AGE_SECONDS + 2)
    assert CLOSED in said(visit(token=old))


@pytest.mark.parametrize("key", ["", "short"])
def test_without_a_proper_key_nobody_gets_in(visit: Visit, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("KULPUNAI_DASHBOARD_KEY", key)
    assert CLOSED in said(visit(token=token(key=key or "x")))


def test_a_page_left_open_asks_to_be_reloaded(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(token=token())
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + gate.SESSION_SECONDS + 1)
    page.run()
    assert "Обновите её" in said(page)
    assert not page.metric


def test_the_account_is_the_tokens_whatever_the_address_says(visit: Visit) -> None:
    page = visit(token=token(), account_id=str(GLOBEX), user_id="8", role="administrator")
    assert cards(page)["Первый ответ человека"] == "15 мин"
    assert cards(visit(token=token(account_id=GLOBEX)))["Первый ответ человека"] == "1 ч"


def test_an_agent_sees_himself_alone(visit: Visit) -> None:
    page = visit(token=token(role="agent", user_id=AGENT))
    assert cards(page) == {
        "Первый ответ человека": "10 мин",
        "Полное решение": "1 ч 7 мин",
        "SLA соблюдён": "100 %",
        "Довольные клиенты": "100 %",
        "Исходящие сообщения": "1",
        "Нерешённые диалоги": "0",
    }
    assert "Только ваши числа" in said(page)


def test_an_unknown_role_is_an_agent(visit: Visit) -> None:
    assert cards(visit(token=token(role="owner", user_id=8)))["Первый ответ человека"] == "20 мин"


def test_a_page_run_by_itself_asks_for_a_token_too(world: Path) -> None:
    page = AppTest.from_file(str(APP.parent / "boards" / "overview.py"), default_timeout=60).run()
    assert CLOSED in said(page)
    assert not page.metric
