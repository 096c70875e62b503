"""A message is written once however often it is sent, and nothing a program sends brings the door down."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlmodel import select

from app import limits
from app.conversations.models import Attachment, Conversation, Message
from app.database import session, transaction
from app.events.log import Event
from app.widget.visitor import known_source
from tests.widget.conftest import Visitor, another, upload_limit_bytes
from tests.world import World

PAGE = b"<!doctype html><script>alert(document.domain)</script>"
PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc`\xf8_\x0f\x00\x02\x87\x01\x80\xebG\xba\x92\x00\x00\x00\x00IEND\xaeB`\x82"
)


def test_a_double_click_and_retries_are_one_message(world: World, visitor: Visitor) -> None:
    """T06: the same echo_id twenty times at once, from somebody nobody knows yet."""
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda _: visitor.writes("Где мой заказ?", echo_id="e-1"), range(20)))
    assert len({message["id"] for message in said}) == 1
    with transaction(world.account_id):
        assert len(session().exec(select(Message)).all()) == 1
        assert len(session().exec(select(Conversation)).all()) == 1
        told = [event.name for event in session().exec(select(Event)).all() if event.name.startswith("message.")]
    assert told == ["message.created"]


def test_a_retry_after_the_end_is_still_the_same_message(world: World, visitor: Visitor) -> None:
    """Its first try arrived, the answer was lost, and meanwhile somebody resolved the conversation."""
    first = visitor.writes("Спасибо!", echo_id="e-1")
    visitor.call("GET", "conversations/toggle_status")
    for path in ("messages", "conversations"):
        visitor.ok("POST", path, {"message": {"content": "Спасибо!", "echo_id": "e-1"}})
    assert [message["id"] for message in visitor.reads()] == [first["id"]]
    assert visitor.ok("GET", "conversations")["status"] == "resolved"


def test_the_same_words_twice_are_two_messages(visitor: Visitor) -> None:
    visitor.writes("ау", echo_id="e-1")
    visitor.writes("ау", echo_id="e-2")
    assert len(visitor.reads()) == 2


def test_an_echo_id_is_ones_own(web: Flask, world: World, visitor: Visitor) -> None:
    visitor.writes("моё", echo_id="e-1")
    neighbour = another(web, world.inbox)
    assert neighbour.writes("и моё", echo_id="e-1")["content"] == "и моё"


def test_a_form_is_read_like_json(visitor: Visitor) -> None:
    form = {"message[content]": "из формы", "message[echo_id]": "e-1"}
    said = visitor.ok("POST", "messages", data=form)
    assert (said["content"], said["echo_id"]) == ("из формы", "e-1")


def test_files_come_along(visitor: Visitor) -> None:
    form = {
        "message[content]": "смотрите",
        "message[attachments][]": [(BytesIO(PICTURE), "чек.png"), (BytesIO(b"1;2"), "a.csv")],
    }
    said = visitor.ok("POST", "messages", data=form)
    picture, table = said["attachments"]
    assert (picture["file_type"], picture["width"], picture["extension"]) == ("image", 1, "png")
    assert (table["file_type"], table["thumb_url"], table["file_size"]) == ("file", "", 3)
    assert visitor.client.get(picture["data_url"]).data == PICTURE


def test_a_file_alone_is_a_message(visitor: Visitor) -> None:
    said = visitor.ok("POST", "messages", data={"message[attachments][]": (BytesIO(PICTURE), "чек.png")})
    assert said["content"] == ""


@pytest.mark.parametrize("name", ["photo.jpg", "x.svg", "../../etc/passwd", "a\u200b.html", "con.html.png"])
def test_a_page_in_disguise_is_handed_over_and_never_shown(visitor: Visitor, name: str) -> None:
    said = visitor.ok("POST", "messages", data={"message[attachments][]": (BytesIO(PAGE), name)})
    address = said["attachments"][0]["data_url"]
    answer = visitor.client.get(address)
    assert said["attachments"][0]["file_type"] == "file"
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_is_too_large_or_empty_or_too_many_is_refused_whole(world: World, visitor: Visitor) -> None:
    for files in (
        [(BytesIO(b"0" * (upload_limit_bytes() + 1)), "huge.bin")],
        [(BytesIO(b""), "empty.txt")],
        [(BytesIO(b"1"), "good.txt"), (BytesIO(b""), "empty.txt")],
        [(BytesIO(b"1"), f"{n}.txt") for n in range(16)],
    ):
        answer = visitor.call("POST", "messages", data={"message[content]": "вот", "message[attachments][]": files})
        assert answer.status_code == 422
        assert answer.get_json()["attributes"] == ["attachments"]
    assert visitor.reads() == []
    with transaction(world.account_id):
        assert session().exec(select(Attachment)).all() == []


HALF = "\ud83d"  # the first half of a picture, as broken programs send it
BAD_BODIES: list[tuple[str, str, Any]] = [
    ("POST", "messages", {}),
    ("POST", "messages", {"message": {}}),
    ("POST", "messages", {"message": {"content": ""}}),
    ("POST", "messages", {"message": {"content": "   \n "}}),
    ("POST", "messages", {"message": {"content": "нуль\x00"}}),
    ("POST", "messages", {"message": {"content": HALF}}),
    ("POST", "messages", {"message": {"content": "а" * 150_001}}),
    ("POST", "messages", {"message": {"content": ["список"]}}),
    ("POST", "messages", {"message": {"content": {"$gt": ""}}}),
    ("POST", "messages", {"message": "строка"}),
    ("POST", "messages", ["список"]),
    ("POST", "messages", {"message": {"content": "а", "echo_id": "e" * 201}}),
    ("POST", "messages", {"message": {"content": "а", "echo_id": "\x00"}}),
    ("POST", "messages", {"message": {"content": "а", "echo_id": 7}}),
    ("POST", "messages", {"message": {"content": "а", "referer_url": "h" * 3000}}),
    ("POST", "messages", {"message": {"content": "а", "timestamp": {"a": 1}}}),
    ("POST", "conversations", {"contact": "строка"}),
    ("POST", "conversations", {"contact": {"email": "не адрес"}, "message": {"content": "а"}}),
    ("POST", "conversations", {"message": {"content": "а"}, "custom_attributes": {"a": {"b": 1}}}),
    ("POST", "conversations", {"message": {"content": "а"}, "custom_attributes": {"a": "\x00"}}),
    ("POST", "conversations", {"message": {"content": "а"}, "custom_attributes": {"\x00": "a"}}),
    ("POST", "conversations", {"message": {"content": "а"}, "custom_attributes": {str(n): n for n in range(51)}}),
    ("PATCH", "contact", {"email": "не адрес"}),
    ("PATCH", "contact", {"email": 5}),
    ("PATCH", "contact", {"phone_number": "позвоните мне"}),
    ("PATCH", "contact", {"name": "и" * 256}),
    ("PATCH", "contact", {"name": "нуль\x00"}),
    ("PATCH", "contact", {"custom_attributes": [1]}),
    ("PATCH", "contact", {"custom_attributes": {"a": float("nan")}}),
    ("PATCH", "contact/set_user", {"identifier": True}),
    ("PATCH", "contact/set_user", {"identifier": "и" * 256}),
    ("PATCH", "contact/set_user", {"identifier": "a\x00"}),
    ("PATCH", "contact/set_user", {"identifier": "1", "identifier_hash": HALF}),
    ("POST", "contact/destroy_custom_attributes", {"custom_attributes": [None]}),
    ("POST", "labels", {"label": "\x00"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), BAD_BODIES)
def test_what_cannot_be_kept_is_refused_in_words(visitor: Visitor, method: str, path: str, body: Any) -> None:
    answer = visitor.call(method, path, body)
    assert answer.status_code == 422, answer.text
    assert answer.get_json()["error"]


@pytest.mark.parametrize(
    "raw", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"message": ' + b"[" * 50_000, b"null", b'"a"', b"1e999"]
)
def test_broken_json_is_a_bad_request(visitor: Visitor, raw: bytes) -> None:
    answer = visitor.call("POST", "messages", data=raw, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert answer.mimetype == "application/json"


def test_a_body_that_no_form_sends_is_too_large(visitor: Visitor) -> None:
    answer = visitor.call(
        "POST", "messages", data=b'{"a": "' + b"x" * 1024 * 1024 + b'"}', content_type="application/json"
    )
    assert answer.status_code == 413
    assert answer.mimetype == "application/json"


@pytest.mark.parametrize("query", [{"before": "x"}, {"after": "-1"}, {"before": "9" * 30}, {"after": "1 or 1=1"}])
def test_a_page_begins_at_an_id(visitor: Visitor, query: dict[str, str]) -> None:
    assert visitor.call("GET", "messages", query=query).status_code == 422


def test_somebody_who_floods_is_slowed_down_and_told_for_how_long(world: World, visitor: Visitor) -> None:
    for _ in range(60):
        limits.spend(f"widget.message:{world.inbox.id}:{known_source(visitor.token, world.inbox)}", 60, 60)
    refused = visitor.call("POST", "messages", {"message": {"content": "ещё"}})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1


def test_an_office_behind_one_address_is_not_slowed_down(web: Flask, world: World) -> None:
    people = [another(web, world.inbox) for _ in range(80)]
    assert {person.call("POST", "messages", {"message": {"content": "привет"}}).status_code for person in people} == {
        200
    }


def test_a_machine_that_begins_conversations_is_stopped(web: Flask, world: World, visitor: Visitor) -> None:
    for _ in range(300):
        limits.spend(f"widget.conversation:{world.inbox.id}:127.0.0.1", 3600, 300)
    assert visitor.call("POST", "messages", {"message": {"content": "ещё одна"}}).status_code == 429


def test_a_quotation_points_at_what_he_can_see(web: Flask, world: World, visitor: Visitor) -> None:
    mine = visitor.writes("раз")
    foreign = another(web, world.inbox).writes("чужое")
    assert visitor.writes("два", reply_to=mine["id"])["in_reply_to"] == mine["id"]
    for nowhere in (foreign["id"], 10**30, "x", None, -1):
        assert visitor.writes("три", reply_to=nowhere)["in_reply_to"] is None
