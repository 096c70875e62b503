"""An agent's desk in Chromium: by keyboard, on a phone, with the line cut, beside a colleague."""

import re
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from app.conversations import actions
from app.conversations.models import Priority
from app.conversations.queries import locked
from app.database import session, transaction
from app.inboxes import queries as inbox_queries
from app.inboxes.actions import update_inbox
from app.shortcuts.actions import create_canned_response
from app.surveys.models import Survey
from tests.conftest import Server
from tests.journeys.test_journey import eventually
from tests.world import World, acme, asks, replies

pytest.importorskip("playwright")
from playwright.sync_api import expect

DESKTOP, NARROW, PHONE = ({"width": width, "height": 844} for width in (1440, 1000, 390))


@pytest.fixture
def world(server: Server) -> World:
    return acme()


def test_on_a_phone_the_way_back_leads_to_the_list_as_it_was_left(world: World, desk: Any) -> None:
    for n in range(14):
        asks(world, who=f"visitor-{n}")
    phone = desk(world.ada, "/conversations?tab=unassigned", PHONE)
    rows = phone.locator("#conversations")
    rows.evaluate("rows => (rows.scrollTop = 300)")
    phone.locator(".conversation-row__link").nth(6).click()
    expect(phone.locator("h1")).to_be_focused()
    expect(rows).to_be_hidden()
    phone.locator(".thread__back").click()
    expect(rows).to_be_visible()
    expect(phone.locator(".conversation-row__link").nth(6)).to_be_focused()
    assert rows.evaluate("rows => rows.scrollTop") == 300
    assert phone.url.endswith("/conversations?tab=unassigned")
    # the browser's own buttons do the same
    phone.go_back()
    expect(phone.locator(".thread__back")).to_be_visible()
    phone.go_back()
    expect(rows).to_be_visible()
    assert rows.evaluate("rows => rows.scrollTop") == 300


def test_a_cut_line_is_told_in_words_until_it_is_back(world: World, desk: Any) -> None:
    asks(world)
    ada = desk(world.ada)
    expect(ada.locator("kp-desk")).to_have_js_property("wasConnected", True)
    ada.context.set_offline(True)
    banner = ada.get_by_role("alert").filter(has_text="Нет связи")
    expect(banner).to_be_visible()
    ada.context.set_offline(False)
    expect(banner).to_be_hidden()
    expect(ada.locator(".toast")).to_contain_text("Связь восстановлена")


def test_the_keyboard_keeps_its_place_while_the_screen_follows_the_log(world: World, desk: Any) -> None:
    asked = asks(world)
    ada = desk(world.ada)
    labels = ada.locator("#side summary").nth(1)
    labels.click()
    assignee = ada.locator(".thread__assignee")
    assignee.focus()
    with transaction(world.account_id):
        found = locked(world.account_id, asked.conversation_id)
        actions.assign(found, world.bo.id, by=world.bo.actor)
        actions.set_priority(found, Priority.URGENT, by=world.bo.actor)
    expect(assignee).to_contain_text("Bo")
    expect(assignee).to_be_focused()
    expect(ada.locator("#side")).to_contain_text("Bo")
    assert not labels.evaluate("summary => summary.parentElement.open"), "what was folded stays folded"


def test_everything_of_the_desk_is_reached_by_keyboard_and_the_thread_at_once(world: World, desk: Any) -> None:
    for n in range(3):
        asks(world, who=f"visitor-{n}")
    ada = desk(world.ada)
    ada.evaluate("document.activeElement.blur()")
    ada.keyboard.press("Tab")
    ada.keyboard.press("Enter")
    stops = []
    for _step in range(30):
        ada.keyboard.press("Tab")
        stops.append(ada.evaluate(STOP))
    # past the list, straight into the thread, then to the composer, then to the side pane
    places = list(dict.fromkeys(place for place, _ring in stops if place))
    assert places == ["head", "messages", "composer", "side"]
    assert all(ring for place, ring in stops if place)


# where the keyboard is, and whether one sees it
STOP = """() => {
  const at = document.activeElement;
  const place = at.closest("#head, #messages, .composer, #side");
  const seen = at.closest("label, .composer") || at;
  const ring = [at, seen].some((one) => getComputedStyle(one).outlineStyle !== "none") || at.matches(".composer__text");
  return [place?.id || (place ? "composer" : null), ring];
}"""


def test_on_a_narrow_screen_a_colleague_is_a_face(world: World, desk: Any) -> None:
    asks(world)
    ada = desk(world.ada, screen=NARROW)
    desk(world.bo)
    expect(ada.locator("#viewers .avatar")).to_have_text("B")
    expect(ada.locator("#viewers")).to_have_attribute("title", "Смотрит: Bo")


def test_the_templates_stand_above_what_is_written(world: World, desk: Any) -> None:
    asks(world)
    with transaction(world.account_id):
        for code in ("возврат", "доставка", "привет"):
            create_canned_response(world.account_id, code, "Здравствуйте! " * 20, by=world.ada.actor)
    ada = desk(world.ada)
    ada.get_by_role("button", name="Шаблоны").click()
    menu = ada.locator("text-expander [role=listbox]")
    expect(menu).to_be_visible()
    menu_box, text_box = menu.bounding_box(), ada.locator(".composer__text").bounding_box()
    assert menu_box["y"] + menu_box["height"] <= text_box["y"] + 1


@pytest.mark.parametrize("screen", [DESKTOP, NARROW, PHONE], ids=["desktop", "narrow", "phone"])
def test_names_without_end_leave_the_way_to_send_where_it_was(world: World, desk: Any, screen: dict[str, int]) -> None:
    with transaction(world.account_id):
        inbox = inbox_queries.inbox(world.account_id, world.inbox.id)
        update_inbox(inbox, by=world.ada.actor, name="Магазинбезединогопробела" * 5)
    asks(world, who="александра-виктория-" * 5)
    tab = desk(world.ada, screen=screen)
    expect(tab.locator(".message--incoming")).to_be_in_viewport()
    thread = tab.locator("#thread").bounding_box()
    for part in (".composer__send", ".thread__head", ".message"):
        box = tab.locator(part).last.bounding_box()
        assert box["x"] + box["width"] <= thread["x"] + thread["width"] + 1, part
    tab.goto(f"/settings/inboxes/{world.inbox.id}")
    assert tab.locator("main").evaluate("main => main.scrollWidth - main.clientWidth") == 0


def test_a_double_click_makes_one_channel(world: World, desk: Any) -> None:
    tab = desk(world.ada, "/settings/inboxes/new")
    tab.get_by_label("Имя").fill("Второй сайт")
    tab.get_by_role("button", name="Подключить").dblclick()
    tab.wait_for_url(re.compile(r"/settings/inboxes/\d+$"))
    expect(tab.get_by_role("heading", name="Второй сайт")).to_be_visible()
    with transaction(world.account_id):
        assert [inbox.name for inbox in inbox_queries.inboxes(world.account_id)].count("Второй сайт") == 1


def test_no_face_looks_chosen_before_the_customer_has_chosen(world: World, desk: Any) -> None:
    asked = asks(world)
    replies(world, asked)
    with transaction(world.account_id):
        actions.resolve(locked(world.account_id, asked.conversation_id), by=world.ada.actor)
    eventually(lambda: _surveys(world) != [], 60)
    tab = desk(world.ada, f"/survey/{_surveys(world)[0].uuid}")
    faces = tab.locator("[name=rating]")
    expect(faces).to_have_count(5)
    painted = "all => all.map(one => getComputedStyle(one).backgroundImage !== 'none')"
    assert faces.evaluate_all(painted) == [False] * 5
    faces.nth(1).check()
    assert faces.evaluate_all(painted) == [False, True, False, False, False]


def _surveys(world: World) -> list[Survey]:
    with transaction(world.account_id) as current:
        return list(current.exec(select(Survey)))


def test_a_message_after_midnight_stands_under_a_line_of_its_day(world: World, desk: Any) -> None:
    asks(world, "Вчера вечером")
    with transaction(world.account_id):
        session().execute(text("update message set created_at = created_at - interval '1 day'"))
    ada = desk(world.ada, "/conversations/1", DESKTOP)
    days = ada.locator("#messages .day[data-day]")
    expect(days.first).to_have_text("Вчера")
    # as a page shows it that was opened before midnight: nothing of today, and yesterday under its name of then
    ada.locator("#messages").evaluate(
        """list => {
            const [first, ...later] = list.querySelectorAll(".day[data-day]");
            for (const line of [...later, ...list.querySelectorAll(".activity")]) line.remove();
            first.querySelector("time").textContent = "Сегодня";
        }"""
    )
    asks(world, "После полуночи")
    expect(days).to_have_text(["Вчера", "Сегодня"])
    expect(ada.locator("#messages > li.day ~ li.day ~ li.message").first).to_contain_text("После полуночи")
    asks(world, "И ещё")
    expect(ada.locator("#messages")).to_contain_text("И ещё")
    expect(days).to_have_count(2)
