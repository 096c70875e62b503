"""A private world to measure in: every process on free loopback ports, durable as in production; nothing stays behind.

PostgreSQL waits for the disk (fsync and synchronous_commit are on), two web workers serve, engine and Captain run.
"""

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg

from app.config import Settings, settings
from app.database import engine
from app.embedded import DATABASE, SUPERUSER, cluster_of
from app.migrations import schema
from app.ready import postgres_answers, valkey_answers, web_answers
from app.supervisor import Crew, crew_of, variable_of

PROCESSES = ("postgres", "valkey", "web", "captain", "engine")


@dataclass(frozen=True)
class Stage:
    """A running Kulpunai at `host:port`; app.database and app.queue of this process are its own."""

    host: str
    port: int
    crew: Crew

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def processes(self, name: str) -> list[psutil.Process]:
        """The process of that line of the Procfile, and those it has made."""
        pid = next(child.process.pid for child in self.crew.children if child.name == name and child.process)
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]

    def busy_seconds(self, name: str) -> float:
        """How long those processes have kept a core busy until now."""
        return sum(sum(process.cpu_times()[:2]) for process in self.processes(name))


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Everything running, on an empty, migrated database; stopped and deleted at the end."""
    home = Path(tempfile.mkdtemp(prefix="kulpunai-bench-", dir="/tmp" if os.access("/tmp", os.W_OK) else None))  # noqa: S108
    home.chmod(0o711)  # as root, PostgreSQL's user walks through it to its data
    _choose(home, port := _free_port())
    crew = crew_of(settings(), names=PROCESSES)
    try:
        _start(crew, port)
        yield Stage("127.0.0.1", port, crew)
    finally:
        if engine.cache_info().currsize:
            engine().dispose()
        crew.stop()
        shutil.rmtree(settings().run_dir, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def superuser() -> psycopg.Connection[Any]:
    """A connection that sees and may do everything, and whose rows nobody checks: to make data in bulk."""
    return psycopg.connect(conninfo(), autocommit=True, options="-c session_replication_role=replica")


def conninfo() -> str:
    """The database, for a superuser."""
    return cluster_of(settings()).conninfo(DATABASE, SUPERUSER)


def _choose(home: Path, port: int) -> None:
    # whatever this shell has set belongs to `make run`
    for field in Settings.model_fields:
        os.environ.pop(variable_of(field), None)
    os.environ |= {
        "KULPUNAI_ENV": "production",
        "KULPUNAI_HOME": str(home),
        "PORT": str(port),
        "BASE_URL": f"http://127.0.0.1:{port}",
        "WEB_WORKERS": "2",
        # a thread is made when a stream needs it, and waits there: see bench/streams.py
        "WEB_THREADS": "1200",
        "CAPTAIN_BUDGET_SECONDS": "20",
    }
    settings.cache_clear()


def _start(crew: Crew, port: int) -> None:
    stores = [child for child in crew.children if child.name in {"postgres", "valkey"}]
    for child in stores:
        crew.start(child)
    crew.wait_for("postgres", lambda: postgres_answers(cluster_of(settings()).conninfo(SUPERUSER)), 60)
    crew.wait_for("valkey", lambda: valkey_answers(settings().valkey_url), 30)
    schema.migrate()
    for child in crew.children:
        if child not in stores:
            crew.start(child)
    crew.wait_for("web", lambda: web_answers("127.0.0.1", port), 120)


def _free_port() -> int:
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        return int(trying.getsockname()[1])
