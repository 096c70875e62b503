"""Attachments by their signed addresses."""

import base64
from datetime import timedelta
from io import BytesIO

import pytest
from sqlmodel import select

from app import clock
from app.conversations.links import file_url, is_valid
from app.conversations.models import Attachment
from app.database import session, transaction
from tests.api.cast import Asking, World

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.fixture
def sent(ada: Asking, world: World) -> dict[str, str]:
    """The addresses of a picture and of a page that somebody sent, by name."""
    world.conversation()
    files = [(BytesIO(PIXEL), "точка.png"), (BytesIO(b"<script>alert(1)</script>"), "page.html")]
    ada.call("POST", "conversations/1/messages", data={"attachments[]": files})
    payload = ada.get("conversations/1/attachments").get_json()["payload"]
    return {found["file_type"]: found["data_url"].removeprefix("http://localhost:3000") for found in payload}


def test_whoever_has_the_address_gets_the_file(sent: dict[str, str], customer: Asking) -> None:
    answer = customer.get(sent["image"])
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PIXEL, "image/png")
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert answer.headers["Cache-Control"].startswith("private")


def test_a_strangers_page_never_runs_in_our_name(sent: dict[str, str], customer: Asking) -> None:
    answer = customer.get(sent["file"])
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_part_of_a_file_can_be_asked_for(sent: dict[str, str], customer: Asking) -> None:
    answer = customer.get(sent["image"], headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.data) == (206, PIXEL[:4])


@pytest.mark.parametrize("change", ["", "s=", "s=forged", "s=WzEsMl0.aaa.bbb"])
def test_without_our_signature_there_is_nothing(sent: dict[str, str], customer: Asking, change: str) -> None:
    assert customer.get(f"{sent['image'].partition('?')[0]}?{change}").status_code == 404


def test_a_signature_opens_its_own_file_alone(sent: dict[str, str], customer: Asking) -> None:
    signature = sent["image"].partition("?")[2]
    other = sent["file"].partition("?")[0]
    assert customer.get(f"{other}?{signature}").status_code == 404


def test_an_address_ends_with_its_time(world: World, sent: dict[str, str]) -> None:
    with transaction(world.acme.id):
        found = session().exec(select(Attachment)).first()
    assert found is not None
    signature = file_url(found, lifetime=timedelta(minutes=5)).partition("?s=")[2]
    with clock.stopped_at(clock.now() + timedelta(minutes=4)):
        assert is_valid(found.key, signature)
    with clock.stopped_at(clock.now() + timedelta(minutes=6)):
        assert not is_valid(found.key, signature)


def test_a_deleted_message_takes_its_files_away(sent: dict[str, str], ada: Asking, customer: Asking) -> None:
    message_id = ada.get("conversations/1/messages").get_json()["payload"][-1]["id"]
    ada.delete(f"conversations/1/messages/{message_id}")
    assert customer.get(sent["image"]).status_code == 404
