"""A visitor and Captain, in Chromium: an answer with its source, a yes that solves it, a person at one click."""

import pytest

from app.conversations.models import Status
from app.database import transaction
from app.inboxes.actions import update_inbox
from app.inboxes.queries import inbox as inbox_of
from tests.assist.desk import answering, has_read, help_center, latest_conversation, until
from tests.conftest import Server
from tests.world import World, acme

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect

WAIT_MS = 60_000


@pytest.fixture
def world(server: Server) -> World:
    """Acme, whose website is the demo shop, and where Captain answers what he has read."""
    made = acme()
    with transaction(made.account_id):
        update_inbox(inbox_of(made.account_id, made.inbox.id), by="system", settings={"is_demo": True})
    help_center(made)
    answering(made)
    until(lambda: has_read(made))
    return made


def test_a_visitor_gets_an_answer_and_a_person_when_he_wants_one(world: World, page: Page) -> None:
    page.goto("/demo")
    page.locator("#kulpunai button").click()
    card = page.frame_locator("#kulpunai iframe")
    field = card.get_by_label("Сообщение", exact=True)
    field.fill("Сколько файлов можно прикрепить?")
    field.press("Enter")
    expect(card.get_by_text("до пятнадцати файлов").first).to_be_visible(timeout=WAIT_MS)
    expect(card.get_by_role("link", name="Сколько файлов можно прикрепить").first).to_be_visible()
    card.get_by_role("button", name="Да", exact=True).click()
    until(lambda: latest_conversation(world).status == Status.RESOLVED)
    field.fill("Как отложить диалог?")
    field.press("Enter")
    expect(card.get_by_text("Диалог вернётся в список сам").first).to_be_visible(timeout=WAIT_MS)
    card.get_by_role("button", name="Позвать человека").click()
    until(lambda: latest_conversation(world).status == Status.OPEN)
    assert latest_conversation(world).held_by is None
