"""How requests may be written, as Rails reads them; and what is never a 500."""

import json
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from tests.api.cast import Asking, World
from tests.api.test_api_access import routes


def test_json_is_read_on_get_too(ada: Asking, world: World) -> None:
    assert ada.get("contacts/search", json={"q": "мика"}).get_json()["meta"]["count"] == 1


def test_wrapped_and_flat_are_the_same(ada: Asking) -> None:
    assert ada.post("labels", {"label": {"title": "one"}}).get_json()["title"] == "one"
    assert ada.post("labels", {"title": "two"}).get_json()["title"] == "two"


def test_lists_and_records_come_in_forms(ada: Asking, world: World) -> None:
    world.conversation()
    form = {"labels[]": ["vip", "late"]}
    assert ada.call("POST", "conversations/1/labels", data=form).get_json()["payload"] == ["late", "vip"]
    form = {"custom_attributes[order]": "7", "custom_attributes[tags][]": ["a", "b"]}
    answer = ada.call("POST", "conversations/1/custom_attributes", data=form).get_json()
    assert answer == {"custom_attributes": {"order": "7", "tags": ["a", "b"]}}


def test_a_conversation_begins_with_a_multipart_message(ada: Asking, world: World) -> None:
    form = {
        "inbox_id": str(world.site.id), "contact_id": str(world.mika.id), "message[content]": "Hello",
        "message[attachments][]": (BytesIO(b"words"), "words.txt"),
    }  # fmt: skip
    shown = ada.call("POST", "conversations", data=form).get_json()
    assert shown["messages"][0]["content"] == "Hello"
    assert shown["messages"][0]["attachments"][0]["file_size"] == 5


@pytest.mark.parametrize("path", ["", "/", ".json", "/inboxes/", "/labels.json", "/inboxes/1/", "/conversations/"])
def test_a_slash_or_json_at_the_end_changes_nothing(ada: Asking, world: World, path: str) -> None:
    assert ada.get(f"/api/v1/accounts/{world.acme.id}{path}").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_and_patch_are_the_same(ada: Asking, world: World, method: str) -> None:
    answer = ada.call(method, f"contacts/{world.mika.id}", json={"name": "Мика М."})
    assert answer.get_json()["payload"]["name"] == "Мика М."


@pytest.mark.parametrize("value", ["true", "1", 1, True])
def test_truth_has_many_forms(ada: Asking, world: World, value: Any) -> None:
    world.conversation()
    assert ada.post("conversations/1/messages", {"content": "x", "private": value}).get_json()["private"] is True


# -- what cannot be read


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"nonsense", b"\xff\xfe", b'{"content": NaN}', b'{"content": 1e999}', b"{" + b'"a":{' * 60 + b"}" * 61,
        b'{"content": "\xed\xa0\x80"}', '{"content": "x"}'.encode("utf-16"), b'{"a":' + b"[" * 100_000,
        b'{"content": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_broken_json_is_a_400(ada: Asking, world: World, raw: bytes) -> None:
    world.conversation()
    answer = ada.call("POST", "conversations/1/messages", data=raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json()["error"]


@pytest.mark.parametrize(
    "sent",
    [
        [1], "words", {"content": []}, {"content": {"a": 1}}, {"content": "x", "private": "perhaps"},
        {"content": "x", "content_attributes": [1]}, {"content": "x", "message_type": "shout"}, {"content": ""},
        {"content": "x", "content_type": "video"}, {"content": "a\x00b"}, {"content": "\ud800"}, {"content": "x" * 150_001},
        {"content": "x", "echo_id": "y" * 201}, {"content": "x", "echo_id": [1]},
        {"content": "x", "content_attributes": {"items": "\x00"}},
        {"content": "x", "content_attributes": {"in_reply_to": "first"}},
    ],
)  # fmt: skip
def test_a_value_of_a_wrong_type_is_a_422_that_says_which(ada: Asking, world: World, sent: Any) -> None:
    world.conversation()
    answer = ada.call("POST", "conversations/1/messages", data=json.dumps(sent), content_type="application/json")
    assert answer.status_code == 422, answer.get_json()
    assert answer.get_json()["attributes"]
    assert answer.get_json()["message"] == answer.get_json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "conversations/99999999999999999999", "conversations/4711", "contacts/4711", "inboxes/4711", "labels/4711",
        "teams/4711", "conversations/4711/messages", "contacts/4711/conversations", "contacts/9223372036854775808",
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_404(ada: Asking, path: str) -> None:
    answer = ada.get(path)
    assert (answer.status_code, answer.get_json()) == (404, {"error": "Resource could not be found"})


@pytest.mark.parametrize(
    "query",
    [
        "page=x", "page=1.5", "inbox_id=x", "inbox_id=99999999999999999999", "status=lost", "assignee_type=them",
        "sort_by=fate", "labels=b&labels[]=a", "page[]=1", "team_id[a]=1",
    ],
)  # fmt: skip
def test_a_query_that_means_nothing_is_refused(ada: Asking, query: str) -> None:
    assert ada.get(f"conversations?{query}").status_code in {400, 422}


@pytest.mark.parametrize("page", ["0", "-1", "999999999999", ""])
def test_an_odd_page_is_the_first_or_an_empty_one(ada: Asking, page: str) -> None:
    assert ada.get(f"conversations?page={page}").status_code == 200


def test_a_reader_is_told_in_his_language(ada: Asking, world: World) -> None:
    world.conversation()
    ada.call("PUT", "/api/v1/profile", json={"locale": "en"})
    from app.api import door

    door._known.clear()
    assert ada.post("conversations/1/messages", {}).get_json()["message"] == "Write something, or attach a file."


def test_more_than_anybody_says_is_too_large(ada: Asking, world: World) -> None:
    world.conversation()
    assert ada.post("conversations/1/messages", {"content": "x", "more": "y" * 1_000_000}).status_code == 413


HOSTILE: list[Any] = [
    None, [], "x", {"id": {}}, {name: {"a": ["\x00"]} for name in ("content", "labels", "q", "name", "email", "page")},
    {name: [[{"a": 1}]] for name in ("content", "labels", "q", "name", "email", "inbox_id", "status", "assignee_id")},
    dict.fromkeys(("labels", "inbox_id", "contact_id", "assignee_id", "team_id", "page", "before"), -(2**70)),
    dict.fromkeys(("snoozed_until", "priority", "source_id", "typing_status", "availability", "profile"), 1e300),
    dict.fromkeys(("title", "color", "short_code", "content", "identifier", "phone_number", "sort"), "\ud800"),
    dict.fromkeys(("snoozed_until", "status", "priority", "message", "custom_attributes", "account_id"), True),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_no_route_breaks_whatever_is_sent(web: Flask, ada: Asking, world: World, number: int) -> None:
    world.conversation()
    every = routes(web, {"api_user", "api_agent", "api_administrator"})
    every += [(m, p) for m, p in routes(web, {"public"}) if p.startswith(("/public/", "/auth/", "/files/"))]
    body = json.dumps(HOSTILE[number])
    for method, path in every:
        if path != "/auth/sign_out":
            answer = ada.call(method, path, data=body, content_type="application/json")
            assert answer.status_code < 500, f"{method} {path}: {answer.get_data(as_text=True)}"
            assert answer.is_json or not answer.data or path.startswith("/files/"), f"{method} {path}"
