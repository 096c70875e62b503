"""A form that is refused: it says where it was wrong, and nobody writes the rest of it twice."""

import re

import pytest
from flask.testing import FlaskClient

from app.assist.actions import suggest_pair
from app.assist.assistants import first_assistant
from app.assist.models import DocumentState
from app.calendars import actions as calendars
from app.calendars.models import OFFICE_WEEK
from app.database import transaction
from app.help_center.actions import create_category, create_portal
from app.help_center.models import Portal
from app.main import create_app
from tests.entering import signed_in
from tests.world import World, acme, identity

pytestmark = pytest.mark.usefixtures("database", "valkey")

LONG = "я" * 300
WEEK = {f"day_{day}": "10:00–11:00" for day in range(1, 8)}
NUL = "так\x00нельзя"

REFUSED = [
    ("/settings/inboxes", {"channel": "api", "name": LONG}, "name", ['value="api" checked']),
    (
        "/settings/inboxes/{inbox}",
        {
            "name": "Другое",
            "csat_labels": LONG,
            "greeting_message": "Салам",
            "welcome_title": "Привет",
            "csat_enabled": "on",
        },
        "csat_labels",
        ["Другое", "Салам", "Привет", 'name="csat_enabled" checked'],
    ),
    (
        "/settings/team",
        {"emails": "new@acme.example\nне адрес", "role": "administrator"},
        "emails",
        ["new@acme.example"],
    ),
    ("/settings/labels", {"title": "!", "color": "#00ff00", "description": "Зачем"}, "title", ["#00ff00", "Зачем"]),
    ("/settings/profile", {"name": LONG, "display_name": "Ася", "theme": "dark"}, "name", ["Ася", '"dark" selected']),
    ("/settings/password", {"current": "не тот", "password": "новый пароль 1"}, "current", []),
    ("/settings/teams", {"name": "", "description": "Деньги"}, "name", ["Деньги"]),
    (
        "/settings/sla",
        {"name": "Быстро", "first_response_seconds": "15", "resolution_seconds": "скоро"},
        "resolution_seconds",
        ["Быстро", 'value="15"', 'value="скоро"'],
    ),
    ("/settings/calendars", {"name": "Ночь", "timezone": "Mars/Base", **WEEK}, "timezone", ["Ночь", "10:00–11:00"]),
    ("/settings/calendars", {"name": "Ночь", "timezone": "UTC", **WEEK, "day_3": "весь"}, "day_3", ["весь"]),
    (
        "/settings/calendars/{calendar}",
        {"name": "Ночь", "timezone": "UTC", **WEEK, "since": "2026-13-45"},
        "since",
        ["2026-13-45"],
    ),
    ("/captain/assistants", {"name": NUL}, "name", []),
    (
        "/captain/assistants/{assistant}",
        {
            "name": "",
            "tone": "formal",
            "mode": "drafts",
            "error_percent": "10",
            "greeting": "Салам",
            "inbox_ids": "{inbox}",
        },
        "name",
        ["Салам", '"formal" selected', 'name="inbox_ids" value="{inbox}" checked'],
    ),
    (
        "/captain/assistants/{assistant}/sources",
        {"kind": "sitemap", "url": "ftp://x", "every_hours": "168"},
        "url",
        ["ftp://x", '"sitemap" selected', '"168" selected'],
    ),
    ("/captain/assistants/{assistant}/questions", {"title": "Как?", "content": NUL}, "content", ['value="Как?"']),
    ("/captain/questions/{pair}", {"title": "", "content": "Иначе"}, "title", ["Иначе</textarea>"]),
    ("/help-center", {"name": "Помощь", "slug": "по русски"}, "slug", ["Помощь", "по русски"]),
    (
        "/help-center/articles",
        {
            "portal": "acme",
            "locale": "ru",
            "title": "",
            "content": "Долго писал",
            "category": "pay",
            "status": "published",
        },
        "title",
        ["Долго писал", '"pay" selected', '"published" selected'],
    ),
    ("/contacts/{contact}", {"name": "Мика", "email": "не адрес"}, "email", ["Мика", "не адрес"]),
]


@pytest.mark.parametrize(("path", "form", "field", "kept"), REFUSED, ids=[f"{one[0]} {one[2]}" for one in REFUSED])
def test_a_refused_form_marks_its_field_and_keeps_the_rest(
    path: str, form: dict[str, str], field: str, kept: list[str]
) -> None:
    world = acme()
    numbers = _things(world)
    form = {name: value.format(**numbers) if "{" in value else value for name, value in form.items()}
    answer = _ada(world).post(path.format(**numbers), data=form)
    assert answer.status_code == 422
    wrong = re.findall(r'<[^>]* name="([^"]+)"[^>]*aria-invalid="true"[^>]*>', answer.text)
    assert wrong == [field]
    assert answer.text.count('class="field__error"') == 1
    assert 'class="form__errors"' not in answer.text
    for words in kept:
        assert words.format(**numbers) in answer.text


def test_a_token_that_is_refused_stays_where_it_was_written() -> None:
    form = {"channel": "telegram", "name": "Бот", "bot_token": "12:опечатка"}
    answer = _ada(acme()).post("/settings/inboxes", data=form)
    assert answer.status_code == 422
    assert 'value="12:опечатка"' in answer.text


def test_of_several_addresses_the_one_that_is_wrong_is_named() -> None:
    world = acme()
    answer = _ada(world).post("/settings/team", data={"emails": "new@acme.example, мимо"})
    assert "мимо: " in re.sub(r"<[^>]+>", "", answer.text)


def test_a_welcome_can_be_taken_away_again() -> None:
    world = acme()
    ada, address = _ada(world), f"/settings/inboxes/{world.inbox.id}"
    for words in ("Салам!", ""):
        assert ada.post(address, data={"name": "Сайт", "welcome_title": words}).status_code == 303
        shown = re.search(r'name="welcome_title" value="([^"]*)"', ada.get(address).text)
        assert shown is not None
        assert shown[1] == words


@pytest.mark.parametrize(
    "place",
    [
        "/conversations/99999999999999999999",
        "/contacts/99999999999999999999",
        "/conversations?team=99999999999999999999",
        "/conversations?label=%00",
    ],
)
def test_an_address_that_the_database_cannot_hold_leads_nowhere(place: str) -> None:
    answer = _ada(acme()).get(place)
    assert answer.status_code == 404
    assert "По этому адресу ничего нет" in answer.text


def test_a_letter_that_the_database_cannot_hold_is_no_fault_of_ours() -> None:
    assert create_app().test_client().post("/password", data={"email": NUL + "@acme.example"}).status_code in {400, 422}


def _things(world: World) -> dict[str, int]:
    by = world.ada.actor
    with transaction(world.account_id) as current:
        found = first_assistant(world.account_id)
        pair = suggest_pair(found, "Как?", "Так.", by=by, state=DocumentState.PENDING)
        calendar = calendars.create_calendar(world.account_id, "Будни", by=by, timezone="UTC", week=OFFICE_WEEK)
        portal = create_portal(world.account_id, "acme", "Acme", by=by, default_locale="ru", locales=["ru"])
        current.flush()
        create_category(current.get_one(Portal, (portal.account_id, portal.id)), "ru", "Оплата", by=by, slug="pay")
        numbers = {"assistant": found.id, "pair": pair.id, "calendar": calendar.id, "inbox": world.inbox.id}
    return numbers | {"contact": identity(world).contact_id}


def _ada(world: World) -> FlaskClient:
    return signed_in(world.ada, world)
