"""Addresses of attachments: signed, so that whoever is shown one may fetch the file, for an hour."""

from datetime import timedelta
from urllib.parse import quote

from app.clock import now
from app.config import settings
from app.conversations.models import Attachment
from app.security import signed, verified

LIFETIME = timedelta(hours=1)
_PURPOSE = "file"


def file_url(attachment: Attachment, *, lifetime: timedelta = LIFETIME) -> str:
    """Where the file can be fetched for `lifetime`, an hour at most; "" while the provider still has it."""
    if attachment.path is None:
        return ""
    until = int((now() + lifetime).timestamp())
    signature = signed(_PURPOSE, [attachment.key, until])
    name = quote(attachment.file_name or "file", safe="")
    return f"{settings().public_url}/files/{attachment.key}/{name}?s={signature}"


def is_valid(key: str, signature: str) -> bool:
    """Whether `signature` is ours, for this file, and not too old."""
    value = verified(_PURPOSE, signature, int(LIFETIME.total_seconds()))
    return isinstance(value, list) and value[0] == key and value[1] >= now().timestamp()
