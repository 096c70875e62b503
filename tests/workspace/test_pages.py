"""What the pages say: first steps, links that lead nowhere, questions before what cannot be undone; and their weight."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event as listen

from app.database import across_accounts, engine, session, transaction
from app.i18n import gettext, speaking
from app.inboxes.actions import delete_inbox
from app.inboxes.models import Inbox
from app.labels.actions import create_label, labels
from app.main import create_app
from app.users import tokens
from app.users.actions import sign_up
from app.users.models import Purpose, User
from app.workspace.activity import STATUS_NAMES
from app.workspace.blueprint import readable
from app.workspace.conversations import LISTED_NAMES
from tests.entering import enter
from tests.world import PASSWORD, World, acme, asks

pytestmark = pytest.mark.usefixtures("database", "valkey")

BUDGETS_KIB = {"workspace.css": 62, "pages.css": 60, "portal.css": 21}


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


def test_a_new_administrator_is_shown_what_to_do_and_each_step_is_ticked_from_what_is_there(client: Any) -> None:
    world = acme()
    _close(world)
    enter(client, world.ada, world)
    page = client.get("/conversations").text
    # a colleague is there already, a channel is not
    assert 'href="/settings/inboxes/new"' in page
    assert page.count("checklist__done") == 1
    enter(client, world.bo, world)
    assert "checklist" not in client.get("/conversations").text, "an agent cannot do these"


def test_a_style_sheet_asks_the_database_nothing(client: Any) -> None:
    world = acme()
    enter(client, world.ada, world)
    said: list[str] = []
    listen.listen(engine(), "before_cursor_execute", lambda _c, _k, statement, *_more: said.append(statement))
    address = re.search(r'href="(/assets/[^"]+\.css)"', client.get("/conversations").text)
    assert said
    said.clear()
    assert address is not None
    assert client.get(address[1]).status_code == 200
    assert said == []


def test_the_first_steps_are_gone_once_somebody_has_written(client: Any) -> None:
    world = acme()
    enter(client, world.ada, world)
    assert "checklist" in client.get("/conversations").text
    asks(world)
    assert "checklist" not in client.get("/conversations").text


@pytest.mark.parametrize("place", ["password", "invitation"])
def test_a_link_that_is_worth_nothing_says_so_before_anybody_fills_in_a_form(client: Any, place: str) -> None:
    purpose = {"password": Purpose.RESET_PASSWORD, "invitation": Purpose.INVITATION}[place]
    world = acme()
    with across_accounts() as current:
        good = tokens.issue(current.get_one(User, world.bo.id), purpose)
    answer = client.get(f"/{place}/worthless")
    assert answer.status_code == 422
    assert 'type="password"' not in answer.text
    assert 'type="password"' in client.get(f"/{place}/{good}").text


def test_whoever_has_not_confirmed_his_address_can_have_the_letter_again(client: Any) -> None:
    with across_accounts():
        sign_up("Ada", "ada@acme.example", PASSWORD, "Acme")
    page = client.post("/sign-in", data={"email": "ada@acme.example", "password": PASSWORD}).text
    assert 'action="/confirmation"' in page
    assert 'name="email" value="ada@acme.example"' in page


def test_a_label_goes_only_after_a_question_in_words(client: Any) -> None:
    world = acme()
    with transaction(world.account_id):
        label = create_label(world.account_id, "возврат", by=world.ada.actor)
    enter(client, world.ada, world)
    page = client.get("/settings/labels").text
    asked = page[page.index(f'id="delete_{label.id}" popover') :]
    assert f'action="/settings/labels/{label.id}/deletion"' in asked
    assert page.count(f'action="/settings/labels/{label.id}/deletion"') == 1, "no other way without the question"
    client.post(f"/settings/labels/{label.id}/deletion", headers={"Sec-Fetch-Site": "same-origin"})
    with transaction(world.account_id):
        assert labels(world.account_id) == []


def test_a_list_is_named_for_the_conversations_it_holds(client: Any) -> None:
    world = acme()
    asks(world)
    enter(client, world.ada, world)
    with speaking("ru"):
        names = [gettext(name) for name in LISTED_NAMES.values()]
        states = [gettext(name) for name in STATUS_NAMES.values()]
    page = client.get("/conversations").text
    chosen = re.findall(r"<option[^>]*>([^<]+)</option>", page[page.index('name="status"') : page.index("</select>")])
    assert chosen[:4] == names
    assert not set(names) & set(states), "«Открытые», not «Открыт»"


def test_the_page_a_customer_came_from_is_shown_in_letters(client: Any) -> None:
    assert readable("https://shop.example/%D1%8F%D0%B3%D0%BE%D0%B4%D1%8B?q=1") == "shop.example/ягоды?q=1"
    assert readable("https://shop.example/%E2%80%AEmoc.evil") == "shop.example/\N{REPLACEMENT CHARACTER}moc.evil"
    assert len(readable("https://shop.example/" + "a" * 500)) == 120


@pytest.mark.parametrize("name", BUDGETS_KIB)
def test_a_stylesheet_stays_within_its_budget(client: Any, name: str) -> None:
    assert len(client.get(f"/assets/now/css/{name}").data) <= BUDGETS_KIB[name] * 1024


def _close(world: World) -> None:
    with transaction(world.account_id):
        delete_inbox(session().get_one(Inbox, (world.account_id, world.inbox.id)), by=world.ada.actor)
