"""Telegram: a bot's private chats. https://core.telegram.org/bots/api

The secret that Telegram repeats to us with every update is derived from the bot's token, so there is none to lose.
Text goes out as it is: no markup of ours can be refused there, or mean something else.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app import outbound
from app.channels.base import Envelope, Inbound, InboundFile, InboundKind, Outbound, OutboundFile, Secrets, Sent
from app.clock import now
from app.config import settings
from app.errors import ChannelError, Problem
from app.i18n import _, ngettext
from app.security import hmac_sha256, is_equal

secret_names: tuple[str, ...] = ("bot_token",)

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105
TEXT_LIMIT = 4096
PHOTO_LIMIT_BYTES = 10_000_000
UPLOAD_LIMIT_BYTES = 50_000_000
DOWNLOAD_LIMIT_BYTES = 20_000_000
# An upload has ten seconds, and as long as its bytes take over a thin line.
UPLOAD_BYTES_PER_SECOND = 250_000
MANY_WAITING = 100
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")


# -- in


def envelope(raw: bytes) -> Envelope:
    """Filed by the update's number, in the lane of the chat.

    The bytes count too: after a silent week Telegram begins with a random number, which we may have had.
    """
    digest = hashlib.sha256(raw).hexdigest()
    try:
        update = json.loads(raw)
        number = int(update["update_id"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return Envelope(digest, f"unreadable:{digest[:16]}")
    return Envelope(f"{number}:{digest[:16]}", _chat_id(update) or f"update:{number}")


def is_authentic(secrets: Secrets, headers: Mapping[str, str], raw: bytes) -> bool:
    """Whether the secret we gave to setWebhook came along."""
    token = secrets.get("bot_token")
    given = next((value for name, value in headers.items() if name.lower() == SECRET_HEADER), "")
    return bool(token) and is_equal(given, hook_secret(token or ""))


def hook_secret(token: str) -> str:
    """What Telegram is to say with each update of this bot."""
    return hmac_sha256(token, "kulpunai.hook")


def parse(raw: bytes) -> list[Inbound]:
    """The message in the update: none or one. Groups, channels and service messages give none."""
    update = _Update.model_validate_json(raw)
    if update.message is not None:
        return _inbound(update.message, InboundKind.MESSAGE)
    # Whoever shares his way there edits his place every few seconds
    if update.edited_message is not None and update.edited_message.location is None:
        return _inbound(update.edited_message, InboundKind.EDIT)
    return []


def _chat_id(update: Mapping[str, Any]) -> str | None:
    for name in ("message", "edited_message"):
        try:
            return str(int(update[name]["chat"]["id"]))
        except (ValueError, TypeError, KeyError, OverflowError):
            continue
    return None


def _inbound(message: "_Message", kind: InboundKind) -> list[Inbound]:
    sender = message.sender
    if message.chat.type != "private" or sender is None or sender.is_bot:
        return []
    files, text = tuple(_files(message)), _text(message)
    if not files and not text:
        if (message.model_extra or {}).keys() & _SERVICE:
            return []
        text = _("Something that can only be seen in Telegram.")
    reply = message.reply_to_message
    return [
        Inbound(
            source_id=f"{message.chat.id}:{message.message_id}",
            sender_id=str(message.chat.id),
            text=text,
            kind=kind,
            sender_name=f"{sender.first_name} {sender.last_name}".strip() or sender.username,
            sent_at=datetime.fromtimestamp(message.edit_date or message.date, UTC),
            in_reply_to=f"{message.chat.id}:{reply.message_id}" if reply else None,
            files=files,
            sender_attributes={
                name: value
                for name, value in (("username", sender.username), ("language_code", sender.language_code))
                if value
            },
        )
    ]


def _text(message: "_Message") -> str:
    if message.poll is not None:
        return "\n".join([message.poll.question, *(f"– {option.text}" for option in message.poll.options)])
    if message.dice is not None:
        return f"{message.dice.emoji} {message.dice.value}"
    return message.text or message.caption


def _files(message: "_Message") -> Iterator[InboundFile]:
    if message.photo:
        yield _file(max(message.photo, key=lambda size: size.width * size.height), "image", "image/jpeg", "photo.jpg")
    elif message.animation is not None:
        # also given as a document, for old programs
        yield _file(message.animation, "video", "video/mp4", "animation.mp4")
    elif message.document is not None:
        yield _file(message.document, "", "application/octet-stream", "document")
    elif message.video is not None:
        yield _file(message.video, "video", "video/mp4", "video.mp4")
    elif message.video_note is not None:
        yield _file(message.video_note, "video", "video/mp4", "video.mp4")
    elif message.voice is not None:
        yield _file(message.voice, "audio", "audio/ogg", "voice.ogg")
    elif message.audio is not None:
        yield _file(message.audio, "audio", "audio/mpeg", "audio.mp3")
    elif message.sticker is not None:
        yield _sticker(message.sticker)
    elif message.location is not None:
        place = message.venue.model_dump(include={"title", "address"}) if message.venue is not None else {}
        data = {"latitude": message.location.latitude, "longitude": message.location.longitude, **place}
        yield InboundFile("location", data=data)
    elif message.contact is not None:
        yield InboundFile("contact", data=message.contact.model_dump(exclude_defaults=True))


def _file(found: "_File", file_type: str, content_type: str, name: str) -> InboundFile:
    content_type = found.mime_type or content_type
    kind = content_type.partition("/")[0]
    return InboundFile(
        file_type=file_type or (kind if kind in {"image", "audio", "video"} else "file"),
        file_name=found.file_name or name,
        content_type=content_type,
        size_bytes=found.file_size,
        provider_ref=found.file_id,
    )


def _sticker(sticker: "_File") -> InboundFile:
    if sticker.is_video:
        return _file(sticker, "video", "video/webm", "sticker.webm")
    if sticker.is_animated:
        return _file(sticker, "file", "application/x-tgsticker", "sticker.tgs")
    return _file(sticker, "image", "image/webp", "sticker.webp")


def _without_nul(text: str) -> str:
    return text.replace("\x00", "")


Words = Annotated[str, AfterValidator(_without_nul)]


class _Shape(BaseModel):
    """What of Telegram's objects we look at. Anything of another shape is a ValueError."""

    model_config = ConfigDict(extra="allow", frozen=True)


class _Chat(_Shape):
    id: int
    type: str


class _Person(_Shape):
    is_bot: bool = False
    first_name: Words = ""
    last_name: Words = ""
    username: Words = ""
    language_code: Words = ""


class _File(_Shape):
    file_id: Words
    file_size: int = 0
    file_name: Words = ""
    mime_type: Words = ""
    width: int = 0
    height: int = 0
    is_animated: bool = False
    is_video: bool = False


class _Location(_Shape):
    latitude: float
    longitude: float


class _Venue(_Shape):
    title: Words
    address: Words


class _Card(BaseModel):
    phone_number: Words
    first_name: Words = ""
    last_name: Words = ""
    vcard: Words = ""


class _Option(_Shape):
    text: Words


class _Poll(_Shape):
    question: Words
    options: list[_Option]


class _Dice(_Shape):
    emoji: Words
    value: int


class _Reply(_Shape):
    message_id: int


class _Message(_Shape):
    message_id: int
    date: int
    edit_date: int | None = None
    chat: _Chat
    sender: _Person | None = Field(None, alias="from")
    text: Words = ""
    caption: Words = ""
    photo: list[_File] = []
    animation: _File | None = None
    document: _File | None = None
    video: _File | None = None
    video_note: _File | None = None
    voice: _File | None = None
    audio: _File | None = None
    sticker: _File | None = None
    location: _Location | None = None
    venue: _Venue | None = None
    contact: _Card | None = None
    poll: _Poll | None = None
    dice: _Dice | None = None
    reply_to_message: _Reply | None = None


class _Update(_Shape):
    update_id: int
    message: _Message | None = None
    edited_message: _Message | None = None


# What a private chat says about itself: nobody wrote it.
_SERVICE = frozenset(
    {
        "pinned_message", "message_auto_delete_timer_changed", "chat_background_set", "write_access_allowed",
        "connected_website", "proximity_alert_triggered", "users_shared", "chat_shared",
    }
)  # fmt: skip


# -- out


@dataclass(frozen=True)
class _Part:
    """One call: a piece of the text, or a file in `field_name`."""

    method: str
    fields: Mapping[str, str] = field(default_factory=dict)
    file: OutboundFile | None = None
    field_name: str = ""


def send(secrets: Secrets, message: Outbound) -> Sent:
    """Send the text, in pieces of 4096, then the files one by one. ChannelError carries how far it came."""
    parts, arrived = _parts(message), list(message.arrived)
    if not parts:
        raise ChannelError(_("There is nothing in this message to send."), permanent=True)
    try:
        for part in parts[len(arrived) :]:
            arrived.append(_send_part(secrets, message.recipient_id, part))
    except ChannelError as refusal:
        refusal.progress = tuple(arrived)
        raise
    return Sent(tuple(arrived))


def pieces(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """The text in pieces of at most `limit` UTF-16 units (Telegram's measure), cut at line ends or spaces where it can be."""
    found, left = [], text.strip()
    while left:
        head = left.encode("utf-16-le", "replace")[: limit * 2].decode("utf-16-le", "ignore")
        if len(head) < len(left):
            cuts = (head.rfind(space, len(head) // 2) for space in "\n ")
            head = head[: next((cut for cut in cuts if cut > 0), len(head))]
        found.append(head.strip())
        left = left[len(head) :].strip()
    return found


def _parts(message: Outbound) -> list[_Part]:
    parts = [_Part("sendMessage", {"text": piece}) for piece in pieces(message.text)]
    parts += [_file_part(file) for file in message.files]
    if message.in_reply_to and parts:
        number = message.in_reply_to.rpartition(":")[2]
        reply = json.dumps({"message_id": int(number), "allow_sending_without_reply": True}) if number.isdigit() else ""
        parts[0] = replace(parts[0], fields={**parts[0].fields, **({"reply_parameters": reply} if reply else {})})
    return parts


def _file_part(file: OutboundFile) -> _Part:
    """How Telegram shows it as what it is; anything else goes as a document."""
    small = file.path.stat().st_size <= PHOTO_LIMIT_BYTES
    if file.content_type in {"image/jpeg", "image/png", "image/webp"} and small:
        return _Part("sendPhoto", file=file, field_name="photo")
    if file.content_type == "video/mp4":
        return _Part("sendVideo", file=file, field_name="video")
    if file.content_type in {"audio/mpeg", "audio/mp4", "audio/x-m4a"}:
        return _Part("sendAudio", file=file, field_name="audio")
    if file.content_type == "audio/ogg":
        return _Part("sendVoice", file=file, field_name="voice")
    return _Part("sendDocument", file=file, field_name="document")


def _send_part(secrets: Secrets, recipient_id: str, part: _Part) -> str:
    """The id of what arrived."""
    try:
        result = _call(secrets, part.method, {"chat_id": recipient_id, **part.fields}, part)
    except ChannelError as refusal:
        # an image of odd proportions cannot be a photo there
        if part.method == "sendPhoto" and re.search("PHOTO_|IMAGE_", refusal.reason):
            return _send_part(secrets, recipient_id, replace(part, method="sendDocument", field_name="document"))
        raise
    if not isinstance(result, dict) or "message_id" not in result:
        raise outbound.CutOff(_("Telegram's answer does not say whether the message arrived."))
    return f"{recipient_id}:{result['message_id']}"


def fetch(secrets: Secrets, provider_ref: str) -> bytes:
    """The bytes of a file. Bots get up to 20 MB: https://core.telegram.org/bots/api#getfile"""
    result = _call(secrets, "getFile", {"file_id": provider_ref})
    path = quote(str(result.get("file_path", "")) if isinstance(result, dict) else "")
    url = f"{settings().telegram_api_url}/file/bot{_token(secrets)}/{path}"
    answer = outbound.call("GET", url, seconds=60, limit_bytes=DOWNLOAD_LIMIT_BYTES)
    if answer.is_cut:
        raise ChannelError(_("The file is larger than Telegram gives to bots."), permanent=True)
    if answer.status != 200:
        permanent = 400 <= answer.status < 500 and answer.status != 429
        raise ChannelError(_("Telegram does not give us the file."), permanent=permanent)
    return answer.body


# -- the connection


def connect(secrets: Secrets, hook_url: str) -> str:
    """Let Telegram call `hook_url`; "@name" of the bot. Of several chats at once, but of one chat in order."""
    me = _call(secrets, "getMe")
    if not hook_url.startswith("https://"):
        reason = _("Telegram calls only addresses with https://. BASE_URL sets ours: %(url)s", url=hook_url)
        raise ChannelError(reason, permanent=True)
    fields = {
        "url": hook_url,
        "secret_token": hook_secret(_token(secrets)),
        "allowed_updates": json.dumps(["message", "edited_message"]),
    }
    _call(secrets, "setWebhook", fields)
    return f"@{me['username']}"


def check(secrets: Secrets, hook_url: str) -> str | None:
    """What Telegram says of delivering to us. https://core.telegram.org/bots/api#getwebhookinfo"""
    try:
        info = _call(secrets, "getWebhookInfo")
    except Problem as problem:
        return problem.reason
    waiting = int(info.get("pending_update_count", 0))
    failed_at = datetime.fromtimestamp(info.get("last_error_date", 0), UTC)
    if info.get("url") != hook_url:
        return _("Telegram delivers this bot's messages to another address. Connect it again.")
    # the last error stays there after it has passed
    if info.get("last_error_message") and (waiting or now() - failed_at < timedelta(minutes=10)):
        return _("Telegram could not deliver to us: %(reason)s", reason=info["last_error_message"])
    if waiting > MANY_WAITING:
        return ngettext("%(n)s message waits at Telegram.", "%(n)s messages wait at Telegram.", waiting)
    return None


# -- one call


def _call(secrets: Secrets, method: str, fields: Mapping[str, str] | None = None, part: _Part | None = None) -> Any:
    """The `result` of a method. ChannelError when Telegram refuses."""
    url = f"{settings().telegram_api_url}/bot{_token(secrets)}/{method}"
    if part is None or part.file is None:
        return _result(outbound.call("POST", url, data=fields, seconds=outbound.SECONDS))
    size = part.file.path.stat().st_size
    if size > UPLOAD_LIMIT_BYTES:
        raise ChannelError(_("Telegram takes files of up to 50 MB."), permanent=True)
    with part.file.path.open("rb") as opened:
        files = {part.field_name: (part.file.file_name, opened, part.file.content_type)}
        seconds = outbound.SECONDS + size / UPLOAD_BYTES_PER_SECOND
        return _result(outbound.call("POST", url, data=fields, files=files, seconds=seconds))


def _token(secrets: Secrets) -> str:
    token = secrets.get("bot_token", "")
    if not _TOKEN.fullmatch(token):
        reason = _("A bot's token looks like 123456:ABC-DEF. BotFather shows it.")
        raise ChannelError(reason, permanent=True)
    return token


def _result(answer: outbound.Answer) -> Any:
    try:
        reply = json.loads(answer.body)
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict) or not isinstance(reply.get("ok"), bool):
        reply = {"ok": False, "description": f"HTTP {answer.status}"}
        # a gateway that got no answer, or a half one, does not know whether the message went through
        if answer.status < 300 or answer.status == 504:
            raise outbound.CutOff(_("Telegram's answer does not say whether the message arrived."))
    if reply["ok"]:
        return reply.get("result")
    raise _refusal(answer.status, str(reply.get("description", "")), reply.get("parameters") or {})


def _refusal(status: int, description: str, parameters: Mapping[str, Any]) -> ChannelError:
    if status in {401, 404}:
        reason = _("Telegram does not know this bot's token. An administrator can enter a new one in the inbox.")
        return ChannelError(reason, permanent=True)
    if status == 403:
        reason = _("Telegram does not let us write to this person: %(reason)s", reason=description)
        return ChannelError(reason, permanent=True)
    if status == 429:
        wait = timedelta(seconds=int(parameters.get("retry_after", 0)))
        return ChannelError(_("Telegram asks us to wait."), permanent=False, retry_at=now() + wait if wait else None)
    if status >= 500:
        reason = _("Telegram has a fault: %(reason)s", reason=description)
        return ChannelError(reason, permanent=False)
    return ChannelError(_("Telegram refused the message: %(reason)s", reason=description), permanent=True)
