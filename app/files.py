"""Attachments on disk: written whole and flushed before anybody hears of them; never under a name somebody chose.

put() → a row → commit. What has bytes but no row after a day is swept away.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import filetype
from PIL import Image, UnidentifiedImageError

from app.config import settings
from app.errors import Invalid
from app.i18n import _, ngettext

# What a browser may show in place. Everything else, SVG and HTML above all, is handed over as a download.
INLINE = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "video/mp4",
        "video/webm",
    }
)
Image.MAX_IMAGE_PIXELS = 40_000_000


@dataclass(frozen=True)
class Stored:
    """Bytes on disk. `path` is relative to the files folder; width and height in pixels for images."""

    path: str
    key: str
    size_bytes: int
    content_type: str
    file_type: str
    width: int | None = None
    height: int | None = None


def put(account_id: int, stream: IO[bytes], file_name: str = "") -> Stored:
    """Keep what `stream` holds. Invalid when it is empty or larger than the limit; the type is judged by content."""
    limit = settings().upload_limit_mb * 1024 * 1024
    key = secrets.token_urlsafe(16)
    relative = f"{account_id}/{hashlib.sha256(key.encode()).hexdigest()[:2]}/{key}"
    path = _folder() / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    try:
        size = _write(draft, _chunks(stream), limit)
        content_type = _content_type(draft)
        width, height = _pixels(draft, content_type)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return Stored(relative, key, size, content_type, _file_type(content_type), width, height)


def put_bytes(account_id: int, data: bytes, file_name: str = "") -> Stored:
    """Keep `data`."""
    return put(account_id, BytesIO(data), file_name)


def location(path: str) -> Path:
    """Where the bytes of a stored file are."""
    return _folder() / path


def remove(path: str) -> None:
    """Take the bytes away."""
    location(path).unlink(missing_ok=True)


def _folder() -> Path:
    return settings().home / "files"


def _chunks(stream: IO[bytes]) -> Iterable[bytes]:
    while chunk := stream.read(1024 * 256):
        yield chunk


def _write(draft: Path, chunks: Iterable[bytes], limit: int) -> int:
    size = 0
    with draft.open("wb") as out:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                megabytes = limit // 1024 // 1024
                raise Invalid(
                    "attachments",
                    ngettext("A file may have %(n)s MB at most.", "A file may have %(n)s MB at most.", megabytes),
                )
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if size == 0:
        raise Invalid("attachments", _("This file is empty."))
    return size


def _content_type(path: Path) -> str:
    guess: str | None = filetype.guess_mime(str(path))  # type: ignore[no-untyped-call]
    if guess:
        return guess
    with path.open("rb") as opened:
        head = opened.read(4096)
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as problem:
        # a character cut in two at the end of what we read is still text
        return "text/plain" if problem.start > len(head) - 4 and len(head) == 4096 else "application/octet-stream"
    return "application/octet-stream" if b"\x00" in head else "text/plain"


def _pixels(path: Path, content_type: str) -> tuple[int | None, int | None]:
    if not content_type.startswith("image/"):
        return None, None
    try:
        with Image.open(path) as image:
            return image.width, image.height
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError):
        return None, None


def _file_type(content_type: str) -> str:
    kind = content_type.partition("/")[0]
    return kind if kind in {"image", "audio", "video"} and content_type in INLINE else "file"
