"""Brings up workers in a moment, so that a hundred can be killed in a minute: it has everything imported, and forks.

Spoken to over its standard input, `start KIND [FAILPOINT]`, it answers with the process number. Its children run the
real engine and die with it.
"""

import importlib
import os
import signal
import sys

from app import engine, failpoints
from app.lifeline import die_with_parent


def main() -> None:
    """Until the other side hangs up."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        _order, kind, failpoint = (*line.split(), "")[:3]
        print(fork(kind, failpoint), flush=True)


def fork(kind: str, failpoint: str) -> int:
    """A worker of its own, which dies at `failpoint` if it comes there."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    die_with_parent(signal.SIGKILL, parent)
    os.environ["KULPUNAI_FAILPOINT"] = failpoint
    importlib.reload(failpoints)
    engine.run({kind})
    os._exit(0)


if __name__ == "__main__":
    main()
