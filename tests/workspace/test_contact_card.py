"""What agents know of a customer beside his addresses: labels, attributes, notes; in the desk and in his card."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import col, select

from app.contacts.actions import hand_over, set_labels, update_contact, write_note
from app.contacts.models import Contact, Note
from app.contacts.queries import contact, notes
from app.database import session, transaction
from app.erasure.actions import erase
from app.events.log import Event
from app.labels.actions import create_label
from tests.entering import signed_in
from tests.world import World, acme, asks, globex

SAME = {"Sec-Fetch-Site": "same-origin", "X-Part": "true"}

pytestmark = pytest.mark.usefixtures("database", "valkey")


@pytest.fixture
def world() -> World:
    return acme()


@pytest.fixture
def bo(world: World) -> FlaskClient:
    return signed_in(world.bo, world)


@pytest.fixture
def mika(world: World) -> int:
    """The number of a contact who has asked."""
    message = asks(world)
    assert message.sender_id is not None
    return message.sender_id


def test_the_desk_and_the_card_show_what_is_known_of_the_customer(world: World, bo: FlaskClient, mika: int) -> None:
    with transaction(world.account_id):
        create_label(world.account_id, "опт", by="system")
        found = contact(world.account_id, mika)
        set_labels(found, ["vip"], by="system")
        update_contact(found, by="system", custom_attributes={"тариф": "Базовый", "оплачен": True, "мест": 12})
        write_note(found, "Просит звонить\nпосле обеда", world.ada.id, by=world.ada.actor)
    for path in ("/conversations/1", "/conversations/1/side", f"/contacts/{mika}"):
        page = bo.get(path).text
        for words in ("vip", "опт", "тариф", "Базовый", "да", "12", "Просит звонить\nпосле обеда", "Ada"):
            assert words in page, (path, words)


def test_labels_are_given_and_taken_and_the_log_tells_of_it(world: World, bo: FlaskClient, mika: int) -> None:
    assert _send(bo, mika, "labels", add="VIP") == 204
    assert _send(bo, mika, "labels", add="опт") == 204
    assert _contact(world, mika).labels == ["vip", "опт"]
    assert _send(bo, mika, "labels", remove="vip") == 204
    assert _contact(world, mika).labels == ["опт"]
    assert _told(world) == [(world.bo.actor, ["labels"])] * 3


def test_an_attribute_keeps_its_kind_whatever_is_typed(world: World, bo: FlaskClient, mika: int) -> None:
    known = {"тариф": "Базовый", "оплачен": True, "мест": 12, "адрес": {"город": "Ош"}}
    with transaction(world.account_id):
        update_contact(contact(world.account_id, mika), by="system", custom_attributes=known)
    for key, value in (("тариф", "7"), ("оплачен", "false"), ("мест", "12,5"), ("с какого года", " 2019 ")):
        assert _send(bo, mika, "attributes", key=key, value=value) == 204
    kept = _contact(world, mika).custom_attributes
    assert kept == {"тариф": "7", "оплачен": False, "мест": 12.5, "адрес": {"город": "Ош"}, "с какого года": "2019"}
    assert _send(bo, mika, "attributes", remove="тариф") == 204
    assert "тариф" not in _contact(world, mika).custom_attributes


@pytest.mark.parametrize(
    ("key", "value"), [("мест", "много"), ("мест", "inf"), ("оплачен", "может быть"), ("", "7"), ("тариф", " ")]
)
def test_an_attribute_that_cannot_be_is_refused_in_words(
    world: World, bo: FlaskClient, mika: int, key: str, value: str
) -> None:
    known = {"оплачен": True, "мест": 12}
    with transaction(world.account_id):
        update_contact(contact(world.account_id, mika), by="system", custom_attributes=known)
    answer = bo.post(f"/contacts/{mika}/attributes", data={"key": key, "value": value}, headers=SAME)
    assert answer.status_code == 422
    assert _contact(world, mika).custom_attributes == known


def test_a_hundred_attributes_are_enough(world: World, bo: FlaskClient, mika: int) -> None:
    with transaction(world.account_id):
        many = {f"поле {n}": n for n in range(100)}
        update_contact(contact(world.account_id, mika), by="system", custom_attributes=many)
    assert _send(bo, mika, "attributes", key="ещё", value="1") == 422
    assert _send(bo, mika, "attributes", key="поле 7", value="70") == 204


def test_a_note_is_written_for_colleagues_and_goes_with_its_author_s_word(
    world: World, bo: FlaskClient, mika: int
) -> None:
    for words in ("Первая", "  ", "x" * 10_001):
        _send(bo, mika, "notes", content=words)
    [note] = _notes(world, mika)
    assert (note.content, note.user_id) == ("Первая", world.bo.id)
    assert _told(world) == [(world.bo.actor, ["notes"])]
    # written by Ada: Bo may not, Ada may; and what Bo wrote an administrator may take away
    ada = signed_in(world.ada, world)
    _send(ada, mika, "notes", content="Вторая")
    second, first = _notes(world, mika)
    assert _send(bo, mika, f"notes/{second.id}/deletion") == 403
    assert f"notes/{second.id}/deletion" not in bo.get("/conversations/1/side").text
    assert _send(ada, mika, f"notes/{first.id}/deletion") == 204
    assert [left.id for left in _notes(world, mika)] == [second.id]
    assert _send(ada, mika, f"notes/{second.id}/deletion") == 204
    assert _notes(world, mika) == []


def test_a_note_is_found_by_its_own_contact_alone(world: World, mika: int) -> None:
    other, far = asks(world, who="lena").sender_id, globex()
    ada, zoe = signed_in(world.ada, world), signed_in(far.ada, far)
    _send(ada, mika, "notes", content="Секрет")
    [note] = _notes(world, mika)
    assert _send(ada, other or 0, f"notes/{note.id}/deletion") == 404
    for what in ("notes", "labels", "attributes", f"notes/{note.id}/deletion"):
        assert _send(zoe, mika, what, content="x", add="vip", key="a", value="b") == 404
    assert [left.content for left in _notes(world, mika)] == ["Секрет"]


def test_what_agents_said_of_a_visitor_goes_on_with_whom_he_turns_out_to_be(world: World, mika: int) -> None:
    known = asks(world, who="lena").sender_id or 0
    with transaction(world.account_id):
        visitor, lena = contact(world.account_id, mika), contact(world.account_id, known)
        set_labels(visitor, ["опт"], by="system")
        set_labels(lena, ["vip"], by="system")
        update_contact(visitor, by="system", custom_attributes={"тариф": "сказал сам"})
        write_note(visitor, "Оптовик", world.bo.id, by=world.bo.actor)
        hand_over(visitor, lena, by="system")
    assert [note.content for note in _notes(world, known)] == ["Оптовик"]
    assert _contact(world, known).labels == ["vip", "опт"]
    assert _contact(world, known).custom_attributes == {}, "what he claimed of himself stays a claim"


def test_nobody_writes_a_note_on_a_customer_who_is_deleted(world: World, bo: FlaskClient, mika: int) -> None:
    with transaction(world.account_id):
        erase(contact(world.account_id, mika), by=world.ada.actor)
    assert _send(bo, mika, "notes", content="Канарейка") == 404
    page = bo.get("/conversations/1/side").text
    assert f"/contacts/{mika}/" not in page
    assert _notes(world, mika) == []


def _send(client: FlaskClient, contact_id: int, what: str, **form: Any) -> int:
    return client.post(f"/contacts/{contact_id}/{what}", data=form, headers=SAME).status_code


def _contact(world: World, contact_id: int) -> Contact:
    with transaction(world.account_id):
        return contact(world.account_id, contact_id)


def _notes(world: World, contact_id: int) -> list[Note]:
    with transaction(world.account_id):
        return notes(world.account_id, contact_id)


def _told(world: World) -> list[tuple[str, list[str]]]:
    with transaction(world.account_id):
        told = session().exec(select(Event).where(col(Event.name) == "contact.updated").order_by(col(Event.seq))).all()
    return [(event.actor, event.data["changed"]) for event in told]
