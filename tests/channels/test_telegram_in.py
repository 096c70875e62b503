"""What Telegram brings: every message a person wrote is read; nothing is read that Telegram did not send."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels import telegram
from app.channels.base import InboundKind
from app.channels.registry import adapter
from tests.channels import updates
from tests.channels.fake_telegram import TOKEN

SECRETS = {"bot_token": TOKEN}
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def only(raw: bytes):
    [inbound] = telegram.parse(raw)
    return inbound


def only_file(raw: bytes):
    [file] = only(raw).files
    return file


def test_a_text_has_its_sender_its_words_and_its_time():
    inbound = only(updates.text("Здравствуйте!"))
    assert inbound.source_id == "5001:31"
    assert inbound.sender_id == "5001"
    assert inbound.sender_name == "Мика Осмонов"
    assert inbound.sender_attributes == {"username": "mika", "language_code": "ru"}
    assert inbound.text == "Здравствуйте!"
    assert inbound.kind == InboundKind.MESSAGE
    assert inbound.sent_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert inbound.in_reply_to is None
    assert inbound.files == ()


def test_of_a_photo_the_largest_is_taken_with_its_caption():
    assert only(updates.PHOTO).text == "Вот чек"
    file = only_file(updates.PHOTO)
    assert (file.file_type, file.provider_ref, file.size_bytes, file.content_type) == (
        "image", "large", 142_311, "image/jpeg",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "file_type", "content_type", "name"),
    [
        (updates.DOCUMENT, "file", "application/pdf", "Договор.pdf"),
        (updates.VOICE, "audio", "audio/ogg", "voice.ogg"),
        (updates.VIDEO, "video", "video/mp4", "video.mp4"),
        (updates.ANIMATION, "video", "video/mp4", "animation.mp4"),
        (updates.STICKER, "image", "image/webp", "sticker.webp"),
    ],
)
def test_each_kind_of_file_is_known_for_what_it_is(raw, file_type, content_type, name):
    file = only_file(raw)
    assert (file.file_type, file.content_type, file.file_name) == (file_type, content_type, name)
    assert file.provider_ref


def test_a_picture_sent_as_a_document_is_a_picture():
    document = {"file_id": "d", "file_unique_id": "u", "mime_type": "image/png", "file_name": "a.png"}
    assert only_file(updates.update(message=updates.message(document=document))).file_type == "image"


@pytest.mark.parametrize(
    ("flags", "file_type", "name"),
    [({"is_video": True}, "video", "sticker.webm"), ({"is_animated": True}, "file", "sticker.tgs")],
)
def test_moving_stickers_are_no_pictures(flags, file_type, name):
    sticker = {"file_id": "s", "file_unique_id": "u", **flags}
    file = only_file(updates.update(message=updates.message(sticker=sticker)))
    assert (file.file_type, file.file_name) == (file_type, name)


def test_a_place_and_a_card_are_whole_without_fetching():
    place, venue, card = (only_file(raw) for raw in (updates.LOCATION, updates.VENUE, updates.CONTACT))
    assert place.file_type == "location"
    assert place.data == {"latitude": 42.8746, "longitude": 74.5698}
    assert venue.data["title"] == "Ош базары"
    assert venue.data["address"] == "Бейшеналиева, 42"
    assert card.file_type == "contact"
    assert card.data == {"phone_number": "+996555000111", "first_name": "Ада"}
    assert not any(file.provider_ref for file in (place, venue, card))


def test_what_has_no_text_of_its_own_is_put_into_words():
    assert only(updates.POLL).text == "Когда удобно?\n– Утром\n– Вечером"
    assert only(updates.DICE).text == "🎲 4"
    assert only(updates.STORY).text


def test_an_answer_names_the_message_it_answers():
    assert only(updates.REPLY).in_reply_to == "5001:12"


def test_an_edit_names_the_message_it_changes():
    edit = only(updates.EDIT)
    assert (edit.kind, edit.source_id, edit.text) == (InboundKind.EDIT, "5001:31", "Здравствуйте, это Мика!")
    assert edit.sent_at == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [updates.GROUP, updates.CHANNEL_POST, updates.BUTTON, updates.BLOCKED, updates.PINNED, updates.LIVE_LOCATION],
)
def test_what_nobody_wrote_to_us_gives_no_message(raw):
    assert telegram.parse(raw) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"message": {}}',
        b'{"update_id": 1, "message": {"text": "no sender, no chat"}}',
        b'{"update_id": 1, "message": 7}',
        b"[" * 100_000,
        b'{"update_id": 1' + b', "a": [' * 50_000,
        updates.update(message=updates.message(text={"not": "text"})),
        updates.update(message=updates.message(photo=[{"width": 1}])),
    ],
)
def test_what_is_no_update_is_a_value_error_and_still_has_a_place(raw):
    with pytest.raises(ValueError):  # noqa: PT011  whichever: the lane sets it aside
        telegram.parse(raw)
    assert telegram.envelope(raw).provider_key
    assert telegram.envelope(raw).lane


def test_what_postgresql_cannot_store_is_left_out():
    inbound = only(updates.text("до\x00после"))
    assert inbound.text == "допосле"


NAMES = ("update_id", "message", "edited_message", "chat", "id", "from", "text", "photo", "date", "type")
LEAVES = st.none() | st.booleans() | st.integers() | st.text()
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner))


@given(ANYTHING)
def test_whatever_comes_is_filed_and_read_or_refused(value):
    raw = json.dumps(value).encode()
    assert telegram.envelope(raw).lane
    with contextlib.suppress(ValueError):
        telegram.parse(raw)


# -- filing


def test_a_repetition_has_the_same_key_and_the_lane_is_the_chat():
    one, again, edit = (telegram.envelope(raw) for raw in (updates.text("a"), updates.text("a"), updates.EDIT))
    assert one == again
    assert one.lane == edit.lane == "5001"
    assert one.provider_key != edit.provider_key


def test_a_number_that_comes_round_again_with_other_words_is_no_repetition():
    assert telegram.envelope(updates.text("a")).provider_key != telegram.envelope(updates.text("b")).provider_key


def test_what_cannot_be_read_has_a_lane_of_its_own():
    assert telegram.envelope(b"one").lane != telegram.envelope(b"two").lane
    assert telegram.envelope(b"one") == telegram.envelope(b"one")


# -- authenticity


def test_telegram_is_known_by_the_secret_it_repeats():
    secret = telegram.hook_secret(TOKEN)
    assert telegram.is_authentic(SECRETS, {HEADER: secret}, b"")
    assert telegram.is_authentic(SECRETS, {HEADER.lower(): secret}, b"")


@pytest.mark.parametrize(
    ("secrets", "headers"),
    [
        (SECRETS, {}),
        (SECRETS, {HEADER: ""}),
        (SECRETS, {HEADER: "wrong"}),
        (SECRETS, {HEADER: TOKEN}),
        (SECRETS, {HEADER: telegram.hook_secret("654321:another")}),
        (SECRETS, {HEADER: telegram.hook_secret(TOKEN) + " "}),
        (SECRETS, {HEADER: "ключ"}),
        ({}, {HEADER: telegram.hook_secret("")}),
        ({"bot_token": ""}, {HEADER: ""}),
        ({"bot_token": ""}, {HEADER: telegram.hook_secret("")}),
    ],
)
def test_nobody_else_is(secrets, headers):
    assert not telegram.is_authentic(secrets, headers, b"{}")


def test_the_secret_is_one_telegram_accepts_and_tells_nothing_of_the_token():
    secret = telegram.hook_secret(TOKEN)
    assert 1 <= len(secret) <= 256
    assert secret.isalnum()
    assert TOKEN.split(":")[1] not in secret


def test_telegram_is_the_channel_that_needs_an_adapter():
    assert adapter("telegram") is telegram
    assert adapter("website") is None
    assert adapter("api") is None
    assert adapter("nonsense") is None
