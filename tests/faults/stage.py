"""Real processes to kill: two gunicorn workers, any number of engine workers, and a nemesis with a fixed seed."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from app.config import ROOT
from app.ready import web_answers
from tests.conftest import free_port

APP = "app.main:create_app()"


class Workers:
    """Engine workers, which die and are replaced. What they say is in `log`."""

    def __init__(self, log: Path, settings: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tests.faults.nursery"]
        self._log = log.open("ab")
        self._nursery = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._born: list[int] = []
        self._lock = threading.Lock()

    def start(self, kind: str, failpoint: str = "") -> int:
        """A new worker's process number; it dies when it comes to `failpoint`."""
        assert self._nursery.stdin
        assert self._nursery.stdout
        with self._lock:
            print("start", kind, failpoint, file=self._nursery.stdin, flush=True)
            number = int(self._nursery.stdout.readline())
            self._born.append(number)
            return number

    def kill_all(self) -> None:
        """Nobody is left."""
        for number in self._born:
            kill(number)
        wait_until(lambda: not any(map(is_alive, self._born)), 60, "the workers to be gone")
        self._born.clear()

    def close(self) -> None:
        assert self._nursery.stdin
        self._nursery.stdin.close()
        self._nursery.wait(10)
        self._log.close()


@contextlib.contextmanager
def web(log: Path) -> Iterator["Web"]:
    """The real web application behind gunicorn with two workers, until the end of the block."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-w",
        "2",
        "--threads",
        "8",
        "-b",
        f"127.0.0.1:{port}",
        "--preload",
        APP,
    ]
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
        try:
            wait_until(lambda: process.poll() is not None or web_answers("127.0.0.1", port), 120, "the web to answer")
            assert process.poll() is None, log.read_text()
            yield Web(port, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(30)


class Web:
    def __init__(self, port: int, master: psutil.Process) -> None:
        self.port = port
        self._master = master

    def kill_one(self, dice: random.Random) -> None:
        """`kill -9` one of the two workers; the other goes on, and gunicorn replaces it."""
        found = self._master.children()
        if found:
            kill(dice.choice(found).pid)


class Nemesis(threading.Thread):
    """Kills what `plan` names, "worker" or "web", spread over the storm by its progress (0 … 1); the dice say whom and when.

    There are always `count` engine workers of `kind`: each that dies is replaced.
    """

    def __init__(self, dice: random.Random, plan: list[str], progress: Callable[[], float]) -> None:
        super().__init__(daemon=True)
        self._dice, self._plan, self._progress = dice, plan, progress
        self.killed = dict.fromkeys(plan, 0)

    def command(self, nursery: Workers, kind: str, count: int, site: Web) -> None:
        """Whom there is to kill."""
        self._nursery, self._kind, self._site = nursery, kind, site
        self._alive = [nursery.start(kind) for _ in range(count)]

    def run(self) -> None:
        for number, victim in enumerate(self._plan):
            moment = (number + self._dice.random()) / len(self._plan)
            wait_until(lambda due=moment: self._progress() >= due, 900, "the storm to go on")
            time.sleep(self._dice.uniform(0, 0.05))
            if victim == "web":
                self._site.kill_one(self._dice)
            else:
                self._kill_worker(self._dice.randrange(len(self._alive)))
            self.killed[victim] += 1

    def _kill_worker(self, place: int) -> None:
        kill(self._alive[place])
        self._alive[place] = self._nursery.start(self._kind)


def kill(number: int) -> None:
    """`kill -9`."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)


def is_alive(number: int) -> bool:
    """Whether the process still runs; the dead who are not yet buried do not."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(is_true: Callable[[], bool], seconds: float, what: str) -> None:
    """AssertionError when `what` is not so in time."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)
