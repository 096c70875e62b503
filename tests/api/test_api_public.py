"""Customers' programs: a source_id is who they are."""

from io import BytesIO
from typing import Any

import pytest

from app import security
from app.contacts.actions import create_contact
from app.contacts.models import Contact
from app.conversations import queries
from app.database import session, transaction
from app.inboxes.actions import channel_secrets, update_inbox
from app.inboxes.queries import inbox
from app.surveys.actions import ask
from tests.api import shapes
from tests.api.cast import Asking, World
from tests.api.shapes import fits


@pytest.fixture
def at(world: World) -> str:
    """Where the API inbox is reached."""
    return f"/public/api/v1/inboxes/{world.api.key}"


@pytest.fixture
def mine(customer: Asking, at: str) -> str:
    """Where a customer's one conversation is reached; he is `device-1`."""
    customer.post(f"{at}/contacts", {"source_id": "device-1", "name": "Нур"})
    number = customer.post(f"{at}/contacts/device-1/conversations", {}).get_json()["id"]
    return f"{at}/contacts/device-1/conversations/{number}"


def signature(world: World, identifier: str) -> str:
    return security.hmac_sha256(channel_secrets(world.api)["hmac_token"], identifier)


def test_an_inbox_a_contact_a_conversation_a_message(customer: Asking, world: World, at: str) -> None:
    assert fits(shapes.PublicInbox, customer.get(at))["identifier"] == world.api.key
    sent = {"name": "Нур", "email": "nur@example.org", "custom_attributes": {"plan": "gold"}}
    contact = fits(shapes.PublicContact, customer.post(f"{at}/contacts", sent))
    assert (contact["name"], contact["email"]) == ("Нур", "nur@example.org")
    him = f"{at}/contacts/{contact['source_id']}"
    assert fits(shapes.PublicContact, customer.get(him)) == contact
    made = fits(shapes.PublicConversation, customer.post(f"{him}/conversations", {"custom_attributes": {"order": 7}}))
    messages = f"{him}/conversations/{made['id']}/messages"
    said = fits(shapes.PublicMessage, customer.post(messages, {"content": "Hello", "echo_id": "e1"}))
    assert (said["content"], said["message_type"], said["sender"]["name"]) == ("Hello", 0, "Нур")
    assert fits(list[shapes.PublicMessage], customer.get(messages)) == [said]
    listed = fits(list[shapes.PublicConversation], customer.get(f"{him}/conversations"))
    assert [(one["id"], one["messages"]) for one in listed] == [(made["id"], [said])]


def test_agents_see_it_and_their_answer_comes_back(customer: Asking, bo: Asking, world: World, mine: str) -> None:
    customer.post(f"{mine}/messages", {"content": "Where is it?"})
    number = mine.rpartition("/")[2]
    bo.post(f"conversations/{number}/messages", {"content": "Between us", "private": True})
    bo.post(f"conversations/{number}/messages", {"content": "On its way"})
    thread = fits(list[shapes.PublicMessage], customer.get(f"{mine}/messages"))
    assert [message["content"] for message in thread] == ["Where is it?", "On its way"]
    assert thread[1]["sender"]["name"] == "Bo"
    assert "bo@acme" not in customer.get(f"{mine}/messages").get_data(as_text=True)


def test_a_customer_that_repeats_himself_writes_once(customer: Asking, mine: str) -> None:
    first, second = (customer.post(f"{mine}/messages", {"content": "Hi", "echo_id": "e1"}).get_json() for _ in range(2))
    assert first == second
    assert len(customer.get(f"{mine}/messages").get_json()) == 1


def test_a_customer_is_not_shown_a_note_whose_key_he_guessed(customer: Asking, bo: Asking, mine: str) -> None:
    number = mine.rpartition("/")[2]
    bo.post(f"conversations/{number}/messages", {"content": "secret", "private": True, "echo_id": "e1"})
    answer = customer.post(f"{mine}/messages", {"content": "secret", "echo_id": "e1"})
    assert answer.status_code == 422
    assert "secret" not in answer.get_data(as_text=True)


def test_files_come_with_a_message(customer: Asking, mine: str) -> None:
    answer = customer.call("POST", f"{mine}/messages", data={"attachments[]": (BytesIO(b"words"), "words.txt")})
    assert fits(shapes.PublicMessage, answer)["attachments"][0]["file_size"] == 5


def test_a_customer_says_nothing_but_his_words(customer: Asking, mine: str, world: World) -> None:
    sent = {
        "content": "Hi",
        "message_type": "outgoing",
        "private": True,
        "content_type": "cards",
        "content_attributes": {"a": 1},
    }
    made = fits(shapes.PublicMessage, customer.post(f"{mine}/messages", sent))
    assert (made["message_type"], made["content_type"], made["content_attributes"]) == (0, "text", {})


@pytest.mark.parametrize("path", ["", "/messages", "/toggle_status", "/update_last_seen", "/toggle_typing"])
def test_another_customers_conversation_is_not_there(customer: Asking, at: str, mine: str, path: str) -> None:
    customer.post(f"{at}/contacts", {"source_id": "device-2", "name": "Other"})
    his = mine.replace("device-1", "device-2") + path
    for method in ("GET", "POST"):
        assert customer.call(method, his, json={"content": "x", "typing_status": "on"}).status_code in {404, 405}


def test_an_unknown_inbox_or_source_id_is_a_404(customer: Asking, at: str, world: World) -> None:
    for path in ("/public/api/v1/inboxes/nowhere", f"/public/api/v1/inboxes/{world.site.key}", f"{at}/contacts/nobody"):
        answer = customer.get(path)
        assert (answer.status_code, answer.get_json()) == (404, {"error": "Resource could not be found"})
    assert customer.post(f"{at}/contacts/nobody/conversations", {}).status_code == 404
    assert customer.get(f"{at}/contacts/a%00b").status_code == 404


def test_seen_typing_and_done(customer: Asking, bo: Asking, mine: str) -> None:
    number = mine.rpartition("/")[2]
    bo.post(f"conversations/{number}/messages", {"content": "Hello"})
    assert customer.post(f"{mine}/update_last_seen").data == b""
    assert bo.get(f"conversations/{number}").get_json()["contact_last_seen_at"] > 0
    assert customer.post(f"{mine}/toggle_typing", {"typing_status": "on"}).status_code == 200
    assert fits(shapes.PublicConversation, customer.post(f"{mine}/toggle_status"))["status"] == "resolved"


def test_a_survey_is_answered(customer: Asking, mine: str, world: World, bo: Asking) -> None:
    number = int(mine.rpartition("/")[2])
    with transaction(world.acme.id):
        found = queries.by_number(world.acme.id, number, lock=True)
        survey = ask(found, resolved_seq=1, resolver_id=None, team_id=None, locale="ru")
    assert survey is not None
    path = f"{mine}/messages/{survey.message_id}"
    sent: dict[str, Any] = {"submitted_values": {"csat_survey_response": {"rating": 5, "feedback_message": "Thanks"}}}
    shown = fits(shapes.PublicMessage, customer.patch(path, sent))
    assert shown["content_attributes"]["submitted_values"]["csat_survey_response"]["rating"] == 5
    sent["submitted_values"]["csat_survey_response"]["rating"] = 6
    assert customer.patch(path, sent).status_code == 422
    own = customer.post(f"{mine}/messages", {"content": "Hi"}).get_json()["id"]
    assert customer.patch(f"{mine}/messages/{own}", sent).status_code == 404


def test_any_site_may_call(customer: Asking, at: str) -> None:
    assert customer.get(at).headers["Access-Control-Allow-Origin"] == "*"
    asked = customer.call("OPTIONS", f"{at}/contacts")
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]


def test_a_suspended_account_takes_no_messages(customer: Asking, mine: str, world: World) -> None:
    from app.accounts.models import Account, AccountStatus
    from app.api import public
    from app.database import across_accounts

    with across_accounts():
        session().get_one(Account, world.acme.id).status = AccountStatus.SUSPENDED
    public._known.clear()
    assert customer.post(f"{mine}/messages", {"content": "Hi"}).status_code == 401


# -- who he is


def contact_of(world: World, answer: Any) -> Contact:
    with transaction(world.acme.id):
        return session().get_one(Contact, (world.acme.id, answer.get_json()["id"]))


def test_the_same_source_id_is_the_same_contact(customer: Asking, at: str) -> None:
    first = customer.post(f"{at}/contacts", {"source_id": "device-1", "name": "Нур"}).get_json()
    second = customer.post(f"{at}/contacts", {"source_id": "device-1", "name": "Нур А."}).get_json()
    assert (first["id"], second["name"]) == (second["id"], "Нур А.")


def test_a_claim_reaches_nobody_elses_contact(customer: Asking, at: str, world: World) -> None:
    with transaction(world.acme.id):
        known = create_contact(world.acme.id, by="system", name="Лея", email="leya@example.org", identifier="user-7",
                               phone_number="+996555000111")  # fmt: skip
    sent = {"source_id": "device-1", "name": "I am Leya", "email": "LEYA@example.org", "identifier": "user-7"}
    answer = customer.post(f"{at}/contacts", sent)
    told = fits(shapes.PublicContact, answer)
    assert (told["id"] != known.id, told["email"], told["phone_number"]) == (True, None, None)
    claims = {"claimed_email": "LEYA@example.org", "claimed_identifier": "user-7"}
    assert contact_of(world, answer).additional_attributes == claims
    assert customer.patch(f"{at}/contacts/device-1", {"email": "leya@example.org"}).get_json()["email"] is None


def test_a_proof_joins_the_contact(customer: Asking, at: str, world: World) -> None:
    with transaction(world.acme.id):
        known = create_contact(world.acme.id, by="system", name="Лея", identifier="user-7")
    sent = {
        "source_id": "device-1",
        "identifier": "user-7",
        "identifier_hash": signature(world, "user-7"),
        "email": "l@example.org",
    }
    told = fits(shapes.PublicContact, customer.post(f"{at}/contacts", sent))
    assert (told["id"], told["name"], told["email"], told["source_id"]) == (
        known.id,
        "Лея",
        "l@example.org",
        "device-1",
    )
    sent["source_id"] = "device-2"
    assert customer.post(f"{at}/contacts", sent).get_json()["id"] == known.id


def test_who_proved_himself_sees_his_conversations_of_all_devices(customer: Asking, at: str, world: World) -> None:
    proof = {"identifier": "user-7", "identifier_hash": signature(world, "user-7")}
    for device in ("device-1", "device-2"):
        customer.post(f"{at}/contacts", {"source_id": device} | proof)
        customer.post(f"{at}/contacts/{device}/conversations", {})
    listed = customer.get(f"{at}/contacts/device-1/conversations").get_json()
    assert len(listed) == 2
    assert customer.get(f"{at}/contacts/device-1/conversations/{listed[0]['id']}").status_code == 200


def test_a_claimed_identifier_yields_to_the_proof(customer: Asking, at: str, world: World) -> None:
    claimed = customer.post(f"{at}/contacts", {"source_id": "thief", "identifier": "user-7"})
    proof = {"source_id": "device-1", "identifier": "user-7", "identifier_hash": signature(world, "user-7")}
    proven = customer.post(f"{at}/contacts", proof)
    assert proven.get_json()["id"] != claimed.get_json()["id"]
    assert (contact_of(world, proven).identifier, contact_of(world, claimed).identifier) == ("user-7", None)


def test_a_guest_becomes_known_by_a_proof(customer: Asking, at: str, world: World) -> None:
    guest = customer.post(f"{at}/contacts", {"source_id": "device-1", "identifier": "user-7"}).get_json()
    proof = {"identifier": "user-7", "identifier_hash": signature(world, "user-7"), "name": "Лея"}
    answer = customer.patch(f"{at}/contacts/device-1", proof)
    assert (answer.get_json()["id"], answer.get_json()["name"]) == (guest["id"], "Лея")
    assert contact_of(world, answer).additional_attributes["identifier_is_claimed"] is False


@pytest.mark.parametrize("sent", [{}, {"identifier": "user-7"}, {"identifier": "user-7", "identifier_hash": "forged"}])
def test_where_a_proof_is_a_must_nothing_else_will_do(
    customer: Asking, at: str, world: World, sent: dict[str, str]
) -> None:
    with transaction(world.acme.id):
        update_inbox(inbox(world.acme.id, world.api.id), by="system", settings={"hmac_mandatory": True})
    assert customer.post(f"{at}/contacts", sent).status_code == 401


def test_a_forged_proof_is_refused_everywhere(customer: Asking, at: str) -> None:
    sent = {"identifier": "user-7", "identifier_hash": "forged"}
    assert customer.post(f"{at}/contacts", sent).status_code == 401


def test_who_has_not_proved_himself_changes_nothing_of_one_who_has(
    customer: Asking, ada: Asking, at: str, world: World
) -> None:
    proof = {
        "source_id": "device-1",
        "identifier": "user-7",
        "identifier_hash": signature(world, "user-7"),
        "name": "Лея",
    }
    contact_id = customer.post(f"{at}/contacts", proof).get_json()["id"]
    ada.post(f"contacts/{contact_id}/contact_inboxes", {"inbox_id": world.api.id, "source_id": "given"})
    assert customer.patch(f"{at}/contacts/given", {"name": "Thief"}).get_json()["name"] == "Лея"
