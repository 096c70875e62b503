# ruff: noqa: S608  the SQL is of our own words and numbers
"""All of it, in order: staging, marts, checks, then one rename that shows the new build to everybody."""

import hashlib
import shutil
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from analytics import assistants, checks, extract, rollups, schedules
from analytics.checks import MARTS
from analytics.lake import AccountLake, Manifest, Problems, account, dumps, manifest, mart, settle_folder
from analytics.local_time import us

HERE = Path(__file__).parent
# In this order they are made, of the log and of those before them
STAGES = ("born", "early", "labelled", "states", "hours", "told", "story", "waits", "judged")
# What is only another way to see the one before
VIEWS = ("story",)
# Conversations with about so many events are derived at a time: then memory suffices however long the log is.
SLICE = 2_000_000
# A reader that has just learned the name of a build can still read it while two more are made.
KEPT_BUILDS = 3
# So many answers to “as of” are kept, the last made.
KEPT_PAST = 8
# What such an event says may change numbers of conversations that it does not name: then all are derived anew
GENERAL = (
    "calendar.versioned",
    "calendar.assigned",
    "sla_policy.versioned",
    "assistant.versioned",
    "assistant.deleted",
    "contact.deleted",
)
# More conversations than this, and than this part of them all, are quicker derived with all the others
TOUCHED_AT_LEAST = 2000
TOUCHED_PART = 0.05
# What DuckDB itself counts; the process takes some 200 MB more
MEMORY_LIMIT = "768MB"
THREADS = 2


def build(lake: Path, account_id: int) -> bool:
    """Whether a new build is shown now. False when nothing has changed, or when the checks refused the new one.

    Derived anew from the parts are the conversations with something new since the last whole build, or all of them when that
    is many, or new is what all depend on. A build that fails its checks stays unseen, and `problems.json` says why.
    """
    home = account(lake, account_id)
    with home.writing():
        seq, version = home.last_seq(), version_of(home)
        is_shown = not _is_known(home, seq, version) and _make(home, seq, version)
        forget_old(home)
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
    name = name_of(seq, now_us)
    draft = home.marts / f".{name}"
    with connect(home) as memory:
        _read_log(memory, home)
        base = _base(memory, home, version)
        _derive(memory, now_us)
        if failures := checks.failures(memory, seq, base.base_seq or 0 if base else 0):
            home.refuse(Problems(seq, now_us, version, failures))
            return False
        recorded_us = memory.execute("select coalesce(max(recorded_us), 0) from whole_log").fetchall()[0][0]
        beside = home.marts / base.build if base else None
        rows = _write(memory, home, draft, beside)
        rollups.write(memory, draft, sum(rows.values()), beside)
    show(home, draft, Manifest(name, seq, recorded_us, now_us, version, rows, base_seq=base.base_seq if base else seq))
    return True


def name_of(seq: int, now_us: int) -> str:
    """What a build of the log up to there, made now, is called: later ones stand behind earlier ones."""
    return f"{seq:012d}-{datetime.fromtimestamp(now_us / 1e6, UTC):%Y%m%dT%H%M%S%f}"


def show(home: AccountLake, draft: Path, made: Manifest) -> None:
    """Let everybody read what stands in `draft`, whole, from now on."""
    (draft / "manifest.json").write_bytes(dumps(made))
    settle_folder(draft, home.marts / made.build)
    home.publish(made)


def _base(memory: duckdb.DuckDBPyConnection, home: AccountLake, version: str) -> Manifest | None:
    """The build that only needs what came after it, and then `log` has the conversations of that alone; else None.

    It must be of the same definitions, and nothing new may say of old conversations what they do not tell themselves.
    """
    current = home.current()
    if current is None or not (current / "manifest.json").exists():
        return None
    known = manifest(current)
    if known.base_seq is None or known.version.split("-")[:2] != version.split("-")[:2] or known.seq > home.last_seq():
        return None
    memory.execute(
        f"""create temp table touched as
            select distinct conversation_id from whole_log where seq > {known.base_seq} and conversation_id is not null"""
    )
    touched, is_general = memory.execute(
        f"""select (select count(*) from touched), exists (
            select 1 from whole_log where seq > {known.base_seq} and (name in {GENERAL} or causation = 'history'))"""
    ).fetchall()[0]
    if is_general or touched > max(TOUCHED_AT_LEAST, known.rows["conversations"] * TOUCHED_PART):
        return None
    memory.execute(
        """create or replace view log as
            select * from whole_log where conversation_id is null or conversation_id in (select conversation_id from touched)"""
    )
    return known


def as_known(lake: Path, account_id: int, moment: datetime) -> Path:
    """The marts as they would have been at `moment` (aware): of what the log had heard of by then, and of that clock.

    Made when first asked for, and kept for a while. Names are today's.
    """
    home, moment_us = account(lake, account_id), us(moment)
    with home.writing(), connect(home) as memory:
        _read_log(memory, home, f"where recorded_us <= {moment_us}")
        seq, heard, recorded_us = memory.execute(
            "select coalesce(max(seq), 0), count(*), coalesce(max(recorded_us), 0) from log"
        ).fetchall()[0]
        version = version_of(home)
        name = f"{moment_us}-{heard}-{hashlib.sha256(version.encode()).hexdigest()[:16]}"
        found = home.past / name
        if not found.exists():
            home.past.mkdir(exist_ok=True)
            for stale in sorted(home.past.iterdir(), key=lambda folder: folder.stat().st_mtime)[: 1 - KEPT_PAST]:
                shutil.rmtree(stale)
            draft = home.past / f".{name}"
            shutil.rmtree(draft, ignore_errors=True)
            _derive(memory, moment_us)
            rows = _write(memory, home, draft)
            made = Manifest(name, seq, recorded_us, time.time_ns() // 1000, version, rows, moment_us)
            (draft / "manifest.json").write_bytes(dumps(made))
            settle_folder(draft, found)
        return found


def connect(home: AccountLake) -> duckdb.DuckDBPyConnection:
    """An empty DuckDB that keeps to its memory and spills into the account's own folder."""
    memory = duckdb.connect(
        config={"memory_limit": MEMORY_LIMIT, "threads": THREADS, "preserve_insertion_order": False}
    )
    shutil.rmtree(home.spill, ignore_errors=True)  # of a process that was killed
    memory.execute("set temp_directory = ?", [str(home.spill)])
    return memory


def derive(memory: duckdb.DuckDBPyConnection, home: AccountLake, wanted: Collection[str] = MARTS) -> None:
    """Make `log` and the wanted marts in `memory`, from the parts of the lake."""
    _read_log(memory, home)
    _derive(memory, time.time_ns() // 1000, wanted)


def _read_log(memory: duckdb.DuckDBPyConnection, home: AccountLake, where: str = "") -> None:
    parts = [str(part.path) for part in home.parts()]
    if parts:
        memory.read_parquet(parts).create_view("whole_log")
    else:
        memory.register("batch", extract.ROW.to_frame())
        memory.execute(f"create view whole_log as {extract.STAGING}")
    memory.execute(f"create view log as from whole_log {where}")


def _derive(memory: duckdb.DuckDBPyConnection, now_us: int, wanted: Collection[str] = MARTS) -> None:
    schedules.lay_out(memory, now_us)
    assistants.lay_out(memory)
    stage(memory, "policies")
    marts = {name: (HERE / "marts" / f"{name}.sql").read_text() for name in wanted}
    memory.execute("alter view log rename to heard")
    for first, last in _slices(memory):
        memory.execute(
            f"create or replace view log as select * from heard where conversation_id between {first} and {last}"
        )
        for name in STAGES:
            stage(memory, name)
        for name, query in marts.items():
            if MARTS[name].of_conversations:
                memory.execute(f"create temp table if not exists {name} as from ({query}) limit 0")
                memory.execute(f"insert into {name} {query}")
    memory.execute("drop view log")
    memory.execute("alter view heard rename to log")
    for name, query in marts.items():
        if not MARTS[name].of_conversations:
            memory.execute(f"create temp table {name} as {query}")


def _slices(memory: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """From which conversation to which, both included; always one at least."""
    events, first, last = memory.execute(
        "select count(*), coalesce(min(conversation_id), 0), coalesce(max(conversation_id), 0) from heard"
        " where conversation_id is not null"
    ).fetchall()[0]
    count = -(-events // SLICE)
    if count < 2:
        return [(first, last)]
    # from a histogram, because to ask for quantiles takes a tenth of the whole derivation
    width = -(-(last - first + 1) // (count * 64))
    counted = memory.execute(
        f"""select (conversation_id - {first}) // {width} as place, count(*) from heard where conversation_id is not null
            group by place order by place"""
    ).fetchall()
    ends: list[int] = []
    held = 0
    for place, more in counted:
        held += more
        if held * count >= events * (len(ends) + 1):
            ends.append(first + (place + 1) * width - 1)
    ends[-1] = last
    return list(zip([first, *(end + 1 for end in ends[:-1])], ends, strict=True))


def stage(memory: duckdb.DuckDBPyConnection, name: str) -> None:
    """Make one of STAGES, of the log and of those before it."""
    kind = "view" if name in VIEWS else "table"
    memory.execute(f"create or replace temp {kind} {name} as {(HERE / 'staging' / f'{name}.sql').read_text()}")


def _write(
    memory: duckdb.DuckDBPyConnection, home: AccountLake, folder: Path, base: Path | None = None
) -> dict[str, int]:
    """Put the marts into `folder`, beside those of `base` if there is one, and the small tables; rows by mart."""
    folder.mkdir()
    if base is not None:
        _copy(memory, "touched", folder / "touched.parquet")
    for name, promised in MARTS.items():
        is_part = base is not None and promised.of_conversations
        if is_part and base is not None:
            # the same bytes under another name: this build goes on to stand when that one is deleted
            (folder / f"{name}.parquet").hardlink_to(base / f"{name}.parquet")
        _copy(memory, name, folder / f"{name}{'.new' if is_part else ''}.parquet")
    for table in home.tables.glob("*.parquet"):
        shutil.copyfile(table, folder / table.name)
    return {name: memory.execute(f"select count(*) from ({mart(folder, name)})").fetchall()[0][0] for name in MARTS}


def _copy(memory: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    target = str(path).replace("'", "''")
    memory.execute(f"copy {name} to '{target}' (format parquet, compression zstd)")


def forget_old(home: AccountLake) -> None:
    """Delete all but the newest builds, and whatever a process that died left half-made."""
    current = home.current()
    builds = sorted(folder for folder in home.marts.iterdir() if folder != current)
    whole = [folder for folder in builds if not folder.name.startswith(".")]
    for folder in set(builds) - set(whole[1 - KEPT_BUILDS :]):
        shutil.rmtree(folder)


def version_of(home: AccountLake) -> str:
    """Changes whenever the numbers may: with our definitions, a log brought anew, the small tables."""
    return f"{_definitions()}-{extract.marker(home)}-{extract.fingerprint(home)}"


def _definitions() -> str:
    """Changes whenever the SQL or what feeds it does: then every account is built anew by itself."""
    code = [HERE / f"{name}.py" for name in ("schedules", "business_time", "assistants", "rollups")]
    files = sorted([*(HERE / "staging").glob("*.sql"), *(HERE / "marts").glob("*.sql"), *code])
    known = b"".join(file.read_bytes() for file in files) + rollups.definition().encode()
    return hashlib.sha256(known).hexdigest()[:16]
