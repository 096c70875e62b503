"""T21: what a browser says of itself is a claim; only the site's HMAC is a proof; only our token opens a thread."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlmodel import select

from app import clock
from app.config import settings
from app.contacts.actions import create_contact
from app.contacts.models import Contact, ContactInbox
from app.conversations.models import Conversation, Message
from app.database import session, transaction
from app.events.log import Event
from app.inboxes.actions import create_inbox
from app.inboxes.models import Channel, Inbox
from app.security import hmac_sha256
from app.widget import visitor as tokens
from tests.widget.conftest import Visitor, another, change, proof
from tests.world import World, globex

HOUR = timedelta(hours=1)

# -- tokens


def of(inbox: Inbox, source: str, /, **changes: Any) -> dict[str, Any]:
    moment = clock.now()
    return {"source_id": source, "inbox_id": inbox.id, "iat": moment, "exp": moment + HOUR} | changes


def unsigned(claims: dict[str, Any]) -> str:
    """A token that says it needs no signature."""
    stamped = {name: int(value.timestamp()) if hasattr(value, "timestamp") else value for name, value in claims.items()}
    parts = ({"alg": "none", "typ": "JWT"}, stamped)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def signed(claims: dict[str, Any], key: str | None = None, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, tokens._signing_key() if key is None else key, algorithm=algorithm)


FORGERIES: dict[str, Callable[[World, str], str]] = {
    "nothing": lambda world, source: "",
    "no token at all": lambda world, source: "…".encode().decode("latin-1"),
    "the source id itself": lambda world, source: source,
    "no signature": lambda world, source: unsigned(of(world.inbox, source)),
    "signature cut off": lambda world, source: signed(of(world.inbox, source)).rpartition(".")[0] + ".",
    "claims changed after signing": lambda world, source: _changed(world, source),
    "another key": lambda world, source: signed(of(world.inbox, source), "k" * 64),
    "the installation's own key": lambda world, source: signed(of(world.inbox, source), settings().signing_key),
    "the inbox's hmac token": lambda world, source: signed(of(world.inbox, source), proof(world, "")),
    "another algorithm": lambda world, source: signed(of(world.inbox, source), algorithm="HS512"),
    "expired": lambda world, source: signed(of(world.inbox, source, exp=clock.now() - HOUR)),
    "without end": lambda world, source: signed({k: v for k, v in of(world.inbox, source).items() if k != "exp"}),
    "from the future": lambda world, source: signed(of(world.inbox, source, iat=clock.now() + HOUR)),
    "another inbox": lambda world, source: signed(of(world.inbox, source, inbox_id=world.inbox.id + 1)),
    "another inbox's token": lambda world, source: tokens.token(_shop(world), source),
    "another company's token": lambda world, source: tokens.token(globex().inbox, source),
    "a source that is no text": lambda world, source: signed(of(world.inbox, source, source_id={"$ne": ""})),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_opens_nothing(world: World, visitor: Visitor, forgery: str) -> None:
    visitor.writes("секрет")
    source = tokens.known_source(visitor.token, world.inbox)
    assert source
    forger = visitor.with_token(FORGERIES[forgery](world, source))
    for method, path, body in (
        ("GET", "messages", None), ("GET", "conversations", None), ("GET", "contact", None),
        ("POST", "messages", {"message": {"content": "от его имени"}}), ("PATCH", "contact", {"name": "Взломщик"}),
        ("POST", "conversations", {"message": {"content": "от его имени"}}), ("PATCH", "contact/set_user", {"identifier": "1"}),
    ):  # fmt: skip
        assert forger.call(method, path, body).status_code == 404, path
    stream = forger.client.get(
        "/widget/live", query_string={"website_token": visitor.key}, headers={"X-Auth-Token": forger.token}
    )
    assert stream.status_code == 404
    assert [message["content"] for message in visitor.reads()] == ["секрет"]


def test_a_token_is_worth_nothing_after_its_180_days(world: World, visitor: Visitor) -> None:
    visitor.writes("секрет")
    source = tokens.known_source(visitor.token, world.inbox)
    assert source
    with clock.stopped_at(clock.now() - tokens.LIFETIME - timedelta(seconds=1)):
        old = tokens.token(world.inbox, source)
    assert visitor.with_token(old).call("GET", "messages").status_code == 404


def test_a_visitors_name_cannot_be_guessed() -> None:
    assert len({tokens.new_source() for _ in range(1000)}) == 1000
    assert len(tokens.new_source()) == 36


# -- identities


def test_a_proven_visitor_finds_his_history_on_another_device(web: Flask, world: World) -> None:
    phone, laptop = another(web, world.inbox), another(web, world.inbox)
    phone = identified(phone, world, "42")
    phone.writes("с телефона")
    laptop = identified(laptop, world, "42")
    assert [message["content"] for message in laptop.reads()] == ["с телефона"]
    laptop.writes("с ноутбука")
    assert [message["content"] for message in phone.reads()] == ["с телефона", "с ноутбука"]


def test_what_he_wrote_before_he_signed_in_goes_with_him(web: Flask, world: World) -> None:
    known = identified(another(web, world.inbox), world, "42")
    known.writes("раньше")
    browser = another(web, world.inbox)
    browser.writes("ещё никто")
    browser = identified(browser, world, "42")
    assert [message["content"] for message in browser.reads()] == ["раньше", "ещё никто"]
    with transaction(world.account_id):
        conversations = session().exec(select(Conversation)).all()
        names = {event.name for event in session().exec(select(Event)).all()}
        senders = {message.sender_id for message in session().exec(select(Message)).all()}
    assert len({conversation.contact_id for conversation in conversations}) == 1
    assert senders == {conversations[0].contact_id}
    assert "conversation.contact_changed" in names


def test_signing_in_takes_the_old_token_away(world: World, visitor: Visitor) -> None:
    """Whoever copied the token before must not read on after its owner has signed in."""
    visitor.writes("никто")
    proven = identified(visitor, world, "42")
    proven.writes("личное")
    assert visitor.reads() == []
    assert len(proven.reads()) == 2


def test_signing_in_again_changes_nothing(world: World, visitor: Visitor) -> None:
    proven = identified(visitor, world, "42")
    answer = proven.ok("PATCH", "contact/set_user", {"identifier": "42", "identifier_hash": proof(world, "42")})
    assert "widget_auth_token" not in answer


def test_another_user_in_the_same_browser_sees_nothing_of_the_first(world: World, visitor: Visitor) -> None:
    first = identified(visitor, world, "42")
    first.writes("личное")
    second = identified(first, world, "43")
    assert second.reads() == []
    assert [message["content"] for message in first.reads()] == ["личное"]


def test_two_devices_that_sign_in_at_once_become_one_contact(web: Flask, world: World) -> None:
    devices = [another(web, world.inbox) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        proven = list(pool.map(lambda device: identified(device, world, "42", name="Мика"), devices))
    proven[0].writes("привет")
    assert all(len(device.reads()) == 1 for device in proven)
    with transaction(world.account_id):
        assert len(session().exec(select(Contact).where(Contact.identifier == "42")).all()) == 1
        assert len(session().exec(select(ContactInbox).where(ContactInbox.is_verified)).all()) == 1


WRONG_HASHES: dict[str, Callable[[World], str]] = {
    "of another identifier": lambda world: proof(world, "43"),
    "in capitals": lambda world: proof(world, "42").upper(),
    "with a letter too many": lambda world: proof(world, "42") + "0",
    "of another company": lambda world: proof(globex(), "42"),
    "of the website token": lambda world: hmac_sha256(world.inbox.key, "42"),
    "of an empty key": lambda world: hmac_sha256("", "42"),
    "made up": lambda world: "0" * 64,
    "not even ascii": lambda world: "щ" * 64,
}


@pytest.mark.parametrize("wrong", WRONG_HASHES)
def test_a_wrong_hash_is_refused_and_leaves_no_trace(web: Flask, world: World, wrong: str) -> None:
    owner = identified(another(web, world.inbox), world, "42", name="Мика")
    owner.writes("личное")
    forger = another(web, world.inbox)
    body = {
        "identifier": "42",
        "identifier_hash": WRONG_HASHES[wrong](world),
        "name": "Взломщик",
        "email": "x@y.example",
    }
    answer = forger.call("PATCH", "contact/set_user", body)
    assert answer.status_code == 401
    assert answer.get_json()["error"]
    assert forger.reads() == []
    with transaction(world.account_id):
        contact = session().exec(select(Contact)).one()
    assert (contact.name, contact.email) == ("Мика", None)


def test_without_a_hash_nobody_comes_in_where_it_must_be(world: World, visitor: Visitor) -> None:
    change(world, settings={"hmac_mandatory": True})
    for body in (
        {"identifier": "42"},
        {"identifier": "42", "identifier_hash": ""},
        {"identifier": "", "identifier_hash": "x"},
    ):
        assert visitor.call("PATCH", "contact/set_user", body).status_code == 401


def test_a_claim_never_joins_a_proven_contact(web: Flask, world: World) -> None:
    owner = identified(another(web, world.inbox), world, "42", name="Мика", email="mika@example.org")
    owner.writes("личное")
    forger = another(web, world.inbox)
    said = {"identifier": "42", "name": "Взломщик", "email": "mika@example.org", "phone_number": "+996555000111"}
    answer = forger.ok("PATCH", "contact/set_user", said)
    assert answer["identifier"] is None
    assert forger.reads() == []
    forger.writes("я Мика")
    assert [message["content"] for message in owner.reads()] == ["личное"]
    with transaction(world.account_id):
        mika, other = session().exec(select(Contact).order_by(Contact.id)).all()
    assert (mika.name, mika.phone_number) == ("Мика", None)
    assert (other.identifier, other.email) == (None, None)
    assert other.additional_attributes["claimed_identifier"] == "42"
    assert other.additional_attributes["claimed_email"] == "mika@example.org"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "contact", {"email": "Boss@Acme.example"}),
        ("PATCH", "contact", {"phone_number": "+996 (555) 000-111"}),
        ("PATCH", "contact/set_user", {"identifier": "7", "email": "boss@acme.example"}),
        ("POST", "conversations", {"contact": {"email": "boss@acme.example"}, "message": {"content": "я начальник"}}),
    ],
)
def test_an_address_that_is_somebody_elses_is_noted_not_taken(
    world: World, visitor: Visitor, method: str, path: str, body: Any
) -> None:
    with transaction(world.account_id):
        boss = create_contact(world.account_id, by="system", email="boss@acme.example", phone_number="+996555000111")
    visitor.ok(method, path, body)
    with transaction(world.account_id):
        assert session().exec(select(Contact).where(Contact.email == "boss@acme.example")).one().id == boss.id
        contacts = session().exec(select(Contact).where(Contact.id != boss.id)).all()
    assert len(contacts) == 1
    assert any(name.startswith("claimed_") for name in contacts[0].additional_attributes)


def test_a_claim_yields_to_a_proof(web: Flask, world: World) -> None:
    """Somebody said first that he was 42. The true one finds neither his words nor his name."""
    squatter = another(web, world.inbox)
    squatter.ok("PATCH", "contact/set_user", {"identifier": "42", "name": "Самозванец", "email": "x@y.example"})
    squatter.writes("я 42")
    owner = identified(another(web, world.inbox), world, "42", name="Мика")
    assert owner.reads() == []
    with transaction(world.account_id):
        found = session().exec(select(Contact).where(Contact.identifier == "42")).one()
        theirs = session().exec(select(Conversation)).one()
    assert (found.name, found.email) == ("Мика", None)
    assert theirs.contact_id != found.id


def test_a_claim_that_is_proven_later_keeps_its_words(world: World, visitor: Visitor) -> None:
    visitor.ok("PATCH", "contact/set_user", {"identifier": "42"})
    visitor.writes("ещё без подписи")
    proven = identified(visitor, world, "42")
    assert [message["content"] for message in proven.reads()] == ["ещё без подписи"]


def test_a_contact_the_company_made_is_joined_with_a_proof(world: World, visitor: Visitor) -> None:
    with transaction(world.account_id):
        made = create_contact(world.account_id, by=world.ada.actor, identifier="42", name="Мика из CRM")
    identified(visitor, world, "42")
    with transaction(world.account_id):
        found = session().exec(select(ContactInbox).where(ContactInbox.is_verified)).one()
    assert found.contact_id == made.id


def test_a_claim_to_be_somebody_else_begins_anew(world: World, visitor: Visitor) -> None:
    visitor.ok("PATCH", "contact/set_user", {"identifier": "42"})
    visitor.writes("я 42")
    answer = visitor.ok("PATCH", "contact/set_user", {"identifier": "43"})
    assert visitor.with_token(answer["widget_auth_token"]).reads() == []


def test_a_number_is_an_identifier_too(world: World, visitor: Visitor) -> None:
    answer = visitor.ok("PATCH", "contact/set_user", {"identifier": 42, "identifier_hash": proof(world, "42")})
    assert answer["identifier"] == "42"


def test_two_who_claim_one_address_at_once_both_come_through(web: Flask, world: World) -> None:
    people = [another(web, world.inbox) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda one: one.call("PATCH", "contact", {"email": "same@example.org"}).status_code, people)
        )
    assert found == [200] * 8
    with transaction(world.account_id):
        assert len(session().exec(select(Contact).where(Contact.email == "same@example.org")).all()) == 1


def identified(visitor: Visitor, world: World, identifier: str, **details: str) -> Visitor:
    """The visitor after the site has vouched for him."""
    body = {"identifier": identifier, "identifier_hash": proof(world, identifier), **details}
    answer = visitor.ok("PATCH", "contact/set_user", body)
    return visitor.with_token(answer.get("widget_auth_token", visitor.token))


def _changed(world: World, source: str) -> str:
    head, _, signature = signed(of(world.inbox, "somebody-else")).split(".")
    _, claims, _ = signed(of(world.inbox, source)).split(".")
    return f"{head}.{claims}.{signature}"


def _shop(world: World) -> Inbox:
    with transaction(world.account_id):
        return create_inbox(world.account_id, Channel.WEBSITE, "Shop", by="system")
