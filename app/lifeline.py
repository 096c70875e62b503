"""No process outlives the one that started it, however that one died.

On Linux the kernel sees to it, child by child. Elsewhere a `Guard`, a forked process that holds the other end of a pipe,
ends the children when the pipe closes.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
KERNEL_WATCHES = sys.platform == "linux"
# Opened here, because between fork and exec nothing may be loaded
_libc = ctypes.CDLL(None)


def die_with_parent(death_signal: int, parent: int) -> None:
    """Have the kernel send us `death_signal` when `parent` dies, and leave at once if it already has.

    To be called in the child, after a fork and after each change of user, which clears it:
    https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
    """
    if KERNEL_WATCHES:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Guard:
    """Ends the process groups it was told of when we die without taking our leave. Start it before any thread."""

    def __init__(self) -> None:
        reading, self._pipe = os.pipe()
        if os.fork() == 0:
            os.close(self._pipe)
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            _bury(_listen(reading))
            os._exit(0)
        os.close(reading)

    def watch(self, group: int) -> None:
        os.write(self._pipe, f"+{group}\n".encode())

    def forget(self, group: int) -> None:
        os.write(self._pipe, f"-{group}\n".encode())


def _listen(reading: int) -> set[int]:
    """The groups that are left when the pipe closes."""
    left: set[int] = set()
    with open(reading, encoding="ascii") as lines:
        for line in lines:
            (left.add if line[0] == "+" else left.discard)(int(line[1:]))
    return left


def _bury(groups: set[int]) -> None:
    # SIGINT first: to PostgreSQL it means "now, but cleanly", and Python programs take it for Ctrl-C
    for number, seconds in ((signal.SIGINT, 5.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 0.0)):
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        deadline = time.monotonic() + seconds
        while any(map(_lives, groups)) and time.monotonic() < deadline:
            time.sleep(0.1)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
