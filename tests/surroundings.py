"""The private surroundings of one run of pytest: a folder, free ports, lines of the Procfile. See conftest.py."""

import contextlib
import fcntl
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psycopg
import pytest

from app import queue
from app.config import Settings, settings
from app.database import engine
from app.embedded import Cluster
from app.inboxes import queries as inbox_queries
from app.supervisor import Crew, crew_of, variable_of

HOME = Path(tempfile.mkdtemp(prefix="kulpunai-test-", dir="/tmp" if os.access("/tmp", os.W_OK) else None))

# Before anybody asks for settings: whatever this shell has set belongs to `make run`
for field in Settings.model_fields:
    os.environ.pop(variable_of(field), None)
os.environ |= {"KULPUNAI_ENV": "test", "KULPUNAI_HOME": str(HOME), "LC_ALL": "C.UTF-8"}


def settle() -> None:
    """Make our folder ready, and remove those of runs that were killed before they could."""
    HOME.chmod(0o711)  # as root, PostgreSQL's user walks through it to its data
    lock = (HOME / "session.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    _held.append(lock)
    for left in HOME.parent.glob("kulpunai-test-*"):
        if left != HOME and is_abandoned(left):
            remove(left)


# Open as long as we live
_held: list[IO[str]] = []


def is_abandoned(home: Path) -> bool:
    """Whether the pytest that made it is gone, killed before it could tidy up."""
    try:
        if home.stat().st_uid != os.getuid():
            return False
        with (home / "session.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:  # killed before it had a lock, or so young that it has none yet
        return home.exists() and time.time() - home.stat().st_mtime > 600
    except OSError:
        return False
    return True


def run_dir_of(home: Path) -> Path:
    """Where the sockets of that data folder are."""
    return Settings.model_construct(home=home).run_dir


def remove(home: Path) -> None:
    for folder in (home, *(path for path in home.glob("*") if path.is_dir())):
        shutil.rmtree(run_dir_of(folder), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def forget_settings() -> None:
    """Let the next question about settings, database or queue be answered from the environment again."""
    if engine.cache_info().currsize:
        engine().dispose()
    for remembered in (settings, engine, queue.connection, queue._listening, queue._jobs):
        remembered.cache_clear()


@contextlib.contextmanager
def running(*names: str, variables: dict[str, str] | None = None) -> Iterator[Crew]:
    """Those lines of the Procfile, started with these variables; stopped at the end, and also when pytest is killed."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (variables or {}).items():
            patch.setenv(name, value)
        crew = crew_of(Settings(), names=names)
    for child in crew.children:
        crew.start(child)
    try:
        yield crew
    finally:
        crew.stop()


def free_port() -> int:
    """A port of the loopback address nobody uses at this moment."""
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        return int(trying.getsockname()[1])


def empty(cluster: Cluster, name: str, *, renumber: bool) -> None:
    """Delete the rows of all tables that have any: 3 ms, where truncating takes 160 and a copy of a template 190."""
    inbox_queries._channels.clear()
    with psycopg.connect(cluster.conninfo(name), autocommit=True) as connection:
        for attempt in range(5):
            # Somebody may be at work in there; then one of us two is told to try again
            with contextlib.suppress(psycopg.errors.DeadlockDetected):
                connection.execute(EMPTY)
                break
            time.sleep(0.1 * attempt)
        if renumber:
            connection.execute("select setval(oid::regclass, 1, false) from pg_class where relkind = 'S'")


EMPTY = """
do $$
declare
    tables regclass[] := array(
        select oid from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'alembic_version'
    );
    one regclass;
    is_filled boolean;
begin
    set local session_replication_role = replica;  -- no foreign keys, so in any order
    foreach one in array tables loop
        execute format('select exists (select from %s)', one) into is_filled;
        if is_filled then
            execute format('delete from %s', one);
        end if;
    end loop;
end $$
"""
