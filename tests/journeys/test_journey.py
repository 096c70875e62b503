"""The whole way: a visitor asks, Captain drafts, an agent accepts and resolves, the visitor rates, a manager reads it."""

import re
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from app.database import across_accounts, session, transaction
from app.help_center.actions import create_article, create_category, create_portal
from app.help_center.models import ArticleStatus
from app.inboxes.actions import update_inbox
from app.inboxes.models import Inbox
from tests.conftest import Server
from tests.world import PASSWORD, World, acme

ARTICLE = """К одному сообщению прикрепляется до 15 файлов, каждый размером до 40 МБ.

## Как прикрепить

1. Нажмите скрепку под полем ответа.
2. Выберите файлы или перетащите их в окно.
"""


def test_a_question_travels_from_the_website_to_the_reports(server: Server, browser: Any, page: Any) -> None:
    world = _with_help_center(acme())
    eventually(lambda: _count("select count(*) from passage where embedding is not null") >= 2, 90)

    # the visitor asks
    page.goto("/demo")
    page.get_by_role("button", name=re.compile("чат|помочь", re.I)).last.click()
    chat = page.frame_locator("iframe")
    chat.get_by_role("textbox").last.fill("Сколько файлов можно прикрепить к сообщению?")
    page.keyboard.press("Enter")
    chat.get_by_text("Сколько файлов можно прикрепить").wait_for()

    # the agent sees it at once, with Captain's draft and its source
    agent = _signed_in(browser, server, world)
    agent.goto("/conversations/1")
    draft = agent.locator(".captain")
    draft.wait_for(timeout=60_000)
    assert "15 файлов" in draft.inner_text()
    assert "Файлы" in draft.locator(".sources").inner_text()
    draft.get_by_role("button", name="Отправить").click()
    agent.locator(".message--outgoing", has_text="15 файлов").wait_for()
    draft.wait_for(state="detached")

    # the visitor reads it and writes once more; it appears without a reload
    chat.get_by_text("15 файлов").wait_for()
    chat.get_by_role("textbox").last.fill("Спасибо!")
    page.keyboard.press("Enter")
    agent.locator(".message--incoming", has_text="Спасибо!").wait_for()

    # resolved, rated
    agent.get_by_role("button", name="Решить").click()
    agent.locator(".activity", has_text="Диалог решён").wait_for()
    face = chat.get_by_role("radio").last
    face.wait_for(timeout=30_000)
    face.check(force=True)
    agent.locator(".activity", has_text="Оценка 5 из 5").wait_for(timeout=30_000)

    # the manager reads the numbers, within a minute
    def shows_it() -> bool:
        agent.goto("/reports")
        board = agent.frame_locator("iframe.frame")
        board.get_by_text("Обзор").first.wait_for(timeout=60_000)
        agent.wait_for_timeout(3000)
        return re.search(r"n\s=\s1", board.locator("body").inner_text()) is not None

    eventually(shows_it, 90)
    agent.context.close()


# -- below


def _with_help_center(world: World) -> World:
    by = world.ada.actor
    with transaction(world.account_id):
        portal = create_portal(world.account_id, "acme", "Acme", by=by, default_locale="ru", locales=["ru"])
        shelf = create_category(portal, "ru", "Основы", by=by)
        create_article(portal, "ru", "Файлы и вложения", ARTICLE, by=by, category=shelf, status=ArticleStatus.PUBLISHED)
        create_article(
            portal, "ru", "Возврат денег", "Деньги приходят за пять дней.", by=by, category=shelf, status="published"
        )
        inbox = session().get_one(Inbox, (world.account_id, world.inbox.id))
        update_inbox(inbox, by=by, settings={"is_demo": True}, portal_id=portal.id)
    return world


def _signed_in(browser: Any, server: Server, world: World) -> Any:
    context = browser.new_context(base_url=server.url, locale="ru-RU", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    agent = context.new_page()
    agent.goto("/sign-in")
    agent.get_by_label("Рабочая почта").fill(world.ada.email)
    agent.get_by_label("Пароль").fill(PASSWORD)
    agent.get_by_role("button", name="Войти").click()
    agent.wait_for_url("**/conversations**")
    return agent


def _count(query: str) -> int:
    with across_accounts() as current:
        return int(current.connection().execute(text(query)).scalar() or 0)


def eventually(is_so: Callable[[], bool], seconds: float) -> None:
    """Wait until it is so; AssertionError when it does not become so."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.25)
