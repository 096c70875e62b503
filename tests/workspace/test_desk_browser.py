"""An agent's desk in Chromium: by keyboard, on a phone, with the line cut, beside a colleague."""

from typing import Any

import pytest

from app.conversations import actions
from app.conversations.models import Priority
from app.conversations.queries import locked
from app.database import transaction
from app.shortcuts.actions import create_canned_response
from tests.conftest import Server
from tests.world import World, acme, asks

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
