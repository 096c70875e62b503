"""The lake's builder as a process of its own, which dies by the clock of others or just before one of its file operations."""

import os
import signal
import sys
from itertools import count
from typing import Any

from app import lake
from app.config import settings
from app.lifeline import die_with_parent

# https://docs.python.org/3/library/audit_events.html
CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.link", "os.mkdir", "shutil.rmtree"})


def keep_building(account_id: int, variables: dict[str, str], fuse: int) -> None:
    """Bring the account's lake up to date for ever; die just before change number `fuse` on the disk. 0: not by oneself."""
    die_with_parent(signal.SIGKILL, os.getppid())
    os.environ |= variables
    settings.cache_clear()
    changes = count(1)

    def die(event: str, arguments: tuple[Any, ...]) -> None:
        if (event in CHANGES or (event == "open" and _writes(*arguments))) and next(changes) == fuse:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(die)
    while True:
        lake.refresh(account_id)


def _writes(_path: object, _mode: object, flags: int) -> bool:
    return bool(flags & (os.O_WRONLY | os.O_RDWR))
