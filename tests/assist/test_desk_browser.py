"""The agent's desk in Chromium: a draft that does not cover a phone, an answer taken from a solved conversation, words mended."""

import re
import time
from typing import Any

import pytest
from sqlmodel import col, select

from app.assist.models import Draft, DraftState, Memory, Passage, Suggestion, SuggestionState
from app.conversations.actions import resolve
from app.conversations.queries import locked
from app.database import transaction
from tests.assist.desk import help_center
from tests.assist.remembering import SOLVED
from tests.conftest import Server
from tests.world import World, acme, asks, replies

pytest.importorskip("playwright")
from playwright.sync_api import expect

PHONE = {"width": 390, "height": 844}
WAIT_MS = 60_000


@pytest.fixture
def world(server: Server) -> World:
    """Acme with articles that Captain has read, a solved conversation he remembers, and a customer who asks the same."""
    made = acme()
    help_center(made)
    solved = asks(made, SOLVED[0][1])
    replies(made, solved, SOLVED[0][2])
    with transaction(made.account_id):
        resolve(locked(made.account_id, solved.conversation_id), by=made.ada.actor)
    _until(made, lambda rows: rows(Memory.model) and all(rows(Passage.model)))
    asks(made, "Сколько файлов можно прикрепить к сообщению?", who="nina")
    _until(made, lambda rows: rows(Draft.id))
    return made


def test_on_a_phone_the_draft_is_one_line_until_somebody_opens_it(world: World, desk: Any) -> None:
    tab = desk(world.bo, "/conversations/2", PHONE)
    draft = tab.locator(".captain")
    expect(draft).to_be_visible(timeout=WAIT_MS)
    assert draft.bounding_box()["height"] < 60
    expect(draft.get_by_text("до пятнадцати файлов").first).to_be_hidden()
    fold = tab.locator("[data-open-draft]")
    fold.focus()
    tab.keyboard.press("Space")
    expect(draft.get_by_text("до пятнадцати файлов").first).to_be_visible()
    expect(draft.locator("form[action$=acceptance] button")).to_be_in_viewport()
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_while_a_draft_is_edited_the_question_stands_above_it_and_not_the_draft_again(world: World, desk: Any) -> None:
    tab = desk(world.bo, "/conversations/2")
    draft = tab.locator(".captain")
    draft.get_by_role("button", name="Править", exact=True).click(timeout=WAIT_MS)
    expect(tab.locator(".composer__text")).to_be_focused()
    expect(draft.get_by_text("до пятнадцати файлов").first).to_be_hidden()
    expect(tab.locator(".message--incoming").last).to_be_in_viewport()
    tab.locator("[data-open-draft]").check(force=True)
    expect(draft.get_by_text("до пятнадцати файлов").first).to_be_visible()


def test_an_edited_draft_is_told_as_captains_though_the_agent_has_looked_elsewhere_before_sending(
    world: World, desk: Any
) -> None:
    tab = desk(world.bo, "/conversations/2")
    tab.locator(".captain").get_by_role("button", name="Править", exact=True).click(timeout=WAIT_MS)
    with tab.expect_response(lambda response: response.url.endswith("/draft") and response.request.method == "POST"):
        tab.locator(".composer__text").press_sequentially(" Спасибо!")
    tab.reload()
    expect(tab.locator(".composer__text")).to_have_value(re.compile("Спасибо!$"))
    tab.locator(".composer__send").click()
    _until(world, lambda rows: rows(Draft.state) == [DraftState.EDITED])
    asks(world, "А больше?", who="nina")
    _until(world, lambda rows: len(rows(Draft.state)) == 2)
    tab.reload()
    tab.locator(".composer__text").fill("Больше – письмом.")
    tab.locator(".composer__send").click()
    _until(world, lambda rows: sorted(rows(Draft.state)) == [DraftState.EDITED, DraftState.STALE])


@pytest.mark.parametrize("answer", ["acceptance", "rejection"])
def test_the_keyboard_goes_on_from_the_composer_once_a_draft_is_decided_on(
    world: World, desk: Any, answer: str
) -> None:
    tab = desk(world.bo, "/conversations/2")
    button = tab.locator(f".captain form[action$={answer}] button")
    expect(button).to_be_visible(timeout=WAIT_MS)
    button.focus()
    tab.keyboard.press("Enter")
    expect(tab.locator(".captain")).to_have_count(0)
    expect(tab.locator(".composer__text")).to_be_focused()


def test_an_answer_of_a_solved_conversation_goes_into_the_reply_and_is_sent(world: World, desk: Any) -> None:
    asked = asks(world, "Не приходит письмо для смены пароля", who="olga")
    tab = desk(world.bo, "/conversations/3")
    tab.locator("[data-half=assist]").click()
    tab.locator(".alike [data-take]").click(timeout=WAIT_MS)
    expect(tab.locator(".composer__text")).to_have_value(SOLVED[0][2])
    tab.locator(".composer__send").click()
    expect(tab.locator(".message--outgoing").get_by_text("папку «Спам»")).to_be_visible()
    _until(world, lambda rows: SuggestionState.USED in rows(Suggestion.state))
    assert asked.conversation_id


def test_words_are_mended_and_one_key_takes_it_back(world: World, desk: Any) -> None:
    tab = desk(world.bo, "/conversations/2")
    field = tab.locator(".composer__text")
    field.fill("файлов  до пятнадцати ,проверьте")
    tab.locator("[data-wishes]").click()
    tab.locator("[data-wish=fix]").click()
    expect(field).to_have_value("Файлов до пятнадцати, проверьте", timeout=WAIT_MS)
    expect(tab.locator("[data-diff] ins").first).to_be_visible()
    field.press("Escape")
    expect(field).to_have_value("файлов  до пятнадцати ,проверьте")
    expect(tab.locator("[data-changes]")).to_be_hidden()


def test_what_captain_changed_is_shown_until_other_words_stand_there(world: World, desk: Any) -> None:
    tab = desk(world.bo, "/conversations/2")
    tab.locator(".composer__text").fill("файлов  до пятнадцати ,проверьте")
    tab.locator("[data-wishes]").click()
    tab.locator("[data-wish=fix]").click()
    expect(tab.locator("[data-changes]")).to_be_visible(timeout=WAIT_MS)
    tab.locator(".captain [data-edit-draft]").click()
    expect(tab.locator("[data-changes]")).to_be_hidden()


def test_a_long_address_in_the_reply_does_not_make_a_phone_wider(world: World, desk: Any) -> None:
    tab = desk(world.bo, "/conversations/2", PHONE)
    tab.locator(".composer__text").fill("http://shop.example/" + "a" * 200)
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def _until(world: World, holds: Any) -> None:
    for _try in range(900):
        with transaction(world.account_id) as current:
            if holds(lambda column: list(current.exec(select(col(column))))):
                return
        time.sleep(0.1)
    raise AssertionError("it did not come to pass in a minute and a half")
