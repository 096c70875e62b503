"""The words every channel speaks with the house."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


class InboundKind(StrEnum):
    MESSAGE = "message"
    EDIT = "edit"


@dataclass(frozen=True)
class InboundFile:
    """Something sent along. `provider_ref` fetches the bytes later; places and visiting cards are whole in `data`."""

    file_type: str
    file_name: str = ""
    content_type: str = "application/octet-stream"
    size_bytes: int = 0
    provider_ref: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Inbound:
    """One message as it came in. `sender_id` is who sent it there, `source_id` the message's own id there."""

    source_id: str
    sender_id: str
    text: str = ""
    kind: InboundKind = InboundKind.MESSAGE
    sender_name: str = ""
    sent_at: datetime | None = None
    in_reply_to: str | None = None
    files: tuple[InboundFile, ...] = ()
    sender_attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OutboundFile:
    """A file to send along; its bytes are at `path`."""

    path: Path
    file_name: str
    content_type: str
    file_type: str


@dataclass(frozen=True)
class Outbound:
    """One message to send to `recipient_id`. `send_token` is the same each time we try: give it to providers that know it.

    arrived: what an earlier try got through (`ChannelError.progress`); these first parts are not sent again.
    """

    recipient_id: str
    text: str
    send_token: str
    in_reply_to: str | None = None
    files: tuple[OutboundFile, ...] = ()
    arrived: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sent:
    """The provider's ids of what arrived; the first stands for the message."""

    source_ids: tuple[str, ...]


@dataclass(frozen=True)
class Envelope:
    """What must be known before anything is parsed: the key a repetition has too, and whose lane it is."""

    provider_key: str
    lane: str


Secrets = Mapping[str, str]


class ChannelAdapter(Protocol):
    """A provider. `secrets` are the inbox's own. ChannelError says whether a refusal is permanent."""

    secret_names: tuple[str, ...]

    def envelope(self, raw: bytes) -> Envelope:
        """How to file the bytes. Never fails: what cannot be read is filed under its own hash."""
        ...

    def is_authentic(self, secrets: Secrets, headers: Mapping[str, str], raw: bytes) -> bool:
        """Whether the provider sent this. False also when the inbox has no secret yet."""
        ...

    def parse(self, raw: bytes) -> list[Inbound]:
        """The messages in it. ValueError when it is not what the provider documents."""
        ...

    def send(self, secrets: Secrets, message: Outbound) -> Sent:
        """Send it. ChannelError when it certainly did not arrive; anything else means that it may have."""
        ...

    def fetch(self, secrets: Secrets, provider_ref: str) -> bytes:
        """The bytes of a file somebody sent."""
        ...

    def connect(self, secrets: Secrets, hook_url: str) -> str:
        """Make the provider call `hook_url`; the account's name there. ChannelError with a sentence for the administrator."""
        ...

    def check(self, secrets: Secrets, hook_url: str) -> str | None:
        """What is wrong with the connection, in words; None when all is well."""
        ...
