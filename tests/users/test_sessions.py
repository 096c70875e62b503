"""Coming in and going out: sessions, links in letters, roles (T24)."""

import json
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlmodel import col, select

from app import clock, security
from app.database import across_accounts, transaction
from app.deliveries.models import Delivery
from app.errors import Invalid
from app.main import create_app
from app.users import actions, tokens
from app.users.models import Purpose, Role, Token
from app.users.queries import by_email, membership
from tests.world import PASSWORD, acme

pytestmark = pytest.mark.usefixtures("database", "valkey")

SITE = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


def test_a_new_account_opens_with_the_link_in_the_letter() -> None:
    client = _client()
    form = {"name": "Рая", "account": "Чайная", "email": "Raya@Tea.example", "password": "три белых коня"}
    assert client.post("/sign-up", data=form, headers=SITE).status_code == 200
    assert client.post("/sign-in", data=form, headers=SITE).status_code == 422
    link = _letters("raya@tea.example")[-1]
    assert client.get(link).status_code == 303
    assert client.get("/conversations").status_code == 200
    assert _client().get(link).status_code == 422, "a link works once"


def test_a_wrong_password_and_an_unknown_address_are_told_the_same() -> None:
    acme()
    told = [_sign_in(email, "wrong").get_data(as_text=True) for email in ("ada@acme.example", "nobody@acme.example")]
    assert told[0].replace("ada@", "nobody@") == told[1]


def test_a_session_is_new_at_every_sign_in_and_ends_with_sign_out() -> None:
    acme()
    client = _client()
    client.set_cookie("kulpunai_session", "planted")
    client.post("/sign-in", data={"email": "ada@acme.example", "password": PASSWORD}, headers=SITE)
    cookie = client.get_cookie("kulpunai_session")
    assert cookie is not None
    assert cookie.value != "planted"
    assert cookie.http_only
    client.post("/sign-out", headers=SITE)
    client.set_cookie("kulpunai_session", cookie.value)
    assert client.get("/conversations").status_code == 302


def test_a_new_password_ends_every_session_and_its_link_works_once() -> None:
    acme()
    client = _client()
    client.post("/sign-in", data={"email": "ada@acme.example", "password": PASSWORD}, headers=SITE)
    _client().post("/password", data={"email": "ada@acme.example"}, headers=SITE)
    link = _letters("ada@acme.example")[-1]
    assert _client().post(link, data={"password": "новый надёжный"}, headers=SITE).status_code == 303
    assert client.get("/conversations").status_code == 302
    assert _client().post(link, data={"password": "ещё один раз"}, headers=SITE).status_code == 422
    assert _sign_in("ada@acme.example", "новый надёжный").status_code == 303


def test_links_grow_old() -> None:
    acme()
    with across_accounts() as current:
        ada = by_email("ada@acme.example")
        assert ada is not None
        plain = tokens.issue(ada, Purpose.RESET_PASSWORD)
        current.flush()
    with clock.stopped_at(clock.now() + timedelta(minutes=21)), across_accounts(), pytest.raises(Invalid):
        actions.reset_password(plain, "слишком поздно")


def test_the_database_holds_no_token_in_clear() -> None:
    acme()
    with across_accounts() as current:
        ada = by_email("ada@acme.example")
        assert ada is not None
        plains = [tokens.issue(ada, purpose) for purpose in Purpose]
        rows = json.dumps([row.model_dump(mode="json") for row in current.exec(select(Token))])
    assert not any(plain in rows for plain in plains)


def test_the_last_administrator_stays_one() -> None:
    world = acme()
    with transaction(world.account_id):
        member = membership(world.account_id, world.ada.id)
        assert member is not None
        with pytest.raises(Invalid):
            actions.change_role(member, Role.AGENT, by=world.ada.actor)


def test_a_form_on_another_site_cannot_act_for_us() -> None:
    acme()
    client = _client()
    client.post("/sign-in", data={"email": "ada@acme.example", "password": PASSWORD}, headers=SITE)
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/sign-out", headers=foreign).status_code == 403
    assert client.post("/sign-out", headers={}).status_code == 403
    assert client.get("/conversations").status_code == 200


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_to_our_own_pages_alone(wanted: str) -> None:
    acme()
    form = {"email": "ada@acme.example", "password": PASSWORD, "next": wanted}
    assert _client().post("/sign-in", data=form, headers=SITE).headers["Location"] == "/"


def test_guessing_is_slowed_down() -> None:
    acme()
    told = [_sign_in("ada@acme.example", f"guess-{n}").status_code for n in range(7)]
    assert told[:5] == [422] * 5
    assert told[-1] == 429


# -- below


def _client() -> FlaskClient:
    return create_app().test_client()


def _sign_in(email: str, password: str):  # type: ignore[no-untyped-def]
    return _client().post("/sign-in", data={"email": email, "password": password}, headers=SITE)


def _letters(address: str) -> list[str]:
    """The links in the letters to this address, oldest first."""
    with across_accounts() as current:
        owed = current.exec(select(Delivery).where(col(Delivery.kind) == "mail").order_by(col(Delivery.id)))
        bodies = [security.unseal(delivery.data["body"]) for delivery in owed]
    texts = [body["text"] for body in bodies if body["to"] == address]
    return [re.sub(r"^https?://[^/]+", "", re.search(r"https?://\S+", text)[0]) for text in texts]  # type: ignore[index]
