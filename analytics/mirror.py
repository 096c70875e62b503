"""The lake on S3-compatible storage: a copy of each account's folder, whole at every moment.

    <url>/<account_id>/files/<sha256>-<name>          a file of the folder, under a name that no other content ever has
    <url>/<account_id>/files/<sha256>-index.json      which build is shown, and which file stands where in the folder
    <url>/<account_id>/current                        the name of the index to go by

New files go up first, `current` after them, and what its index does not name is deleted last. So whoever reads `current` finds
all that is named: the lake as it was before or after, never a mix, wherever a process died. `current` is always as long:
a stream of pyarrow asks for the length first, and would tear what changes meanwhile. What we last put or took is kept beside the
lake: when `current` says otherwise, another machine has been at work, and its lake replaces ours. `push` is for one machine
at a time; whoever calls it sees to that.

Keys and endpoint come from the environment, by the names AWS gave them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_REGION, AWS_ENDPOINT_URL …, as https://arrow.apache.org/docs/python/filesystems.html#s3 says.
"""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pyarrow import fs

from analytics.build import forget_old
from analytics.lake import AccountLake, LakeError, dumps, replace, settle_folder

logger = logging.getLogger(__name__)

AT_ONCE = 8
SECONDS = 10
# How often whoever only reads looks for something new
LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class Index:
    """The files in the storage, by their place in the folder. build: the one shown; None before the first."""

    build: str | None
    files: dict[str, str]


@dataclass(frozen=True)
class Store:
    """One account's part of the storage. OSError when it cannot be reached or refuses us."""

    system: fs.FileSystem
    prefix: str

    def current(self) -> str:
        """The name of the index to go by; empty before there is one."""
        try:
            with self.system.open_input_stream(f"{self.prefix}/current") as told:
                return bytes(told.read()).decode()
        except FileNotFoundError:
            return ""

    def show(self, index: str) -> None:
        with self.system.open_output_stream(f"{self.prefix}/current") as out:
            out.write(index.encode())

    def objects(self) -> set[str]:
        """The names of all files there are, wanted or not."""
        found = self.system.get_file_info(fs.FileSelector(f"{self.prefix}/files", allow_not_found=True))
        return {info.base_name for info in found if info.type == fs.FileType.File}

    def put(self, name: str, path: Path) -> None:
        with path.open("rb") as content, self.system.open_output_stream(f"{self.prefix}/files/{name}") as out:
            shutil.copyfileobj(content, out, 8 << 20)

    def take(self, name: str, path: Path) -> None:
        """LakeError unless what came is what its name promises."""
        with self.system.open_input_stream(f"{self.prefix}/files/{name}") as content, path.open("wb") as out:
            shutil.copyfileobj(content, out, 8 << 20)
        if name_of(path) != name:
            raise LakeError(f"{name} came damaged from the storage")

    def delete(self, name: str) -> None:
        self.system.delete_file(f"{self.prefix}/files/{name}")


def store(url: str, account_id: int) -> Store:
    """Where the account's files are at `url`: s3://bucket, or s3://bucket/and/further."""
    return Store(_system(), f"{url.removeprefix('s3://').strip('/')}/{int(account_id)}")


def endpoint() -> str:
    """The address of the storage, when it is not Amazon's own."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


@cache
def _system() -> fs.FileSystem:
    scheme, _, host = endpoint().rpartition("://")
    return fs.S3FileSystem(
        scheme=scheme or "https",
        endpoint_override=host.rstrip("/") or None,
        connect_timeout=SECONDS,
        request_timeout=6 * SECONDS,
        allow_delayed_open=True,  # small files go up in one request
    )


def push(home: AccountLake, storage: Store) -> None:
    """Let the storage hold what this folder holds, and no more. OSError when it cannot be reached: then try again."""
    with home.writing():
        ours = _files(home)
        names = {place: name_of(path) for place, path in ours.items()}
        index = home.path / "index.json"
        replace(index, dumps(Index(_build(home), names)))
        wanted = {name: ours[place] for place, name in names.items()} | {name_of(index): index}
        there = storage.objects()
        _at_once(lambda name: storage.put(name, wanted[name]), wanted.keys() - there)
        if storage.current() != name_of(index):
            storage.show(name_of(index))
        _at_once(storage.delete, there - wanted.keys())
        replace(_mark(home), name_of(index).encode())


def pull(home: AccountLake, storage: Store, *, waits: bool = True) -> bool:
    """Whether another machine has changed the storage since we last put or took it; then this folder is what it holds now.

    BlockingIOError instead of waiting for another writer, unless it waits.
    """
    index = storage.current()
    if index in {"", _marked(home)}:
        return False
    with home.writing(waits=waits):
        for _attempt in range(5):
            try:
                _take(home, storage, index)
                return True
            except FileNotFoundError:
                # deleted while we read: then there is a newer one
                index = storage.current()
        raise LakeError(f"{storage.prefix}: files are missing that {index} names")


def follow(home: AccountLake, storage: Store) -> None:
    """`pull`, for whoever only reads: now and then, and never in the way of a writer. What is here stays when it fails."""
    home.path.mkdir(parents=True, exist_ok=True)
    mark = _mark(home)
    if mark.exists() and time.time() - mark.stat().st_mtime < LOOK_SECONDS:
        return
    try:
        pull(home, storage, waits=False)
        mark.touch()
    except BlockingIOError:
        pass  # somebody here is at it
    except (OSError, LakeError) as problem:
        logger.warning("the lake's storage cannot be read: %s", problem)


def _take(home: AccountLake, storage: Store, index: str) -> None:
    """Everything is brought beside the folder first; it changes by a few renames, from what was there to what is told."""
    draft = home.path / ".pulled"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    storage.take(index, draft / "index.json")
    wanted = Index(**json.loads((draft / "index.json").read_bytes()))
    before = _files(home)
    here = {name_of(path): path for path in before.values()}

    def bring(place: str) -> None:
        path, name = draft / place, wanted.files[place]
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in here:
            path.hardlink_to(here[name])
        else:
            storage.take(name, path)

    _at_once(bring, wanted.files)
    if any(
        name_of(before[place]) != name for place, name in wanted.files.items() if place in before and _is_part(place)
    ):
        # somebody was erased from it: what was made of it knows him still
        shutil.rmtree(home.past, ignore_errors=True)
    if wanted.build and not (home.marts / wanted.build).exists():
        settle_folder(draft / "marts" / wanted.build, home.marts / wanted.build)
    for name in ("events", "tables"):
        # a crash between the two leaves no events at all; they are brought anew then, and never half of them
        shutil.rmtree(home.path / f".{name}", ignore_errors=True)
        (home.path / name).rename(home.path / f".{name}")
        (draft / name).mkdir(parents=True, exist_ok=True)
        settle_folder(draft / name, home.path / name)
        shutil.rmtree(home.path / f".{name}")
    if (draft / "problems.json").exists():
        (draft / "problems.json").rename(home.path / "problems.json")
    else:
        (home.path / "problems.json").unlink(missing_ok=True)
    if wanted.build:
        replace(home.path / "current", wanted.build.encode())
    shutil.rmtree(draft)
    forget_old(home)
    replace(_mark(home), index.encode())


def _files(home: AccountLake) -> dict[str, Path]:
    """What of the folder is copied, by its place there: the log, the small tables, the build that is shown."""
    marks = [file for file in home.events.iterdir() if file.suffix == "" and not file.name.startswith(".")]
    current = home.current()
    found = [part.path for part in home.parts()] + marks + sorted(home.tables.glob("[!.]*.parquet"))
    found += sorted(current.iterdir()) if current else []
    found += [file for file in [home.path / "problems.json"] if file.exists()]
    return {str(file.relative_to(home.path)): file for file in found}


def _is_part(place: str) -> bool:
    return place.startswith("events/part-")


def _build(home: AccountLake) -> str | None:
    current = home.current()
    return current.name if current else None


def _mark(home: AccountLake) -> Path:
    return home.path / "mirrored"


def _marked(home: AccountLake) -> str | None:
    return _mark(home).read_text() if _mark(home).exists() else None


@dataclass(frozen=True)
class _Content:
    """A file as the disk knows it: the same content has one of these under all its names, and no other content has it."""

    path: Path = field(compare=False)
    device: int
    inode: int
    size: int
    changed_ns: int


def name_of(path: Path) -> str:
    """Under which name this file is, or would be, in the storage."""
    known = path.stat()
    digest = _digest(_Content(path, known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns))
    return f"{digest}-{path.name}"


@lru_cache(maxsize=4096)
def _digest(content: _Content) -> str:
    with content.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _at_once(work: Callable[[str], Any], names: Iterable[str]) -> None:
    """Several at a time; the first problem of any is ours."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(work, names))
