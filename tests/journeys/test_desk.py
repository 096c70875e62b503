"""Agents at their desks: together, cut off, quicker than each other."""

from typing import Any

import pytest
from playwright.sync_api import expect

from app.conversations import queries
from app.conversations.models import Message
from app.conversations.queries import locked
from app.database import transaction
from tests.conftest import Server
from tests.journeys.test_journey import eventually
from tests.world import World, acme, asks, replies


@pytest.fixture
def world(server: Server) -> World:
    return acme()


def test_two_agents_see_each_other_and_what_the_other_does(world: World, desk: Any) -> None:
    asks(world)
    ada = desk(world.ada)
    bo = desk(world.bo)
    ada.locator("#viewers", has_text="Bo").wait_for()
    bo.locator("#viewers", has_text="Ada").wait_for()
    bo.get_by_role("textbox", name="Сообщение").fill("Сейчас")
    ada.locator("#viewers", has_text="печатает").wait_for()
    bo.get_by_role("button", name="Решить").click()
    ada.locator(".activity", has_text="Диалог решён").wait_for()
    ada.get_by_role("button", name="Открыть снова").wait_for()


def test_a_desk_that_was_cut_off_shows_everything_once(world: World, desk: Any) -> None:
    asked = asks(world, "первый вопрос")
    ada = desk(world.ada)
    ada.context.set_offline(True)
    for n in range(3):
        asks(world, f"пока нет связи {n}")
    replies(world, asked, "ответ коллеги", by=world.bo)
    ada.context.set_offline(False)
    ada.locator(".message", has_text="ответ коллеги").wait_for(timeout=60_000)
    for n in range(3):
        expect(ada.locator(".message", has_text=f"пока нет связи {n}")).to_have_count(1)
    shown = [
        int(identifier)
        for identifier in ada.locator("#messages [data-id]").evaluate_all("all => all.map(one => one.dataset.id)")
    ]
    assert shown == sorted(set(shown))


def test_a_reply_written_without_a_connection_goes_out_once_when_it_is_back(world: World, desk: Any) -> None:
    asked = asks(world)
    ada = desk(world.ada)
    ada.context.set_offline(True)
    ada.get_by_role("textbox", name="Сообщение").fill("Пишу из тоннеля")
    ada.keyboard.press("Enter")
    ada.locator(".message--failed", has_text="Пишу из тоннеля").wait_for()
    ada.context.set_offline(False)
    eventually(lambda: [m.content for m in _thread(asked)].count("Пишу из тоннеля") == 1, 60)
    ada.locator(".message--outgoing[data-id]", has_text="Пишу из тоннеля").wait_for()
    assert ada.locator(".message", has_text="Пишу из тоннеля").count() == 1
    ada.reload()
    ada.locator(".message", has_text="Пишу из тоннеля").wait_for()
    assert [m.content for m in _thread(asked)].count("Пишу из тоннеля") == 1


def test_a_reply_to_a_thread_that_went_on_is_held_back_until_its_author_has_seen(world: World, desk: Any) -> None:
    asked = asks(world)
    ada = desk(world.ada)
    ada.get_by_role("textbox", name="Сообщение").fill("Ответ Ады")
    replies(world, asked, "Ответ Бо", by=world.bo)
    ada.locator(".message", has_text="Ответ Бо").wait_for()
    ada.keyboard.press("Enter")
    ada.locator(".composer__notice", has_text="Ответ не отправлен").wait_for()
    assert ada.get_by_role("textbox", name="Сообщение").input_value() == "Ответ Ады"
    assert len(_thread(asked)) == 2
    ada.get_by_role("button", name="Отправить всё равно").click()
    eventually(lambda: len(_thread(asked)) == 3, 30)


def test_the_list_finds_by_number_and_name_and_a_draft_is_kept(world: World, desk: Any) -> None:
    for who in ("айгуль", "пётр"):
        asks(world, who=who)
    ada = desk(world.ada)
    ada.get_by_role("textbox", name="Сообщение").fill("Недописано")
    ada.wait_for_timeout(1500)
    ada.get_by_role("searchbox").fill("петр")
    ada.keyboard.press("Enter")
    ada.wait_for_url("**q=**")
    assert ada.locator(".conversation-row").count() == 1
    ada.goto("/conversations/1")
    assert ada.get_by_role("textbox", name="Сообщение").input_value() == "Недописано"


def _thread(message: Message) -> list[Message]:
    with transaction(message.account_id):
        return queries.thread(locked(message.account_id, message.conversation_id), limit=100)
