"""A reader of the help center, his answer and a person; a manager whose change did worse on the past. In Chromium."""

import re
from typing import Any

import pytest
from sqlmodel import select

from app.assist import trials
from app.assist.assistants import first_assistant
from app.assist.models import Trial, TrialState
from app.conversations.actions import resolve
from app.conversations.models import Status
from app.conversations.queries import locked, thread
from app.database import transaction
from app.help_center.actions import update_portal
from app.help_center.queries import portals
from tests.assist.desk import answering, has_read, help_center, latest_conversation, until
from tests.assist.test_trials import SOLVED
from tests.conftest import Server
from tests.world import World, acme, asks, replies

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect

WAIT_MS = 60_000
# What stood in the answer's place, each time it changed
WATCH = """() => {
    window.seen = [];
    const note = () => {
        const answer = document.querySelector("#answer");
        if (answer) window.seen.push([answer.getAttribute("aria-busy"), answer.querySelector(".prose")?.innerText ?? ""]);
    };
    new MutationObserver(note).observe(document.body, { childList: true, subtree: true });
}"""


@pytest.fixture
def world(server: Server) -> World:
    """Acme, where Captain answers in the help center's chat what he has read."""
    made = acme()
    help_center(made)
    with transaction(made.account_id):
        update_portal(portals(made.account_id)[0], by="system", inbox_id=made.inbox.id)
    answering(made)
    until(lambda: has_read(made))
    return made


def test_an_answer_comes_word_after_word_and_goes_with_the_reader_to_a_person(world: World, page: Page) -> None:
    page.goto("/hc/acme/ru/search?q=Сколько файлов можно прикрепить")
    page.evaluate(WATCH)
    page.get_by_role("link", name="Спросить Капитана").click()
    answer = page.locator("#answer:not([aria-busy])")
    expect(answer.locator(".prose")).to_contain_text("до пятнадцати файлов", timeout=WAIT_MS)
    seen = page.evaluate("window.seen")
    assert seen[0] == ["true", ""], "at first that he is reading"
    assert seen[-1][0] is None
    assert answer.get_by_role("link", name="Сколько файлов можно прикрепить").is_visible()
    answer.get_by_role("button", name="Да", exact=True).click()
    answer.locator("p#vote[role=status]").wait_for()
    answer.locator("kp-human button").click()
    card = page.frame_locator("#kulpunai iframe")
    expect(card.locator(".message--mine")).to_contain_text("Сколько файлов можно прикрепить", timeout=WAIT_MS)
    expect(card.locator(".message--captain")).to_contain_text("до пятнадцати файлов")
    until(lambda: latest_conversation(world).status == Status.OPEN)
    conversation = latest_conversation(world)
    with transaction(world.account_id):
        found = thread(conversation, public_only=True)
    assert [one.sender_type for one in found] == ["contact", "captain"]
    assert found[1].content_attributes["citations"]


def test_the_same_without_a_script(world: World, browser: Any, server: Server) -> None:
    context = browser.new_context(base_url=server.url, locale="ru-RU", java_script_enabled=False)
    page = context.new_page()
    page.goto("/hc/acme/ru/search?q=Сколько файлов можно прикрепить")
    page.get_by_role("link", name="Спросить Капитана").click()
    expect(page.locator("#answer .prose")).to_contain_text("до пятнадцати файлов", timeout=WAIT_MS)
    page.get_by_role("button", name="Нет", exact=True).click()
    page.locator("p#vote[role=status]").wait_for()
    context.close()


def test_captain_is_seen_thinking_in_the_chat(world: World, page: Page) -> None:
    page.goto("/hc/acme/ru/")
    page.locator("kp-human button").first.click()
    card = page.frame_locator("#kulpunai iframe")
    field = card.get_by_label("Сообщение", exact=True)
    field.fill("Как отложить диалог?")
    field.press("Enter")
    expect(card.locator(".typing")).to_contain_text("Капитан", timeout=WAIT_MS)
    expect(card.get_by_text("Диалог вернётся в список сам").first).to_be_visible(timeout=WAIT_MS)
    expect(card.locator(".typing")).to_be_hidden()


def test_a_change_that_did_worse_on_the_past_does_not_go_live(world: World, desk: Any) -> None:
    for n, (question, answer) in enumerate([*SOLVED.items()] * 2):
        asked = asks(world, question, who=f"guest-{n}")
        replies(world, asked, answer)
        with transaction(world.account_id):
            resolve(locked(world.account_id, asked.conversation_id), by=world.ada.actor)
    with transaction(world.account_id):
        found = first_assistant(world.account_id)
    tab = desk(world.ada, f"/captain/assistants/{found.id}")
    tab.locator("input[name=locales][value=en]").check()
    tab.locator("button[formaction]").click()
    tab.wait_for_url(re.compile("/captain/trials/"))
    tab.locator(".notice--ember").wait_for(timeout=WAIT_MS)
    assert "8" in tab.locator(".notice--ember").inner_text()
    assert tab.locator("details.rule").count() == 8
    assert tab.locator("form[action$=switch] .button--primary").count() == 0
    tab.goto(f"/captain/assistants/{found.id}")
    tab.locator("input[name=locales][value=en]").check()
    tab.locator(".form__actions .button--primary").click()
    tab.get_by_role("alert").wait_for()
    assert tab.locator("input[name=locales][value=en]").is_checked(), "what was chosen is not lost"
    tab.locator("input[name=mode][value=drafts]").check()
    tab.locator(".form__actions .button--primary").click()
    tab.locator(".notice--leaf").wait_for()
    with transaction(world.account_id) as current:
        assert [one.state for one in current.exec(select(Trial))] == [TrialState.DONE]
        assert trials.settings_of(first_assistant(world.account_id))["locales"] == ["en"]
