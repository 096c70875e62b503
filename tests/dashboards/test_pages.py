"""Every page answers its question: with data, with none, to an agent alone; each number opens its rows and can be taken away."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from analytics.lake import account
from analytics.metrics import METRICS
from dashboards import parts, sheets
from dashboards.words import WORDS
from tests.analytics import story as stories
from tests.dashboards.conftest import settle
from tests.dashboards.entry import AGENT, APP, EMPTY, UNBUILT, cards, said, token

Visit = Callable[..., AppTest]
Turn = Callable[..., AppTest]
BUSY = 5
PAGES = (
    "overview", "live", "traffic", "agents", "teams", "inboxes", "labels", "sla", "satisfaction", "captain", "help",
)  # fmt: skip
WORKSPACE = "https://help.example.com"


@pytest.fixture
def busy(world: Path) -> Path:
    """One conversation that agent 7 resolved with Captain's draft, one that Captain handed over, one that nobody has taken;
    a help center that is read."""
    told = stories.Story()
    told.policy(first=800)
    told.presence(-7100, 7, "online")
    told.presence(-7100, 8, "online")
    told.presence(-7000, 8, "offline")
    talk = told.talk(-7000, assignee_id=7, team_id=3, labels=["возврат"]).customer(-7000)
    talk.promise(-7000)
    draft = {"draft_id": 1, "message_id": 1001, "confidence": 0.9}
    talk.tell("captain.drafted", -6990, "captain", **draft)
    talk.tell("captain.draft_edited", -6401, "user:7", **draft, edit_distance=0.2)
    talk.agent(-6400, 7).resolve(-6000).ask(-5999, 1).rate(-5900, 5, 1)
    held = told.talk(-3000, status="pending", held_by="captain").customer(-3000).captain(-2990).customer(-2900)
    held.tell("captain.abstained", -2890, "captain", message_id=2003, confidence=0.1, reason="money")
    held.hand_off(-2890)
    told.talk(-600, inbox_id=2).customer(-600)
    for name, more in (
        ("article.viewed", {"article_id": 4}),
        ("article.viewed", {"article_id": 4}),
        ("article.voted", {"article_id": 4, "is_helpful": True}),
        ("article.searched", {"portal_id": 1, "locale": "ru", "hits": 0}),
        ("article.searched", {"portal_id": 1, "locale": "ru", "hits": 3}),
        ("captain.declined", {"portal_id": 1, "confidence": 0.1}),
    ):
        told.tell(name, -500, "reader", more)
    tables = {
        "agents": [{"agent_id": 7, "name": "=Марат"}, {"agent_id": 8, "name": "Айгуль"}],
        "teams": [{"team_id": 3, "name": "Возвраты"}],
        "labels": [{"label_id": 1, "title": "возврат"}],
        "articles": [{"article_id": 4, "title": "Как вернуть товар", "locale": "ru"}],
    }
    home = account(world, BUSY)
    with home.writing():
        for name, rows in tables.items():
            pl.DataFrame(rows).write_parquet(home.tables / f"{name}.parquet")
    settle(world, BUSY, told)
    return world


@pytest.fixture
def turn(busy: Path, visit: Visit) -> Turn:
    """Opens a page of the dashboards, by way of the first."""

    def to(
        name: str, account_id: int = BUSY, role: str = "administrator", user: int = AGENT, **parameters: str
    ) -> AppTest:
        who = token(account_id=account_id, role=role, user_id=user, workspace_url=WORKSPACE)
        return visit(token=who, **parameters).switch_page(f"boards/{name}.py").run()

    return to


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_numbers(turn: Turn, name: str) -> None:
    page = turn(name)
    assert not page.exception
    assert WORDS[f"page.{name}"].ru.replace("\u00a0", " ") in said(page)
    assert page.metric or page.dataframe


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_an_account_in_which_nothing_happened_says_so(turn: Turn, name: str) -> None:
    page = turn(name, EMPTY)
    assert not page.exception
    assert "Пока ничего не произошло." in said(page)
    assert not page.dataframe


@pytest.mark.parametrize("name", PAGES)
def test_before_the_first_build_every_page_has_a_sentence(turn: Turn, name: str) -> None:
    page = turn(name, UNBUILT)
    assert not page.exception
    assert "Чисел пока нет" in said(page)


@pytest.mark.parametrize("name", [name for name in PAGES if name != "help"])
def test_an_agent_sees_himself_alone_on_every_page(turn: Turn, name: str) -> None:
    page = turn(name, role="agent", user=8, agent="7")
    assert not page.exception
    assert "Только ваши числа" in said(page)
    assert "Марат" not in said(page)
    assert not [row for table in page.dataframe for row in table.value.to_dict("records") if "Марат" in str(row)]
    assert {card.value for card in page.metric} <= {"0", "0\u00a0%", "нет данных", "никто не\u00a0ждёт"}


def test_what_is_nobodys_is_not_for_agents(turn: Turn, busy: Path) -> None:
    with pytest.raises(ValueError, match="Could not find"):
        turn("help", role="agent")


def test_a_page_run_by_itself_asks_for_a_token(busy: Path) -> None:
    for name in PAGES:
        file = Path(__file__).resolve().parents[2] / "dashboards" / "boards" / f"{name}.py"
        page = AppTest.from_file(str(file), default_timeout=60).run()
        assert "Отчёты открываются из рабочего места" in said(page)
        assert not page.metric


def test_a_page_that_is_asked_for_first_stands_among_the_others(busy: Path) -> None:
    page = AppTest.from_file(str(APP), default_timeout=60)
    page.query_params["token"] = token(account_id=BUSY)
    page.switch_page("boards/sla.py").run()
    assert [title.value for title in page.title] == ["SLA"]
    assert len(page.page_link) == len(PAGES)


# -- what they say


def test_the_traffic_has_a_heat_map_of_the_week_by_its_hours(turn: Turn) -> None:
    page = turn("traffic")
    assert cards(page)["Новые диалоги"] == "3"
    assert cards(page)["Нерешённые диалоги"] == "2"
    assert "Когда это бывает: входящие сообщения, штук по часам и дням недели" in said(page)
    page.segmented_control(key="by_hour").set_value("conversations").run()
    assert not page.exception
    assert "Когда это бывает: новые диалоги" in said(page)


def test_captains_drafts_are_counted_by_what_became_of_them(turn: Turn) -> None:
    shown = cards(turn("captain"))
    assert (shown["Черновики Капитана"], shown["Черновики пошли в дело"]) == ("1", "100 %")
    assert shown["Черновики отправлены после правки"] == "1"
    assert shown["Черновики отправлены как есть"] == "0"
    assert (shown["Ответы Капитана"], shown["Капитан передал людям"], shown["Капитан воздержался"]) == ("1", "1", "1")
    assert shown["Поиск без результата"] == "50 %"


def test_the_help_center_is_told_by_article(turn: Turn) -> None:
    page = turn("help")
    assert (cards(page)["Просмотры статей"], cards(page)["Статья помогла"]) == ("2", "100 %")
    (row,) = page.dataframe[0].value.to_dict("records")
    assert (row["article"], row["help_views"], row["help_votes"]) == ("Как вернуть товар", 2, 1)


def test_the_live_page_says_who_waits_and_who_is_there(turn: Turn) -> None:
    page = turn("live")
    shown = cards(page)
    assert (shown["Открыто"], shown["Ждут ответа"], shown["Ничьи"], shown["Ожидают"]) == ("2", "2", "2", "0")
    assert shown["Агенты в\u00a0сети"] == "1"
    assert shown["Ждут дольше всех"].startswith("48 мин")  # since the hand-off
    assert "=Марат" in said(page)
    assert f'<a href="{WORKSPACE}/conversations/2" target="_top">' in said(page)


def test_promises_are_told_by_target_and_agent(turn: Turn) -> None:
    page = turn("sla")
    assert cards(page)["SLA соблюдён"] == "100 %"
    assert [table.value.iloc[0, 0] for table in page.dataframe][:1] == ["Первый ответ"]


def test_a_score_stands_with_its_interval_and_the_response_rate(turn: Turn) -> None:
    page = turn("satisfaction")
    assert "интервал 95 %: от 20,7 % до 100 % · n = 1" in said(page)
    assert cards(page)["Ответили на опрос"] == "100 %"
    assert page.dataframe[0].value["csat_range"].tolist() == ["20,7\u00a0% — 100\u00a0%, n\u00a0=\u00a01"]


def test_channels_and_labels_are_named(turn: Turn) -> None:
    assert {row["channel"] for row in turn("inboxes").dataframe[1].value.to_dict("records")} == {
        "Сайт",
        "Программы (API)",
    }
    assert {row["label"] for row in turn("labels").dataframe[0].value.to_dict("records")} == {"возврат", "без метки"}
    assert {row["team"] for row in turn("teams").dataframe[0].value.to_dict("records")} == {"Возвраты", "без команды"}


def test_every_number_of_a_page_says_what_it_is(turn: Turn) -> None:
    words = said(turn("agents"))
    for metric in ("handle_time", "occupancy", "one_touch", "reopen_rate"):
        assert METRICS[metric].sentence.ru.replace("\u00a0", " ") in words
        assert METRICS[metric].exclusions.ru in words


# -- where they lead


def test_a_card_opens_its_conversations_in_the_workspace(turn: Turn) -> None:
    page = turn("overview")
    page.button(key="rows_first_response_human").click().run()
    assert not page.exception
    assert f'<a href="{WORKSPACE}/conversations/1" target="_top">№&nbsp;1</a>' in said(page)
    assert "Строк: 1, диалогов: 1." in said(page)


def test_a_cell_opens_its_conversations(turn: Turn) -> None:
    page = turn("labels")
    page.session_state["opened"] = ("full_resolution", "label", {"label": "возврат"}, "возврат")
    page.run()
    assert "/conversations/1" in said(page)
    assert "/conversations/3" not in said(page)


def test_what_was_opened_on_one_page_is_closed_on_another(turn: Turn) -> None:
    page = turn("overview")
    page.button(key="rows_first_response_human").click().run()
    assert "диалогов: 1." not in said(page.switch_page("boards/sla.py").run())


# -- filters


def test_filters_go_along_from_page_to_page_and_into_the_shared_address(turn: Turn) -> None:
    page = turn("traffic", inbox="2", days="7", time="business", compare="1")
    assert cards(page)["Новые диалоги"] == "1"
    page.switch_page("boards/inboxes.py").run()
    assert page.dataframe[0].value["conversations"].tolist() == [1]
    shared = page.code[0].value
    assert shared.startswith(f"{WORKSPACE}/reports?page=inboxes&")
    assert {"days=7", "compare=1", "inbox=2", "time=business"} <= set(shared.partition("?")[2].split("&"))


def test_a_view_can_be_of_any_days_and_of_one_label(turn: Turn) -> None:
    page = turn("traffic", **{"from": "2020-01-01", "to": "2020-01-31"})
    assert "1 января — 31 января 2020" in said(page)
    assert cards(page)["Новые диалоги"] == "0"
    assert cards(turn("traffic", label="возврат"))["Новые диалоги"] == "1"
    assert cards(turn("traffic", team="3"))["Новые диалоги"] == "1"
    assert "1 января" not in said(turn("traffic", **{"from": "2020-02-30", "to": "soon"}))


def test_a_period_is_compared_with_the_one_before(turn: Turn) -> None:
    assert "раньше сравнить не с чем" in said(turn("overview", compare="1"))
    assert "сравнить не с чем" not in said(turn("overview"))


# -- states


def test_a_build_from_before_an_update_is_told_in_words(turn: Turn, busy: Path) -> None:
    marts = account(busy, BUSY).current()
    assert marts is not None
    for file in marts.glob("waiting_now*"):
        file.unlink()
    page = turn("live")
    assert not page.exception
    assert "эти числа ещё готовятся" in said(page)
    assert cards(turn("overview"))["Новые диалоги"] == "3"


# -- what is taken away


def test_what_is_shown_can_be_taken_away(turn: Turn) -> None:
    page = turn("agents")
    assert {button.label for button in page.download_button} == {"Скачать CSV", "Скачать Parquet"}


def test_a_spreadsheet_finds_no_formula_and_a_program_the_same_rows() -> None:
    table = pl.DataFrame({"group": ["=Марат", "Айгуль"], "value": [-1.5, 2.0]})
    assert sheets.in_csv(table).decode("utf-8-sig").splitlines() == ["group,value", "'=Марат,-1.5", "Айгуль,2.0"]
    assert pl.read_parquet(sheets.in_parquet(table)).equals(table)


def test_filters_that_leave_nothing_are_told_and_cleared_at_once(turn: Turn) -> None:
    page = turn("overview", team="3", days="7", time="business")
    assert "ничего не подходит" not in said(page)
    page.selectbox(key="label").select("возврат").run()
    page.segmented_control(key="days").select(0).run()
    page.date_input(key="dates").set_value((date(2001, 1, 1), date(2001, 1, 1))).run()
    assert "Под эти фильтры ничего не подходит." in said(page)
    assert "1 января 2001, время: Москва." in said(page)
    next(button for button in page.button if button.label == "Сбросить фильтры").click().run()
    assert [page.selectbox(key=name).value for name in ("inbox", "team", "agent", "label")] == [0, 0, 0, ""]
    assert "В эти дни ничего не было." in said(page)
    assert "Сбросить фильтры" not in [button.label for button in page.button]


def test_names_of_sixty_letters_stand_whole_in_a_table() -> None:
    assert [parts._row_height(["a" * letters]) for letters in (4, 22, 23, 60, 500)] == [35, 35, 54, 73, 73]


def test_rows_are_told_under_heads(turn: Turn) -> None:
    page = turn("sla")
    next(button for button in page.button if button.key == "rows_sla_compliance").click().run()
    table = next(block.value for block in page.markdown if block.value.startswith("<table>"))
    assert "<th>Диалог</th><th>Когда</th><th>SLA соблюдён</th>" in table
