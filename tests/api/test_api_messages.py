"""Messages: written once, in order, and never mistaken for another."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from app.conversations import actions, queries
from app.conversations.actions import ATTACHMENTS_LIMIT, Writing
from app.conversations.models import Conversation, MessageType
from app.database import transaction
from app.inboxes.actions import create_inbox
from app.inboxes.models import Channel
from tests.api.cast import Asking, World, talk


@pytest.fixture
def found(world: World) -> Conversation:
    return world.conversation()


def contents(asking: Asking, query: str = "") -> list[str]:
    """The texts of the thread."""
    return [message["content"] for message in asking.get(f"conversations/1/messages?{query}").get_json()["payload"]]


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("key", [{"json": {"echo_id": "e1"}}, {"headers": {"Idempotency-Key": "k1"}}])
def test_a_program_that_repeats_itself_writes_once(bo: Asking, key: dict[str, Any]) -> None:
    sent = {"json": {"content": "Hello"} | key.get("json", {}), "headers": key.get("headers")}
    first, second = (bo.call("POST", "conversations/1/messages", **sent).get_json() for _ in range(2))
    assert first == second
    assert contents(bo) == ["Where is it?", "Hello"]


@pytest.mark.usefixtures("found")
def test_eight_at_once_with_one_key_write_one_message(web: Flask, bo: Asking) -> None:
    def write(_number: int) -> tuple[int, int]:
        mine = Asking(web.test_client(), bo.account_id, bo.token)
        answer = mine.post("conversations/1/messages", {"content": "Hello", "echo_id": "e1"})
        return answer.status_code, answer.get_json()["id"]

    with ThreadPoolExecutor(8) as programs:
        answers = set(programs.map(write, range(8)))
    assert len(answers) == 1
    assert contents(bo) == ["Where is it?", "Hello"]


@pytest.mark.usefixtures("found")
def test_another_message_with_a_used_key_is_refused_rather_than_lost(bo: Asking, ada: Asking) -> None:
    bo.post("conversations/1/messages", {"content": "Hello", "echo_id": "e1"})
    refused = bo.post("conversations/1/messages", {"content": "Goodbye", "echo_id": "e1"})
    assert (refused.status_code, refused.get_json()["attributes"]) == (422, ["echo_id"])
    assert ada.post("conversations/1/messages", {"content": "Hello", "echo_id": "e1"}).status_code == 422


@pytest.mark.usefixtures("found")
def test_a_repeated_key_of_an_edited_message_is_no_other_message(bo: Asking, world: World) -> None:
    made = bo.post("conversations/1/messages", {"content": "Hello", "echo_id": "e1"}).get_json()
    with transaction(world.acme.id):
        actions.edit(queries.message(world.acme.id, made["id"]), "Hello!", by="system")
    assert bo.post("conversations/1/messages", {"content": "Hello", "echo_id": "e1"}).get_json()["content"] == "Hello!"


@pytest.mark.usefixtures("found")
def test_a_note_is_private(bo: Asking) -> None:
    made = bo.post("conversations/1/messages", {"content": "He is angry", "private": True}).get_json()
    assert (made["private"], made["message_type"]) == (True, 1)


def test_what_came_in_is_written_in_api_inboxes_alone(bo: Asking, world: World) -> None:
    world.conversation()
    world.conversation(world.api, "device-1")
    sent = {"content": "I am here", "message_type": "incoming"}
    assert bo.post("conversations/1/messages", sent).status_code == 422
    made = bo.post("conversations/2/messages", sent).get_json()
    assert (made["message_type"], made["sender"]["type"]) == (0, "contact")


@pytest.mark.usefixtures("found")
def test_attributes_come_as_an_object_or_as_text(bo: Asking) -> None:
    for attributes in ({"items": [{"title": "Yes"}]}, '{"items": [{"title": "Yes"}]}'):
        sent = {"content": "Well?", "content_type": "input_select", "content_attributes": attributes}
        made = bo.post("conversations/1/messages", sent).get_json()
        assert made["content_attributes"] == {"items": [{"title": "Yes"}]}
        assert made["content_type"] == "input_select"


@pytest.mark.usefixtures("found")
def test_nobody_says_in_attributes_what_is_ours_to_say(bo: Asking) -> None:
    attributes = {"deleted": True, "template": "greeting", "external_error": "lost", "items": [1]}
    made = bo.post("conversations/1/messages", {"content": "x", "content_attributes": attributes}).get_json()
    assert made["content_attributes"] == {"items": [1]}


def test_a_reply_names_what_it_answers(bo: Asking, world: World) -> None:
    world.conversation()
    foreign = world.conversation(world.api, "device-1")
    first = bo.get("conversations/1/messages").get_json()["payload"][0]["id"]
    sent = {"content": "This", "content_attributes": {"in_reply_to": first}}
    assert bo.post("conversations/1/messages", sent).get_json()["content_attributes"] == {"in_reply_to": first}
    sent["content_attributes"] = {"in_reply_to": foreign.last_message_id or 0}
    assert bo.post("conversations/1/messages", sent).status_code == 404


def test_a_thread_is_read_in_pieces(bo: Asking, found: Conversation, world: World) -> None:
    with transaction(world.acme.id):
        for number in range(30):
            actions.write_incoming(found, found.contact_id, Writing(str(number)))
    texts = [str(number) for number in range(30)]
    ids = {m["content"]: m["id"] for m in bo.get("conversations/1/messages?after=1").get_json()["payload"]}
    assert contents(bo) == texts[10:]
    assert contents(bo, f"before={ids['10']}") == ["Where is it?", *texts[:10]]
    assert contents(bo, f"after={ids['10']}") == texts[11:]
    assert contents(bo, f"after={ids['3']}&before={ids['6']}") == ["3", "4", "5"]


@pytest.mark.usefixtures("found")
def test_too_many_files_are_refused_before_they_are_kept(bo: Asking) -> None:
    files = [(BytesIO(b"x"), f"{number}.txt") for number in range(ATTACHMENTS_LIMIT + 1)]
    answer = bo.call("POST", "conversations/1/messages", data={"attachments[]": files})
    assert (answer.status_code, answer.get_json()["attributes"]) == (422, ["attachments"])


@pytest.mark.usefixtures("found")
def test_a_file_without_words_is_a_message(bo: Asking) -> None:
    answer = bo.call("POST", "conversations/1/messages", data={"attachments[]": (BytesIO(b"x"), "x.txt")})
    assert answer.get_json()["attachments"][0]["file_type"] == "file"


def test_a_message_of_another_conversation_is_not_here(bo: Asking, world: World) -> None:
    world.conversation()
    other = world.conversation(world.api, "device-1")
    assert bo.delete(f"conversations/1/messages/{other.last_message_id}").status_code == 404


def test_what_did_not_go_out_is_sent_again(ada: Asking, world: World) -> None:
    with transaction(world.acme.id):
        inbox = create_inbox(world.acme.id, Channel.TELEGRAM, "Bot", by="system", channel_secrets={"bot_token": "1:a"})
    talk(inbox, "chat-1", "Hi")
    made = ada.post("conversations/1/messages", {"content": "Hello"}).get_json()
    assert made["status"] == "sent"
    with transaction(world.acme.id):
        actions.mark_failed(queries.message(world.acme.id, made["id"]), "chat not found")
    shown = ada.get("conversations/1/messages").get_json()["payload"][-1]
    assert (shown["status"], shown["content_attributes"]["external_error"]) == ("failed", "chat not found")
    assert ada.post(f"conversations/1/messages/{made['id']}/retry").get_json()["status"] == "sent"


def test_message_types_are_those_of_chatwoot() -> None:
    from app.conversations.wire import MESSAGE_TYPES

    assert [MESSAGE_TYPES[kind] for kind in MessageType] == [0, 1, 2, 3]
