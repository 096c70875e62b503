"""What a worker of lanes has in hand, noted on the disk: when its process dies of it, the next one counts that as a try.

One small file a thread, locked while the thread lives; the kernel lets go of the lock however the process ends. Of workers
on other machines each looks after its own.
"""

import contextlib
import faulthandler
import fcntl
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from app.config import settings

# A message that keeps a worker longer than this ends the process, even one stuck inside a C function. There is one such
# watch for all threads: whoever took a row last has set it, and while one is stuck nobody else does.
LONGEST_SECONDS = 60.0
_WIDTH = 48
_mine = threading.local()


@contextlib.contextmanager
def resting() -> Iterator[None]:
    """After the block nothing is in hand any more, unless the process died in it."""
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        _note("")


def take(account_id: int, intake_id: int) -> None:
    """This thread works on that row now."""
    faulthandler.dump_traceback_later(LONGEST_SECONDS, exit=True, file=2)
    _note(f"{account_id} {intake_id}")


def fallen() -> Iterator[tuple[int, int]]:
    """The rows (account id, intake id) that processes died with. Each is told once, unless we die before we have gone on."""
    for path in list(_folder().glob("hand-*")):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if held := file.read().split():
                yield int(held[0]), int(held[1])
            path.unlink()


def _note(words: str) -> None:
    if getattr(_mine, "process", None) != os.getpid():
        _mine.process, _mine.file = os.getpid(), _opened()
    os.pwrite(_mine.file.fileno(), words.ljust(_WIDTH).encode(), 0)


def _opened() -> io.FileIO:
    """A file of our own: nobody sees it under its name before it is locked."""
    name = uuid4().hex
    draft = _folder() / f".{name}"
    file = io.FileIO(draft, "x+")
    fcntl.flock(file, fcntl.LOCK_EX)
    draft.rename(draft.with_name(f"hand-{name}"))
    return file


def _folder() -> Path:
    folder = settings().home / "hands"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
