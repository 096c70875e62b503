"""Contacts: listed, found, described, and known in inboxes."""

import pytest

from app.contacts.actions import create_contact
from app.database import transaction
from app.inboxes.actions import create_inbox
from app.inboxes.models import Channel
from tests.api.cast import Asking, World


def names(asking: Asking, query: str) -> list[str]:
    return [contact["name"] for contact in asking.get(f"contacts{query}").get_json()["payload"]]


@pytest.fixture
def many(world: World) -> None:
    with transaction(world.acme.id):
        for name in ("Ёлка", "Борис", "Анна", "Ежи"):
            create_contact(world.acme.id, by="system", name=name)


@pytest.mark.usefixtures("many")
def test_contacts_are_sorted_as_asked(ada: Asking) -> None:
    assert names(ada, "?sort=name") == ["Анна", "Борис", "Ежи", "Ёлка", "Мика"]
    assert names(ada, "?sort=-name") == ["Мика", "Ёлка", "Ежи", "Борис", "Анна"]
    assert names(ada, "?sort=-created_at")[0] == "Ежи"
    assert names(ada, "?sort=created_at")[0] == "Мика"
    assert ada.get("contacts?sort=shoe_size").status_code == 422


def test_fifteen_a_page_and_the_page_is_echoed(ada: Asking, world: World) -> None:
    with transaction(world.acme.id):
        for number in range(16):
            create_contact(world.acme.id, by="system", name=f"Contact {number}")
    first, second = (ada.get(f"contacts?page={page}").get_json() for page in (1, 2))
    assert (len(first["payload"]), len(second["payload"])) == (15, 2)
    assert first["meta"] == {"count": 17, "current_page": "1"}
    assert ada.get("contacts").get_json()["meta"]["current_page"] == 1


def test_a_search_without_a_word_is_refused(ada: Asking) -> None:
    assert ada.get("contacts/search").status_code == 422


def test_what_another_contact_has_is_refused_by_name(ada: Asking, world: World) -> None:
    refused = ada.post("contacts", {"name": "Mika II", "email": "MIKA@example.org"})
    assert (refused.status_code, refused.get_json()["attributes"]) == (422, ["email"])
    assert refused.get_json()["message"]


@pytest.mark.parametrize(
    "sent", [{"email": "nowhere"}, {"phone_number": "12"}, {"name": "x" * 256}, {"custom_attributes": [1]}]
)
def test_what_is_no_address_or_phone_is_refused(ada: Asking, sent: dict[str, object]) -> None:
    assert ada.post("contacts", sent).status_code == 422


def test_a_contact_is_changed_and_attributes_are_merged(ada: Asking, world: World) -> None:
    ada.patch(f"contacts/{world.mika.id}", {"custom_attributes": {"plan": "gold"}, "phone_number": "+996 555 000111"})
    sent = {"custom_attributes": {"size": "L"}, "blocked": True, "email": None, "identifier": 7}
    shown = ada.patch(f"contacts/{world.mika.id}", sent).get_json()["payload"]
    assert shown["custom_attributes"] == {"plan": "gold", "size": "L"}
    assert (shown["phone_number"], shown["blocked"], shown["email"]) == ("+996555000111", True, None)
    assert shown["identifier"] == "7"


def test_labels_of_a_contact(ada: Asking, world: World) -> None:
    path = f"contacts/{world.mika.id}/labels"
    assert ada.post(path, {"labels": ["VIP"]}).get_json() == {"payload": ["vip"]}
    assert ada.get(path).get_json() == {"payload": ["vip"]}


def test_an_inbox_gets_to_know_a_contact(ada: Asking, bo: Asking, world: World) -> None:
    path = f"contacts/{world.mika.id}/contact_inboxes"
    made = ada.post(path, {"inbox_id": world.api.id, "source_id": "device-1"}).get_json()
    assert (made["source_id"], made["inbox"]["id"]) == ("device-1", world.api.id)
    assert len(ada.post(path, {"inbox_id": world.api.id}).get_json()["source_id"]) > 20
    assert ada.post(path, {"inbox_id": 4711}).status_code == 404
    assert bo.post(path, {"inbox_id": world.shop.id}).status_code == 404
    other = ada.post("contacts", {"name": "Other"}).get_json()["payload"]["contact"]["id"]
    taken = ada.post(f"contacts/{other}/contact_inboxes", {"inbox_id": world.api.id, "source_id": "device-1"})
    assert (taken.status_code, taken.get_json()["attributes"]) == (422, ["source_id"])


def test_where_a_contact_must_write_first_nobody_makes_him_known(ada: Asking, world: World) -> None:
    with transaction(world.acme.id):
        inbox = create_inbox(world.acme.id, Channel.TELEGRAM, "Bot", by="system")
    assert (
        ada.post(f"contacts/{world.mika.id}/contact_inboxes", {"inbox_id": inbox.id, "source_id": "1"}).status_code
        == 422
    )
    assert ada.post("conversations", {"inbox_id": inbox.id, "contact_id": world.mika.id}).status_code == 422


def test_an_agent_is_not_told_of_inboxes_he_may_not_see(bo: Asking, ada: Asking, world: World) -> None:
    ada.post(f"contacts/{world.mika.id}/contact_inboxes", {"inbox_id": world.shop.id})
    world.conversation(world.shop, "visitor-shop")
    shown = bo.get(f"contacts/{world.mika.id}").get_json()["payload"]
    assert [identity["inbox"]["name"] for identity in shown["contact_inboxes"]] == ["Website"]
    reachable = bo.get(f"contacts/{world.mika.id}/contactable_inboxes").get_json()["payload"]
    assert "Shop" not in [one["inbox"]["name"] for one in reachable]
    assert bo.get(f"contacts/{world.mika.id}/conversations").get_json() == {"payload": []}
