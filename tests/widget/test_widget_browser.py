"""A visitor's day, in Chromium: he writes, loses his connection, reloads, comes back, and never says anything twice."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from sqlmodel import col, select

from app import files
from app.calendars.actions import assign, create_calendar
from app.config import Settings
from app.contacts.models import Contact, ContactInbox
from app.conversations import actions
from app.conversations.actions import Writing, by_user
from app.conversations.models import Attachment, Conversation, Message, MessageType
from app.conversations.queries import locked
from app.database import session, transaction
from app.inboxes.queries import inbox as inbox_of
from app.ready import web_answers
from app.supervisor import crew_of
from app.surveys.models import Survey
from tests.conftest import Server, free_port
from tests.widget.conftest import change, proof
from tests.world import World, acme

pytest.importorskip("playwright")
from playwright.sync_api import FrameLocator, Page, Request, Route, expect

PHONE = {"width": 390, "height": 844}
POSTS = "**/api/v1/widget/messages*"


@pytest.fixture
def world(server: Server) -> World:
    """Acme, whose website is the demo shop."""
    made = acme()
    change(made, settings={"is_demo": True, "website_name": "Акме"})
    return made


@pytest.fixture
def chat(world: World, page: Page) -> FrameLocator:
    """The open card of somebody new, on the demo shop."""
    page.goto("/demo")
    return opened(page)


def opened(page: Page) -> FrameLocator:
    button(page).click()
    card = frame(page)
    expect(card.get_by_label("Сообщение", exact=True)).to_be_focused()
    return card


def button(page: Page) -> Any:
    return page.locator("#kulpunai button")


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("#kulpunai iframe")


def write(card: FrameLocator, words: str) -> None:
    field = card.get_by_label("Сообщение", exact=True)
    field.fill(words)
    field.press("Enter")


def bubbles(card: FrameLocator) -> Any:
    return card.locator(".message__box")


def incoming(world: World) -> list[str]:
    """What the customers have said, in order, as the database has it."""
    with transaction(world.account_id):
        query = select(Message).where(col(Message.message_type) == MessageType.INCOMING).order_by(col(Message.id))
        return [message.content for message in session().exec(query)]


def answer(world: World, words: str, **more: Any) -> int:
    """An agent replies in the newest conversation."""
    with transaction(world.account_id):
        conversation = session().exec(select(Conversation).order_by(col(Conversation.id).desc())).first()
        assert conversation
        return actions.reply(conversation, by_user(world.ada), Writing(words, **more)).id


def test_nothing_but_the_button_loads_until_it_is_pressed(world: World, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto("/demo")
    expect(button(page)).to_be_visible()
    ours = {address for address in asked if "widget" in address}
    assert ours == {"/widget.js", "/widget/look"}
    assert page.locator("iframe").count() == 0
    with transaction(world.account_id):
        assert session().exec(select(Contact)).all() == []


def test_a_question_and_its_answer_meet_without_a_reload(world: World, chat: FrameLocator) -> None:
    write(chat, "Где мой заказ?")
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    answer(world, "Уже **едет**: https://track.example/1")
    expect(chat.get_by_role("link", name="https://track.example/1")).to_have_attribute("target", "_blank")
    expect(chat.locator(".message__box strong")).to_have_text("едет")
    expect(chat.get_by_text("Ada", exact=True)).to_be_visible()
    assert incoming(world) == ["Где мой заказ?"]


def test_agents_reading_is_shown(world: World, chat: FrameLocator) -> None:
    write(chat, "Где мой заказ?")
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    with transaction(world.account_id):
        conversation = session().exec(select(Conversation)).one()
        actions.mark_seen(locked(world.account_id, conversation.id), world.ada)
    expect(chat.get_by_text("Прочитано")).to_be_visible()


def test_a_reload_forgets_nothing(world: World, page: Page, chat: FrameLocator) -> None:
    write(chat, "Первое")
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    chat.get_by_label("Сообщение", exact=True).fill("Недописанн")
    page.reload()
    card = opened(page)
    expect(bubbles(card)).to_have_text(["Первое"])
    expect(card.get_by_label("Сообщение", exact=True)).to_have_value("Недописанн")
    write(card, "Второе")
    expect(card.get_by_text("Отправлено")).to_be_visible()
    expect(bubbles(card)).to_have_text(["Первое", "Второе"])
    assert incoming(world) == ["Первое", "Второе"]


def test_what_is_written_without_a_connection_goes_out_with_it(world: World, page: Page, chat: FrameLocator) -> None:
    write(chat, "Раз")
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    page.context.set_offline(True)
    for words in ("Два", "Три", "Четыре"):
        write(chat, words)
    expect(chat.get_by_text("Нет связи")).to_be_visible()
    assert incoming(world) == ["Раз"]
    page.context.set_offline(False)
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    expect(chat.get_by_text("Нет связи")).to_be_hidden()
    assert incoming(world) == ["Раз", "Два", "Три", "Четыре"]
    expect(bubbles(chat)).to_have_text(["Раз", "Два", "Три", "Четыре"])


def test_a_reload_before_anything_could_be_sent_loses_nothing(world: World, page: Page, chat: FrameLocator) -> None:
    page.route(
        POSTS,
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    write(chat, "Первое слово")
    expect(bubbles(chat)).to_have_text(["Первое слово"])
    page.reload()
    page.unroute(POSTS)
    card = opened(page)
    expect(card.get_by_text("Отправлено")).to_be_visible()
    assert incoming(world) == ["Первое слово"]


def test_an_answer_that_is_lost_on_the_way_doubles_nothing(world: World, page: Page, chat: FrameLocator) -> None:
    """The server has the message, the browser does not know: it asks again, with the same id, under the same name."""
    lost: list[str] = []

    def lose(route: Route, request: Request) -> None:
        if request.method == "POST" and len(lost) < 2:
            lost.append(json.loads(request.post_data or "{}")["message"]["echo_id"])
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(POSTS, lose)
    write(chat, "Один раз")
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    assert len(set(lost)) == 1
    assert len(lost) == 2
    assert incoming(world) == ["Один раз"]
    with transaction(world.account_id):
        assert len(session().exec(select(ContactInbox)).all()) == 1


def test_a_refusal_is_told_and_can_be_tried_again(world: World, page: Page, chat: FrameLocator) -> None:
    def refuse(route: Route, request: Request) -> None:
        if request.method == "POST":
            route.fulfill(status=422, json={"error": "Так нельзя."})
        else:
            route.continue_()

    page.route(POSTS, refuse)
    write(chat, "Попытка")
    expect(chat.get_by_text("Так нельзя.")).to_be_visible()
    page.unroute(POSTS)
    chat.get_by_role("button", name="Повторить").click()
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    assert incoming(world) == ["Попытка"]


def test_a_server_that_is_killed_and_comes_back_is_not_noticed_twice(world: World, server: Server, page: Page) -> None:
    chosen = Settings(port=free_port())
    crew = crew_of(chosen, names=["web"])
    crew.environment["PORT"] = str(chosen.port)
    web = crew.children[0]
    try:
        crew.start(web)
        crew.wait_for("web", lambda: web_answers(chosen.host, chosen.port), 120)
        page.goto(f"http://127.0.0.1:{chosen.port}/demo")
        card = opened(page)
        write(card, "До")
        expect(card.get_by_text("Отправлено")).to_be_visible()
        assert web.process
        os.killpg(web.process.pid, signal.SIGKILL)
        web.process.wait()
        # nobody tends it, so it stays down until we wait for it again
        write(card, "Пока вас не было")
        answer(world, "Я отвечал без сервера")
        expect(card.get_by_text("Отправляется").or_(card.get_by_text("Отправим"))).to_be_visible()
        crew.wait_for("web", lambda: web_answers(chosen.host, chosen.port), 120)
        expect(card.get_by_text("Я отвечал без сервера")).to_be_visible(timeout=60_000)
        expect(card.get_by_text("Отправлено")).to_be_visible(timeout=60_000)
        assert incoming(world) == ["До", "Пока вас не было"]
        expect(bubbles(card)).to_have_count(3)
    finally:
        crew.stop()


def test_two_tabs_are_one_visitor(world: World, page: Page, chat: FrameLocator) -> None:
    other = page.context.new_page()
    other.goto("/demo")
    second = opened(other)
    write(chat, "Из первой")
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    expect(bubbles(second)).to_have_text(["Из первой"])
    write(second, "Из второй")
    expect(bubbles(chat)).to_have_text(["Из первой", "Из второй"])
    expect(bubbles(second)).to_have_text(["Из первой", "Из второй"])
    answer(world, "Обеим")
    for card in (chat, second):
        expect(card.get_by_text("Обеим")).to_be_visible()
    with transaction(world.account_id):
        assert len(session().exec(select(Contact)).all()) == 1
        assert len(session().exec(select(Conversation)).all()) == 1


def test_a_stream_that_is_cut_is_replaced_by_questions(world: World, page: Page) -> None:
    page.route("**/widget/live*", lambda route: route.abort())
    page.goto("/demo")
    card = opened(page)
    write(card, "Где мой заказ?")
    expect(card.get_by_text("Отправлено")).to_be_visible()
    answer(world, "Едет и без потока")
    expect(card.get_by_text("Едет и без потока")).to_be_visible()


def test_a_closed_card_counts_what_is_unread(world: World, page: Page, chat: FrameLocator) -> None:
    write(chat, "Где мой заказ?")
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    chat.get_by_label("Сообщение", exact=True).press("Escape")
    expect(button(page)).to_be_focused()
    answer(world, "Едет")
    answer(world, "Почти приехал")
    page.reload()
    expect(button(page)).to_have_accessible_name("Открыть чат, 2 непрочитанных сообщения")
    with page.expect_response("**/conversations/update_last_seen*"):
        card = opened(page)
    expect(card.get_by_text("Почти приехал")).to_be_visible()
    page.reload()
    expect(button(page)).to_have_accessible_name("Открыть чат")


def test_files_go_both_ways(world: World, page: Page, chat: FrameLocator) -> None:
    chat.locator("input[type=file]").set_input_files(
        [
            {"name": "чек.txt", "mimeType": "text/plain", "buffer": b"42"},
            {"name": "фото.png", "mimeType": "image/png", "buffer": picture()},
        ]
    )
    write(chat, "Вот чек")
    expect(chat.get_by_role("link", name="Скачать чек.txt")).to_be_visible()
    expect(chat.get_by_role("img", name="Картинка фото.png")).to_be_visible()
    answer(world, "А вот наш", attachments=[files.put_bytes(world.account_id, picture())], file_names=["наш.png"])
    expect(chat.get_by_role("img", name="Картинка наш.png")).to_be_visible()
    with transaction(world.account_id):
        assert len(session().exec(select(Attachment)).all()) == 3


def test_a_file_that_waits_outlives_a_reload(world: World, page: Page, chat: FrameLocator) -> None:
    page.route(
        POSTS,
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    chat.locator("input[type=file]").set_input_files([{"name": "чек.txt", "mimeType": "text/plain", "buffer": b"42"}])
    write(chat, "С файлом")
    expect(bubbles(chat)).to_have_text(["С файлом"])
    page.reload()
    page.unroute(POSTS)
    card = opened(page)
    expect(card.get_by_role("link", name="Скачать чек.txt")).to_be_visible()
    with transaction(world.account_id):
        assert session().exec(select(Attachment)).one().size_bytes == 2


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(world: World, page: Page, chat: FrameLocator) -> None:
    chat.locator("input[type=file]").evaluate(
        """(field) => {
            const data = new DataTransfer();
            data.items.add(new File([new Blob([new Uint8Array(41 * 1024 * 1024)])], "кино.bin"));
            field.files = data.files;
            field.dispatchEvent(new Event("change"));
        }"""
    )
    expect(chat.get_by_role("alert").filter(has_text="кино.bin больше 40")).to_be_visible()


def test_five_faces_rate_the_help_in_the_thread(world: World, page: Page, chat: FrameLocator) -> None:
    change(world, csat_enabled=True)
    write(chat, "Где мой заказ?")
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    answer(world, "Едет")
    with transaction(world.account_id):
        conversation = session().exec(select(Conversation)).one()
        actions.resolve(locked(world.account_id, conversation.id), by=world.ada.actor)
    faces = chat.get_by_role("radio")
    expect(faces).to_have_count(5)
    faces.first.focus()
    for _ in range(4):
        chat.locator(":focus").press("ArrowRight")
    expect(chat.get_by_role("radio", name="Отлично")).to_be_checked()
    chat.get_by_placeholder("Что понравилось?").fill("Быстро!")
    chat.locator(".survey__more").get_by_role("button", name="Отправить").click()
    expect(chat.get_by_text("Спасибо за")).to_be_visible()
    with transaction(world.account_id):
        survey = session().exec(select(Survey)).one()
    assert (survey.rating, survey.comment) == (5, "Быстро!")
    chat.get_by_role("button", name="начните новый").click()
    write(chat, "И ещё вопрос")
    expect(chat.locator(".line--conversation")).to_be_visible()
    with transaction(world.account_id):
        assert len(session().exec(select(Conversation)).all()) == 2


def test_on_a_phone_the_card_is_the_screen(world: World, page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/demo")
    card = opened(page)
    place = page.locator("#kulpunai iframe").bounding_box()
    assert place
    assert (place["x"], place["y"], place["width"], place["height"]) == (0, 0, PHONE["width"], PHONE["height"])
    expect(button(page)).to_be_hidden()
    write(card, "очень" * 60)
    expect(card.get_by_text("Отправлено")).to_be_visible()
    assert card.locator("body").evaluate("(body) => body.scrollWidth") <= PHONE["width"]
    card.get_by_role("button", name="Закрыть чат").click()
    expect(button(page)).to_be_visible()


def test_before_the_first_word_it_asks_what_the_inbox_wants_to_know(world: World, page: Page) -> None:
    change(world, settings={"pre_chat_form": {"enabled": True, "fields": ["name", "email"], "required": ["email"]}})
    page.goto("/demo")
    button(page).click()
    card = frame(page)
    expect(card.get_by_label("Сообщение", exact=True)).to_be_hidden()
    card.get_by_label("Имя").fill("Мика")
    card.get_by_label("Почта").fill("mika@example.org")
    card.get_by_role("button", name="Начать чат").click()
    write(card, "Здравствуйте")
    expect(card.get_by_text("Отправлено")).to_be_visible()
    with transaction(world.account_id):
        contact = session().exec(select(Contact)).one()
    assert (contact.name, contact.email) == ("Мика", "mika@example.org")


def test_outside_hours_it_says_when_we_are_back(world: World, page: Page) -> None:
    change(world, out_of_office_message="Отдыхаем до понедельника.")
    with transaction(world.account_id):
        closed = create_calendar(world.account_id, "Отпуск", by="system", timezone="Europe/Moscow", week=[[]] * 7)
        assign(inbox_of(world.account_id, world.inbox.id), closed, by="system")
    page.goto("/demo")
    card = opened(page)
    expect(card.get_by_role("heading", name="Акме")).to_be_visible()
    expect(card.get_by_text("Отдыхаем до понедельника.")).to_be_visible()


@pytest.fixture
def foreign(world: World, server: Server) -> Iterator[str]:
    """A customer's site on another host, strict in what it lets in, with the one line in it."""
    html = f"""<!doctype html><html lang="ru"><meta charset="utf-8"><title>Чужой сайт</title><p>Магазин</p>
        <script async src="{server.url}/widget.js" data-token="{world.inbox.key}"></script>"""
    policy = "; ".join(["default-src 'none'", *(f"{kind}-src {server.url}" for kind in ("script", "connect", "frame"))])

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://localhost:{site.server_port}/shop"
        site.shutdown()


def test_it_lives_on_a_strict_site_of_another_host(world: World, page: Page, foreign: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.goto(foreign)
    card = opened(page)
    write(card, "С чужого сайта")
    expect(card.get_by_text("Отправлено")).to_be_visible()
    page.reload()
    expect(bubbles(opened(page))).to_have_text(["С чужого сайта"])
    with transaction(world.account_id):
        assert session().exec(select(Conversation)).one().additional_attributes["referer"] == foreign
    assert [line for line in complaints if "Content Security Policy" in line] == []


def test_a_browser_that_keeps_nothing_for_frames_loses_nothing(world: World, page: Page, foreign: str) -> None:
    """Chromium refuses storage to frames of other sites, as here; then the page around the card keeps what is unsent."""
    page.goto(foreign)
    card = opened(page)
    assert card.locator("body").evaluate("() => { try { return !localStorage; } catch { return true; } }")
    page.route(POSTS, lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    write(card, "Не потеряйте")
    expect(bubbles(card)).to_have_text(["Не потеряйте"])
    page.reload()
    page.unroute(POSTS)
    card = opened(page)
    expect(card.get_by_text("Отправлено")).to_be_visible()
    assert incoming(world) == ["Не потеряйте"]


def test_a_site_that_is_not_named_gets_no_button(world: World, page: Page, foreign: str) -> None:
    change(world, settings={"allowed_domains": "shop.example"})
    with page.expect_console_message(lambda line: "Kulpunai" in line.text):
        page.goto(foreign)
    expect(button(page)).to_be_hidden()


def test_the_site_says_who_he_is_and_forgets_him_again(world: World, page: Page, foreign: str) -> None:
    page.goto(foreign)
    expect(button(page)).to_be_visible()
    known = {"identifier_hash": proof(world, "42"), "name": "Мика", "email": "mika@example.org"}
    page.evaluate("(known) => window.$chatwoot.setUser('42', known)", known)
    page.evaluate("() => window.kulpunai.setConversationCustomAttributes({ cart: 3 })")
    card = opened(page)
    with page.expect_response("**/conversations/set_custom_attributes*"):
        write(card, "Это я")
    expect(card.get_by_text("Отправлено")).to_be_visible()
    with transaction(world.account_id):
        contact = session().exec(select(Contact)).one()
        place = session().exec(select(ContactInbox)).one()
    assert (contact.identifier, contact.name, place.is_verified) == ("42", "Мика", True)
    with transaction(world.account_id):
        assert session().exec(select(Conversation)).one().custom_attributes == {"cart": 3}
    page.evaluate("() => window.kulpunai.reset()")
    page.reload()
    expect(bubbles(opened(page))).to_have_count(0)


def test_ready_is_told_in_both_names(world: World, server: Server, page: Page) -> None:
    """Chatwoot's snippet, as sites have it, finds its global objects and its events."""
    html = f"""<!doctype html><html lang="en"><title>x</title><script>
        window.told = [];
        for (const name of ["chatwoot:ready", "kulpunai:ready"]) window.addEventListener(name, () => told.push(name));
        const script = document.createElement("script");
        script.src = "{server.url}/packs/js/sdk.js";
        script.onload = () => window.chatwootSDK.run({{ websiteToken: "{world.inbox.key}", baseUrl: "{server.url}" }});
        document.head.append(script);
    </script>"""
    page.route("**/old-site", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("/old-site")
    page.wait_for_function("window.told.length === 2")
    page.evaluate("() => window.$chatwoot.toggle('open')")
    expect(frame(page).get_by_label("Message", exact=True)).to_be_focused()
    assert page.evaluate("window.$chatwoot.isOpen") is True


def test_nothing_anybody_writes_runs(world: World, page: Page, chat: FrameLocator) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for attack in ATTACKS:
        write(chat, attack)
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    for attack in ATTACKS:
        answer(world, attack, attachments=[files.put_bytes(world.account_id, b"1")], file_names=[attack[:200]])
    expect(chat.locator(".message--ours")).to_have_count(len(ATTACKS))
    assert chat.locator(".thread script, .thread iframe, .thread [onerror], .thread [href^=javascript]").count() == 0
    assert dialogs == []


ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[нажми](javascript:alert(1))",
    '![x](x"onerror="alert(1))',
    "<svg onload=alert(1)>",
    'https://x.example/"onmouseover="alert(1)',
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "{{ 7*7 }} ${alert(1)} `",
)


def test_everything_has_a_name_and_the_thread_is_a_log(world: World, chat: FrameLocator) -> None:
    write(chat, "Где мой заказ?")
    expect(chat.get_by_text("Отправлено")).to_be_visible()
    expect(chat.get_by_role("log", name="Диалог")).to_have_attribute("aria-live", "polite")
    nameless = chat.locator("body").evaluate(
        """(body) => [...body.querySelectorAll("button, a, input, textarea, summary")]
            .filter((one) => one.checkVisibility() && !(one.ariaLabel || one.labels?.length || one.textContent.trim()))
            .map((one) => one.outerHTML)"""
    )
    assert nameless == []


def test_those_who_asked_for_stillness_see_nothing_move(world: World, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto("/demo")
    expect(button(page)).to_be_visible()
    assert button(page).evaluate("(it) => getComputedStyle(it).animationName") == "none"
    card = opened(page)
    write(card, "Тихо")
    expect(card.get_by_text("Отправлено")).to_be_visible()
    assert card.locator(".message").evaluate("(it) => getComputedStyle(it).animationName") == "none"


def picture() -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (64, 48), "crimson").save(drawn, "PNG")
    return drawn.getvalue()


# Two cores, shared: a browser may take its time
expect.set_options(timeout=20_000)
