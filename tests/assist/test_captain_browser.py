"""A visitor and Captain, in Chromium: an answer with its source, a yes that solves it, a person at one click."""

import time

import pytest
from sqlmodel import col, select

from app.assist.models import Passage
from app.conversations.models import Conversation, Status
from app.database import transaction
from app.inboxes.actions import update_inbox
from app.inboxes.queries import inbox as inbox_of
from tests.assist.desk import answering, help_center
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
    _until(lambda: _has_read(made))
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
    _until(lambda: _conversation(world).status == Status.RESOLVED)
    field.fill("Как отложить диалог?")
    field.press("Enter")
    expect(card.get_by_text("Диалог вернётся в список сам").first).to_be_visible(timeout=WAIT_MS)
    card.get_by_role("button", name="Позвать человека").click()
    _until(lambda: _conversation(world).status == Status.OPEN)
    assert _conversation(world).held_by is None


def _conversation(world: World) -> Conversation:
    with transaction(world.account_id) as current:
        return current.exec(select(Conversation).order_by(col(Conversation.id).desc())).first()


def _has_read(world: World) -> bool:
    with transaction(world.account_id) as current:
        rows = list(current.exec(select(Passage.model)))
    return len(rows) >= 8 and all(rows)


def _until(holds) -> None:
    for _try in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to pass in a minute")
