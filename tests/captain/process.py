"""Captain in a process of his own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from captain.client import Captain, CaptainAway

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def captain_process(*options: str) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """(socket, process), answering; at a path short enough for a socket. Ended and swept away afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="kp"))
    process = start(folder / "captain.sock", *options)
    try:
        yield folder / "captain.sock", process
    finally:
        process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(folder)


def start(path: Path, *options: str) -> "subprocess.Popen[bytes]":
    """A process that answers at the path."""
    command = [sys.executable, "-m", "captain.server", str(path), *options]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"})
    for _ in range(3000):  # torch alone takes minutes on a busy machine
        with contextlib.suppress(CaptainAway):
            Captain(path).ping()
            return process
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise AssertionError("Captain did not come up in five minutes")
