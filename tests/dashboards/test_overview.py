"""The overview says of each number its unit, its window and its n, and in words when there is none."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from analytics.lake import Problems, account
from analytics.metrics import METRICS
from dashboards import look
from dashboards.words import WORDS
from tests.analytics import story as stories
from tests.dashboards.entry import ACME, EMPTY, UNBUILT, cards, said, token

# Of firms, the same in every language
NAMES = ("Telegram", "WhatsApp", "Facebook", "Instagram", "X (Twitter)")

Visit = Callable[..., AppTest]


def test_each_number_says_its_unit_its_window_and_its_n(visit: Visit) -> None:
    page = visit(token=token())
    assert cards(page) == {
        "Первый ответ человека": "15 мин",
        "Полное решение": "1 ч 7 мин",
        "SLA соблюдён": "50 %",
        "Довольные клиенты": "50 %",
        "Новые диалоги": "2",
        "Нерешённые диалоги": "0",
    }
    words = said(page)
    assert "медиана · p90 19 мин · среднее 15 мин · n = 2 диалогов с ответом" in words
    assert "n = 2 целей с исходом" in words
    assert "интервал 95 %: от 9,5 % до 90,5 % · n = 2 оценок · ответили на 100 % из 2 опросов" in words
    assert "сообщений: 2 входящих, 2 исходящих" in words
    assert "время: Москва" in words


def test_each_number_explains_itself(visit: Visit) -> None:
    words = said(visit(token=token()))
    for metric in ("first_response_human", "full_resolution", "sla_compliance", "csat", "conversations", "backlog"):
        assert METRICS[metric].sentence.ru in words
        assert METRICS[metric].exclusions.ru in words


def test_few_cases_are_called_few(visit: Visit) -> None:
    assert "Случаев мало" in said(visit(token=token()))


def test_the_page_says_how_fresh_it_is(visit: Visit) -> None:
    assert "событие № 15." in said(visit(token=token()))
    assert ", event #15." in said(visit(token=token(locale="en")))


def test_the_inbox_and_the_period_come_from_the_address_and_go_there(visit: Visit) -> None:
    page = visit(token=token(), inbox="2", days="7")
    assert cards(page)["Первый ответ человека"] == "20 мин"
    page.selectbox(key="inbox").select(1).run()
    assert cards(page)["Первый ответ человека"] == "10 мин"
    assert page.query_params["inbox"] == "1"
    assert page.query_params["days"] == "7"


@pytest.mark.parametrize("nonsense", ["99", "-1", "x", "1;drop", "²"])
def test_nonsense_in_the_address_is_the_usual_view(visit: Visit, nonsense: str) -> None:
    page = visit(token=token(), inbox=nonsense, days=nonsense)
    assert not page.exception
    assert cards(page)["Первый ответ человека"] == "15 мин"


def test_an_account_in_which_nothing_happened_is_told_so(visit: Visit) -> None:
    page = visit(token=token(account_id=EMPTY))
    assert not page.exception
    assert "Пока ничего не произошло." in said(page)
    assert cards(page)["Первый ответ человека"] == "нет данных"
    assert cards(page)["Новые диалоги"] == "0"


def test_before_the_first_build_there_is_a_sentence(visit: Visit) -> None:
    page = visit(token=token(account_id=UNBUILT))
    assert not page.exception
    assert "Чисел пока нет" in said(page)


def test_failed_checks_are_said_and_their_reason_is_the_administrators(visit: Visit, world: Path) -> None:
    account(world, ACME).refuse(Problems(99, 0, "", ["messages: 3 rows, but the log tells of 4"]))
    page = visit(token=token())
    assert "последние верные" in said(page)
    assert "the log tells of 4" in said(page)
    assert cards(page)["Первый ответ человека"] == "15 мин"
    agent = visit(token=token(role="agent"))
    assert "последние верные" in said(agent)
    assert "the log tells of 4" not in said(agent)


def test_a_new_build_is_what_the_next_run_shows(visit: Visit, world: Path) -> None:
    page = visit(token=token())
    told = stories.Story()
    told.talks = 50
    log = account(world, ACME).last_seq()
    told.events = [{"seq": seq} for seq in range(1, log + 1)]
    told.talk(-60).customer(-60)
    told.build(world, ACME)
    assert cards(page.run())["Новые диалоги"] == "3"


def test_charts_have_russian_dates_a_zero_and_words_for_those_who_do_not_see(visit: Visit) -> None:
    page = visit(token=token())
    charts = [element.proto for element in page.get("echarts_chart")]
    # nothing is unresolved, so there is nothing to draw of it, unless a midnight lies between
    assert len(charts) in (3, 4)
    for chart in charts:
        option = json.loads(chart.spec)
        assert all(re.fullmatch(r"\d\d\.\d\d", day) for axis in option["xAxis"] for day in axis["data"])
        steps, scale = option["yAxis"]
        assert (steps["data"][0], scale["min"]) == ("0", 0)
        assert chart.alt
    alt = charts[0].alt.replace("\u00a0", " ")
    assert alt.startswith("Первый ответ человека по дням, минуты: медиана и p90. ")
    assert alt.endswith("n = 2")
    english = json.loads(visit(token=token(locale="en")).get("echarts_chart")[0].proto.spec)
    assert all(re.fullmatch(r"\d\d? [A-Z][a-z]{2}", day) for day in english["xAxis"][0]["data"])


def test_a_chart_is_dark_for_those_who_work_in_the_dark(visit: Visit) -> None:
    for theme, palette in (("light", look.LIGHT), ("dark", look.DARK)):
        option = json.loads(visit(token=token(theme=theme)).get("echarts_chart")[0].proto.spec)
        assert option["xAxis"][0]["axisLabel"]["color"] == palette.ink_soft
        assert [series["color"] for series in option["series"][1:]] == [palette.strawberry, palette.neutral]


def test_everything_is_said_in_both_languages() -> None:
    for key, words in WORDS.items():
        assert words.en, key
        assert words.ru, key
        is_same_by_nature = key in ("chart.note", "page.sla") or (key.startswith("channel.") and words.en in NAMES)
        assert (words.en == words.ru) is is_same_by_nature, key


def test_times_and_numbers_are_written_as_people_write_them() -> None:
    assert look.duration(45, "ru") == "45\u00a0с"
    assert look.duration(750, "ru") == "12\u00a0мин 30\u00a0с"
    assert look.duration(3599.7, "ru") == "1\u00a0ч"
    assert look.duration(12_030, "en") == "3\u00a0h 20\u00a0min"
    assert look.duration(2 * 86_400 + 4 * 3600 + 59, "ru") == "2\u00a0д 4\u00a0ч"
    assert look.duration(0, "ru") == "0\u00a0с"
    assert look.number(1234567, "ru") == "1\u00a0234\u00a0567"
    assert look.number(1234567, "en") == "1,234,567"
    assert look.percent(0.934, "ru") == "93,4\u00a0%"
    assert look.percent(1, "en") == "100%"
