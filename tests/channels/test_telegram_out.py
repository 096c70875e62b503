"""What we say to Telegram: whole, in order, and with the truth about whether it arrived."""

import io
import json
import logging
import socket
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels import telegram
from app.channels.base import Outbound, OutboundFile
from app.clock import stopped_at
from app.errors import ChannelError
from app.outbound import CutOff, Unreachable
from tests.channels.fake_telegram import CUT, DROPPED, TOKEN, FakeTelegram, Raw, Refusal
from tests.conftest import forget_settings

SECRETS = {"bot_token": TOKEN}
HOOK = "https://support.example.org/hooks/telegram/abc"


def say(text: str = "Добрый день!", **more) -> Outbound:
    return Outbound(recipient_id="5001", text=text, send_token="1-1", **more)


def file(folder: Path, name: str, content_type: str, size: int = 10) -> OutboundFile:
    path = folder / name
    path.write_bytes(b"x" * size)
    return OutboundFile(path, name, content_type, content_type.partition("/")[0])


# -- what arrives


def test_a_text_arrives_as_it_was_written(outside):
    words = "<b>Не</b> *разметка* _наша_ & 100 % 👍"
    sent = telegram.send(SECRETS, say(words))
    assert outside.texts() == [words]
    assert sent.source_ids == ("5001:1001",)
    assert "parse_mode" not in outside.sent[0].fields


def test_a_long_text_arrives_in_pieces_in_order(outside):
    words = "\n".join(f"{number}. Шаг, который нужно сделать по порядку." for number in range(400))
    sent = telegram.send(SECRETS, say(words))
    assert len(outside.texts()) == len(sent.source_ids) > 3
    assert "\n".join(outside.texts()) == words
    assert all(len(text.encode("utf-16-le")) <= 2 * 4096 for text in outside.texts())


@given(st.text(max_size=600), st.integers(min_value=2, max_value=90))
def test_pieces_fit_and_lose_nothing_but_space_at_the_cuts(text, limit):
    pieces = telegram.pieces(text, limit)
    assert "".join("".join(pieces).split()) == "".join(text.encode("utf-8", "replace").decode().split())
    assert all(piece == piece.strip() != "" for piece in pieces)
    assert all(len(piece.encode("utf-16-le")) <= 2 * limit for piece in pieces)


def test_an_answer_to_a_message_names_it_once(outside, tmp_path):
    message = say("x" * 5000, in_reply_to="5001:12", files=(file(tmp_path, "a.pdf", "application/pdf"),))
    telegram.send(SECRETS, message)
    assert json.loads(outside.sent[0].fields["reply_parameters"])["message_id"] == 12
    assert [call.fields.get("reply_parameters") for call in outside.sent[1:]] == [None, None]


def test_an_answer_to_something_telegram_never_had_is_sent_all_the_same(outside):
    telegram.send(SECRETS, say(in_reply_to="intake:7:x"))
    assert outside.texts() == ["Добрый день!"]


@pytest.mark.parametrize(
    ("content_type", "method", "field"),
    [
        ("image/png", "sendPhoto", "photo"),
        ("image/jpeg", "sendPhoto", "photo"),
        ("video/mp4", "sendVideo", "video"),
        ("audio/mpeg", "sendAudio", "audio"),
        ("audio/ogg", "sendVoice", "voice"),
        ("application/pdf", "sendDocument", "document"),
        ("image/svg+xml", "sendDocument", "document"),
        ("text/html", "sendDocument", "document"),
    ],
)
def test_each_kind_of_file_goes_as_what_it_is(outside, tmp_path, content_type, method, field):
    telegram.send(SECRETS, say("", files=(file(tmp_path, "Счёт №1.bin", content_type),)))
    [call] = outside.sent
    assert call.method == method
    assert call.files == {field: ("Счёт №1.bin", content_type, b"x" * 10)}
    assert call.fields == {"chat_id": "5001"}


def test_text_and_files_go_one_by_one_in_order(outside, tmp_path):
    files = (file(tmp_path, "a.png", "image/png"), file(tmp_path, "b.pdf", "application/pdf"))
    sent = telegram.send(SECRETS, say(files=files))
    assert [call.method for call in outside.sent] == ["sendMessage", "sendPhoto", "sendDocument"]
    assert len(sent.source_ids) == 3


def test_a_large_picture_and_one_telegram_cannot_show_go_as_documents(outside, tmp_path):
    telegram.send(SECRETS, say("", files=(file(tmp_path, "a.png", "image/png", 10_000_001),)))
    outside.next_sends.append(Refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"))
    telegram.send(SECRETS, say("", files=(file(tmp_path, "b.png", "image/png"),)))
    assert [call.method for call in outside.sent] == ["sendDocument", "sendDocument"]
    assert outside.sent[1].files["document"][2] == b"x" * 10


def test_a_file_too_large_for_telegram_is_not_even_tried(outside, tmp_path, monkeypatch):
    monkeypatch.setattr(telegram, "UPLOAD_LIMIT_BYTES", 5)
    with pytest.raises(ChannelError) as refusal:
        telegram.send(SECRETS, say("", files=(file(tmp_path, "a.pdf", "application/pdf"),)))
    assert refusal.value.permanent
    assert outside.calls == []


def test_an_empty_message_is_refused(outside):
    with pytest.raises(ChannelError) as refusal:
        telegram.send(SECRETS, say("  \n"))
    assert refusal.value.permanent


# -- what does not


@pytest.mark.parametrize(
    ("refusal", "permanent"),
    [
        (Refusal(400, "Bad Request: chat not found"), True),
        (Refusal(403, "Forbidden: bot was blocked by the user"), True),
        (Refusal(401, "Unauthorized"), True),
        (Refusal(404, "Not Found"), True),
        (Refusal(413, "Request Entity Too Large"), True),
        (Refusal(500, "Internal Server Error"), False),
        (Refusal(502, "Bad Gateway"), False),
        (Raw(502, b"<html>Bad Gateway</html>"), False),
        (Raw(503, b""), False),
        (Raw(413, b"<html>too large</html>"), True),
    ],
)
def test_a_refusal_is_permanent_or_not(outside, refusal, permanent):
    outside.next_sends.append(refusal)
    with pytest.raises(ChannelError) as raised:
        telegram.send(SECRETS, say())
    assert raised.value.permanent is permanent
    assert raised.value.reason
    assert outside.sent == []


def test_the_reason_of_a_block_is_told(outside):
    outside.next_sends.append(Refusal(403, "Forbidden: bot was blocked by the user"))
    with pytest.raises(ChannelError, match="bot was blocked by the user"):
        telegram.send(SECRETS, say())


def test_telegram_says_how_long_to_wait(outside):
    outside.next_sends.append(Refusal(429, "Too Many Requests: retry after 37", {"retry_after": 37}))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with stopped_at(moment), pytest.raises(ChannelError) as raised:
        telegram.send(SECRETS, say())
    assert not raised.value.permanent
    assert raised.value.retry_at == moment + timedelta(seconds=37)


@pytest.mark.parametrize(
    "behaviour", [CUT, DROPPED, Raw(504, b"<html>Gateway Timeout</html>"), Raw(200, b"{"), Raw(200, b"")]
)
def test_after_a_line_that_broke_nobody_claims_to_know(outside, behaviour):
    outside.next_sends.append(behaviour)
    with pytest.raises(CutOff) as raised:
        telegram.send(SECRETS, say())
    assert not isinstance(raised.value, ChannelError)


def test_after_a_silence_nobody_claims_to_know(outside, monkeypatch):
    outside.delay_seconds = 2
    monkeypatch.setattr(telegram.outbound, "SECONDS", 0.3)
    monkeypatch.setattr(
        telegram.outbound.call, "__kwdefaults__", telegram.outbound.call.__kwdefaults__ | {"seconds": 0.3}
    )
    with pytest.raises(CutOff):
        telegram.send(SECRETS, say())


def test_where_nobody_listens_nothing_was_sent(outside, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TELEGRAM_API_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        forget_settings()
        with pytest.raises(Unreachable) as raised:
            telegram.send(SECRETS, say())
    assert not raised.value.permanent


def test_a_refusal_halfway_tells_how_far_it_came_and_the_next_try_goes_on_from_there(outside, tmp_path):
    message = say("x" * 9000, files=(file(tmp_path, "a.pdf", "application/pdf"),))
    outside.next_sends.extend(["ok", "ok", Refusal(429, "Too Many Requests", {"retry_after": 1})])
    with pytest.raises(ChannelError) as raised:
        telegram.send(SECRETS, message)
    assert raised.value.progress == ("5001:1001", "5001:1002")
    again = Outbound(**{**message.__dict__, "arrived": raised.value.progress})
    sent = telegram.send(SECRETS, again)
    assert sent.source_ids == ("5001:1001", "5001:1002", "5001:1003", "5001:1004")
    assert [len(text) for text in outside.texts()] == [4096, 4096, 808, 0]


# -- the token


@pytest.mark.parametrize("token", ["", "abc", "123456:", "123456:a/b", "123456:a b", "../../etc", "1:a\r\nX: y"])
def test_what_is_no_token_goes_nowhere(outside, token):
    with pytest.raises(ChannelError) as raised:
        telegram.send({"bot_token": token}, say())
    assert raised.value.permanent
    assert outside.calls == []


def test_no_failure_tells_the_token_to_logs_or_exceptions(outside, monkeypatch, tmp_path):
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        for behaviour in (Refusal(401, "Unauthorized"), Refusal(500, "x"), CUT, DROPPED, Raw(200, b"{"), "ok"):
            outside.next_sends.append(behaviour)
            _try_and_log(lambda: telegram.send(SECRETS, say()))
        _try_and_log(lambda: telegram.fetch(SECRETS, "missing"))
        _try_and_log(lambda: telegram.connect(SECRETS, HOOK))
        monkeypatch.setenv("EGRESS_ALLOW_CIDRS", "")
        forget_settings()
        _try_and_log(lambda: telegram.send(SECRETS, say()))
        monkeypatch.setenv("TELEGRAM_API_URL", "http://nosuch.invalid")
        forget_settings()
        _try_and_log(lambda: telegram.send(SECRETS, say()))
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(level)
    assert len(written.getvalue()) > 1000
    assert TOKEN not in written.getvalue()
    assert TOKEN.split(":")[1] not in written.getvalue()


def _try_and_log(call) -> None:
    try:
        logging.getLogger("test").info("%r", call())
    except Exception as problem:
        logging.getLogger("test").exception("%r %s", problem, "".join(traceback.format_exception(problem)))


# -- files that came in


def test_a_file_is_fetched(outside):
    outside.files["photos/a b.jpg"] = b"\xff\xd8 a picture"
    outside.files["photos/a%20b.jpg"] = b"\xff\xd8 a picture"
    assert telegram.fetch(SECRETS, "photos/a b.jpg") == b"\xff\xd8 a picture"


def test_a_file_that_is_not_there_is_given_up(outside):
    with pytest.raises(ChannelError) as raised:
        telegram.fetch(SECRETS, "gone")
    assert raised.value.permanent


def test_a_file_larger_than_telegram_promises_is_given_up(outside, monkeypatch):
    monkeypatch.setattr(telegram, "DOWNLOAD_LIMIT_BYTES", 1000)
    outside.files["big"] = b"x" * 1001
    with pytest.raises(ChannelError) as raised:
        telegram.fetch(SECRETS, "big")
    assert raised.value.permanent


# -- the connection


def test_connecting_gives_the_bots_name_and_tells_telegram_where_and_how(outside):
    assert telegram.connect(SECRETS, HOOK) == "@acme_bot"
    assert outside.webhook["url"] == HOOK
    assert outside.webhook["secret_token"] == telegram.hook_secret(TOKEN)
    assert json.loads(outside.webhook["allowed_updates"]) == ["message", "edited_message"]
    assert telegram.check(SECRETS, HOOK) is None


def test_a_wrong_token_is_told_when_connecting(outside):
    with pytest.raises(ChannelError) as raised:
        telegram.connect({"bot_token": "999999:wrong"}, HOOK)
    assert raised.value.permanent
    assert telegram.check({"bot_token": "999999:wrong"}, HOOK)


def test_an_address_telegram_would_not_call_is_told_before_it_is_asked(outside):
    with pytest.raises(ChannelError, match="http://localhost"):
        telegram.connect(SECRETS, "http://localhost:3000/hooks/telegram/abc")
    assert outside.webhook["url"] == ""


@pytest.mark.parametrize(
    ("changes", "is_well"),
    [
        ({}, True),
        ({"url": "https://elsewhere.example.org/"}, False),
        ({"url": ""}, False),
        (
            {
                "last_error_message": "Wrong response: 403 Forbidden",
                "last_error_date": 1767225600,
                "pending_update_count": 3,
            },
            False,
        ),
        ({"last_error_message": "Connection timed out", "last_error_date": 1767225600}, False),
        ({"last_error_message": "Connection timed out", "last_error_date": 1767225600 - 3600}, True),
        ({"pending_update_count": 20}, True),
        ({"pending_update_count": 2000}, False),
    ],
)
def test_the_state_of_the_connection_is_told_in_words(outside, changes, is_well):
    telegram.connect(SECRETS, HOOK)
    outside.webhook.update(changes)
    with stopped_at(datetime.fromtimestamp(1767225660, UTC)):
        problem = telegram.check(SECRETS, HOOK)
    assert (problem is None) is is_well


def test_an_unreachable_telegram_is_a_word_and_no_crash(outside: FakeTelegram, monkeypatch):
    monkeypatch.setenv("EGRESS_ALLOW_CIDRS", "")
    forget_settings()
    assert telegram.check(SECRETS, HOOK)
