"""The lake: one folder per account, and what makes its files safe to read while they are written.

    <lake>/<account_id>/
        events/part-<first>-<last>.parquet   the log, append-only; which seqs a file holds stands in its name
        events/columns                       which columns the parts have; others are brought anew
        tables/<name>.parquet                small tables as they are now
        marts/<build>/<mart>.parquet, rollup….parquet (see `rollups`), manifest.json
        current                              the name of the build to read
        problems.json                        why the newest build is not the current one; absent when it is
        index.json, mirrored                 what was put last into the storage, and put or taken, where there is one: `mirror`

A file appears under its name only when it is whole and on the disk. So the cursor needs no file of its own: it is the end
of the last part.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

_PART = re.compile(r"part-(\d{12})-(\d{12})\.parquet")


class LakeError(Exception):
    """The lake is not as we left it: a part is missing or overlaps another. Delete the account's folder to start anew."""


@dataclass(frozen=True)
class Part:
    """Events `first` to `last`, both included."""

    path: Path
    first: int
    last: int

    @property
    def events(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Manifest:
    """What a build knows of itself. `seq` and `recorded_us` are the newest event in it; `rows` counts each mart.

    as_of_us: it tells what the log knew at this instant, and takes that for now; null when it tells what is known today.
    base_seq: up to which event its marts were derived in one; what came later stands beside them (see `mart`).
    """

    build: str
    seq: int
    recorded_us: int
    built_us: int
    version: str
    rows: dict[str, int]
    as_of_us: int | None = None
    base_seq: int | None = None


@dataclass(frozen=True)
class Problems:
    """Why the build up to `seq` was not shown, in sentences."""

    seq: int
    built_us: int
    version: str
    failures: list[str]


@dataclass(frozen=True)
class AccountLake:
    """The folder of one account, and of no other."""

    path: Path

    @property
    def events(self) -> Path:
        return self.path / "events"

    @property
    def tables(self) -> Path:
        return self.path / "tables"

    @property
    def marts(self) -> Path:
        return self.path / "marts"

    @property
    def past(self) -> Path:
        return self.path / "past"

    @property
    def spill(self) -> Path:
        return self.path / "spill"

    def part(self, first: int, last: int) -> Path:
        """Where events `first` to `last` stand, or will."""
        return self.events / f"part-{first:012d}-{last:012d}.parquet"

    def parts(self) -> list[Part]:
        """The parts that make up the log, in order. LakeError when one is missing."""
        live: list[Part] = []
        for part in self._files():
            if part.last <= _end(live):
                continue  # a compaction has put it into a larger one and was stopped before it could delete it
            if part.first != _end(live) + 1:
                raise LakeError(f"{part.path.name} should begin at event {_end(live) + 1}")
            live.append(part)
        return live

    def superseded(self) -> list[Path]:
        """Parts whose events stand in a larger part too."""
        live = {part.path for part in self.parts()}
        return [part.path for part in self._files() if part.path not in live]

    def last_seq(self) -> int:
        """The cursor: the newest event in the lake, 0 when it is empty."""
        return _end(self.parts())

    def current(self) -> Path | None:
        """The folder of the build to read, or None before the first."""
        pointer = self.path / "current"
        return self.marts / pointer.read_text() if pointer.exists() else None

    def problems(self) -> Problems | None:
        """Why the newest build is not shown, or None when it is."""
        file = self.path / "problems.json"
        return Problems(**json.loads(file.read_text())) if file.exists() else None

    def publish(self, manifest: Manifest) -> None:
        """From now on everybody reads this build."""
        replace(self.path / "current", manifest.build.encode())
        (self.path / "problems.json").unlink(missing_ok=True)

    def refuse(self, problems: Problems) -> None:
        """Keep the last good build, and say why."""
        replace(self.path / "problems.json", json.dumps(asdict(problems), ensure_ascii=False).encode())

    @contextmanager
    def writing(self, *, waits: bool = True) -> Iterator[None]:
        """One writer at a time; others wait, or get a BlockingIOError. The lock ends with its process."""
        for folder in (self.events, self.tables, self.marts):
            folder.mkdir(parents=True, exist_ok=True)
        with open(self.path / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def _files(self) -> list[Part]:
        """Every part on the disk, the larger of two that begin alike first."""
        found = [(file, _PART.fullmatch(file.name)) for file in self.events.glob("part-*.parquet")]
        parts = [Part(file, int(match[1]), int(match[2])) for file, match in found if match]
        return sorted(parts, key=lambda part: (part.first, -part.last))


def account(lake: Path, account_id: int) -> AccountLake:
    """The folder of `account_id`; it need not exist yet."""
    return AccountLake(lake / str(int(account_id)))


def manifest(marts: Path) -> Manifest:
    """What the build or export in this folder knows of itself."""
    told = json.loads((marts / "manifest.json").read_text())
    # an export says more in it than a build
    return Manifest(**{field.name: told[field.name] for field in fields(Manifest) if field.name in told})


def mart(marts: Path, name: str) -> str:
    """SQL for the rows of a mart in this folder.

    Beside `<mart>.parquet` may stand `<mart>.new.parquet`: all there is to say of the conversations in `touched.parquet`, of
    which the first says what was true before.
    """
    whole, newer, touched = (marts / file for file in (f"{name}.parquet", f"{name}.new.parquet", "touched.parquet"))
    if not newer.exists():
        return parquet(whole)
    return f"""select old.* from ({parquet(whole)}) as old
            anti join ({parquet(touched)}) as touched on old.conversation_id = touched.conversation_id
        union all by name {parquet(newer)}"""  # noqa: S608


def parquet(*paths: Path) -> str:
    """SQL for all rows of these files."""
    return f"select * from read_parquet([{', '.join(map(_quoted, paths))}])"  # noqa: S608


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def replace(path: Path, content: bytes) -> None:
    """Give `path` this content: whole or not at all, also when the power fails."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    settle(draft, path)


def settle(draft: Path, path: Path) -> None:
    """Let `path` be what `draft` is, once its bytes are on the disk."""
    _sync(draft)
    draft.rename(path)
    _sync(path.parent)


def settle_folder(draft: Path, path: Path) -> None:
    """The same for a folder and everything in it."""
    for file in draft.rglob("*"):
        _sync(file)
    settle(draft, path)


def dumps(value: Any) -> bytes:
    """A dataclass as JSON for people and programs."""
    return json.dumps(asdict(value), ensure_ascii=False, indent=1).encode()


def _end(parts: list[Part]) -> int:
    return parts[-1].last if parts else 0


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
