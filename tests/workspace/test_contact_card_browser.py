"""What is known of a customer, in Chromium: written beside the conversation, while the screen follows the log."""

from typing import Any

import pytest

from app.contacts.actions import update_contact
from app.contacts.queries import contact, notes
from app.conversations import actions
from app.conversations.models import Priority
from app.conversations.queries import locked
from app.database import transaction
from tests.conftest import Server
from tests.world import World, acme, asks

pytest.importorskip("playwright")
from playwright.sync_api import expect


@pytest.fixture
def world(server: Server) -> World:
    return acme()


def test_a_note_being_written_outlives_what_happens_meanwhile_and_is_kept_once(world: World, desk: Any) -> None:
    asked = asks(world)
    ada = desk(world.ada)
    ada.locator("#about summary").first.click()
    field = ada.locator("#contact-note")
    field.fill("Просит звонить после обеда")
    with transaction(world.account_id):
        actions.set_priority(locked(world.account_id, asked.conversation_id), Priority.URGENT, by=world.bo.actor)
    expect(ada.locator("#about select[name=priority]")).to_have_value("urgent")
    expect(field).to_have_value("Просит звонить после обеда")
    expect(field).to_be_focused()
    ada.keyboard.press("Tab")
    ada.keyboard.press("Enter")
    expect(ada.locator(".notes li")).to_contain_text("Просит звонить после обеда")
    expect(field).to_have_value("")
    assert ada.url.endswith("/conversations/1"), "the desk stays where it is"
    with transaction(world.account_id):
        assert len(notes(world.account_id, asked.sender_id or 0)) == 1


def test_what_could_not_be_kept_stands_where_it_was_written(world: World, desk: Any) -> None:
    asks(world)
    ada = desk(world.ada)
    ada.locator("#about summary").first.click()
    # the server refuses it, then nobody hears it
    ada.locator("#contact-note").fill("   ")
    ada.locator("form:has(#contact-note) button").click()
    expect(ada.locator(".toast--failed")).to_have_count(1)
    expect(ada.locator("#contact-note")).to_have_value("   ")
    ada.context.set_offline(True)
    ada.locator("#contact-note").fill("Просит звонить")
    ada.locator("form:has(#contact-note) button").click()
    expect(ada.locator(".toast--failed").last).to_contain_text("Нет связи")
    expect(ada.locator("#contact-note")).to_have_value("Просит звонить")


def test_an_attribute_is_changed_in_its_place_and_a_menu_stays_open_while_others_work(world: World, desk: Any) -> None:
    asked = asks(world)
    with transaction(world.account_id):
        found = contact(world.account_id, asked.sender_id or 0)
        update_contact(found, by="system", custom_attributes={"тариф": "Базовый"})
    ada = desk(world.ada)
    ada.get_by_role("button", name="Базовый").click()
    field = ada.locator("#attribute-1-value")
    field.fill("Полный")
    with transaction(world.account_id):
        actions.assign(locked(world.account_id, asked.conversation_id), world.bo.id, by=world.bo.actor)
    expect(ada.locator("#about [popovertarget=assignees]")).to_contain_text("Bo")
    expect(field).to_be_visible()
    expect(field).to_have_value("Полный")
    field.press("Enter")
    expect(ada.get_by_role("button", name="Полный")).to_be_visible()
    expect(field).to_be_hidden()
