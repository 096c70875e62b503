"""All of it, in order: staging, marts, checks, then one rename that shows the new build to everybody."""

import hashlib
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from analytics import checks, extract
from analytics.checks import MARTS
from analytics.lake import AccountLake, Manifest, Problems, account, dumps, manifest, settle_folder

HERE = Path(__file__).parent
# A reader that has just learned the name of a build can still read it while two more are made.
KEPT_BUILDS = 3
MEMORY_LIMIT = "1GB"
THREADS = 2


def build(lake: Path, account_id: int) -> bool:
    """Whether a new build is shown now. False when nothing has changed, or when the checks refused the new one.

    Everything is derived anew from the parts; a build that fails its checks stays unseen, and `problems.json` says why.
    """
    home = account(lake, account_id)
    with home.writing():
        seq, version = home.last_seq(), f"{_definitions()}-{extract.fingerprint(home)}"
        if _is_known(home, seq, version):
            return False
        is_shown = _make(home, seq, version)
        _forget_old(home)
        return is_shown


def _is_known(home: AccountLake, seq: int, version: str) -> bool:
    """Whether these events have been built, or refused, by these definitions already."""
    current, problems = home.current(), home.problems()
    if problems and (problems.seq, problems.version) == (seq, version):
        return True
    if current is None or problems:
        return False
    known = manifest(current)
    return (known.seq, known.version) == (seq, version)


def _make(home: AccountLake, seq: int, version: str) -> bool:
    now_us = time.time_ns() // 1000
    name = f"{seq:012d}-{datetime.fromtimestamp(now_us / 1e6, UTC):%Y%m%dT%H%M%S%f}"
    draft = home.marts / f".{name}"
    with connect(home) as memory:
        derive(memory, home)
        if failures := checks.failures(memory, seq):
            home.refuse(Problems(seq, now_us, version, failures))
            return False
        recorded_us = memory.execute("select coalesce(max(recorded_us), 0) from log").fetchall()[0][0]
        rows = _write(memory, home, draft)
    made = Manifest(name, seq, recorded_us, now_us, version, rows)
    (draft / "manifest.json").write_bytes(dumps(made))
    settle_folder(draft, home.marts / name)
    home.publish(made)
    return True


def connect(home: AccountLake) -> duckdb.DuckDBPyConnection:
    """An empty DuckDB that keeps to its memory and spills into the account's own folder."""
    memory = duckdb.connect(
        config={"memory_limit": MEMORY_LIMIT, "threads": THREADS, "preserve_insertion_order": False}
    )
    memory.execute("set temp_directory = ?", [str(home.spill)])
    return memory


def derive(memory: duckdb.DuckDBPyConnection, home: AccountLake) -> None:
    """Make `log`, `story` and every mart in `memory`, from the parts of the lake."""
    parts = [str(part.path) for part in home.parts()]
    if parts:
        memory.read_parquet(parts).create_view("log")
    else:
        memory.register("batch", extract.ROW.to_frame())
        memory.execute(f"create view log as {extract.STAGING}")
    memory.execute(f"create temp table story as {(HERE / 'staging' / 'story.sql').read_text()}")
    for name in MARTS:
        memory.execute(f"create temp table {name} as {(HERE / 'marts' / f'{name}.sql').read_text()}")


def _write(memory: duckdb.DuckDBPyConnection, home: AccountLake, folder: Path) -> dict[str, int]:
    """Put the marts into `folder`, and the small tables they were built with; rows by mart."""
    folder.mkdir()
    rows = {}
    for name in MARTS:
        target = str(folder / f"{name}.parquet").replace("'", "''")
        rows[name] = memory.execute(f"copy {name} to '{target}' (format parquet, compression zstd)").fetchall()[0][0]
    for table in home.tables.glob("*.parquet"):
        shutil.copyfile(table, folder / table.name)
    return rows


def _forget_old(home: AccountLake) -> None:
    """Delete all but the newest builds, and whatever a process that died left half-made."""
    current = home.current()
    builds = sorted(folder for folder in home.marts.iterdir() if folder != current)
    whole = [folder for folder in builds if not folder.name.startswith(".")]
    for folder in set(builds) - set(whole[1 - KEPT_BUILDS :]):
        shutil.rmtree(folder)


def _definitions() -> str:
    """Changes whenever the SQL does: then every account is built anew by itself."""
    files = sorted([*(HERE / "staging").glob("*.sql"), *(HERE / "marts").glob("*.sql")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
