"""The lake's builder dies at any moment while the log grows. Nothing is lost, nothing doubled, and whoever reads always can.

It fails when `current` names a build before its folder stands. It found that a stream of pyarrow tears a pointer whose length
changes while it is read, so that the storage's has always the same.
"""

import multiprocessing
import random
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from sqlalchemy import text

from analytics import mirror
from analytics.build import KEPT_BUILDS, build
from analytics.checks import MARTS
from analytics.errors import Refused
from analytics.extract import extract
from analytics.lake import account as home_of
from analytics.lake import manifest, mart
from analytics.read import current
from app import lake
from app.config import settings
from app.database import across_accounts
from tests.analytics.storage import KEYS, make_bucket, s3_server
from tests.analytics.story import DAY, Story, ask
from tests.analytics.test_build import interleaved, rows
from tests.analytics.test_oracle import a_history
from tests.faults.builder import keep_building
from tests.kernel.conftest import account

MOST_CHANGES = 150
ASKED = ("first_response_human", "backlog", "sla_compliance")


@pytest.fixture
def folder(database: None) -> Iterator[Path]:
    """An empty lake, where builders look for it."""
    shutil.rmtree(lake.folder(), ignore_errors=True)
    yield lake.folder()
    shutil.rmtree(lake.folder())


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The variables with which the lake has a storage of its own."""
    with s3_server() as endpoint:
        make_bucket(endpoint, "lakes")
        told = {"LAKE_URL": "s3://lakes/ours", "AWS_ENDPOINT_URL": endpoint, "EGRESS_ALLOW_CIDRS": "127.0.0.0/8"}
        for name, content in (KEYS | told).items():
            monkeypatch.setenv(name, content)
        settings.cache_clear()
        mirror._system.cache_clear()
        yield KEYS | told
    monkeypatch.undo()
    settings.cache_clear()
    mirror._system.cache_clear()


class Log(threading.Thread):
    """Tells the database's log a story, a few events at a time, up to the part of it that is `due` (0 … 1)."""

    def __init__(self, account_id: int, events: list[dict[str, Any]], dice: random.Random) -> None:
        super().__init__(daemon=True)
        self._account_id, self._events, self._dice = account_id, events, dice
        self.due, self.told, self.problem = 0.0, 0, None
        with across_accounts() as current:
            self._before = current.execute(text("select value from counter where kind = 'event'")).scalar_one()

    def run(self) -> None:
        while self.told < len(self._events):
            if self.told < self.due * len(self._events):
                self._tell(self._events[self.told : self.told + self._dice.choice((1, 3, 10))])
            time.sleep(self._dice.uniform(0, 0.05))

    def _tell(self, events: list[dict[str, Any]]) -> None:
        with across_accounts() as current:
            for event in events:
                current.execute(
                    text(TELL), event | {"account_id": self._account_id, "seq": self._before + event["seq"]}
                )
            seq = self._before + events[-1]["seq"]
            current.execute(text("update counter set value = :seq where kind = 'event'"), {"seq": seq})
        self.told += len(events)


TELL = """
    insert into event (account_id, seq, name, conversation_id, actor, causation, schema_version, occurred_at, recorded_at, data)
    values (:account_id, :seq, :name, :conversation_id, :actor, :causation, :schema_version,
        to_timestamp(:occurred_us / 1e6), to_timestamp(:recorded_us / 1e6), cast(:data as jsonb))
"""


class Reader(threading.Thread):
    """Reads whatever `current` names, all the time. `problem`: what he could not read. With a storage he has that alone."""

    def __init__(self, folder: Path, account_id: int, storage: mirror.Store | None = None) -> None:
        super().__init__(daemon=True)
        self._folder, self._account_id, self._storage = folder, account_id, storage
        self.goes_on, self.builds, self.problem = True, set[str](), None

    def run(self) -> None:
        try:
            newest = 0
            while self.goes_on:
                seq = self._read()
                assert seq >= newest, "an older build is shown again"
                newest = seq
                time.sleep(0.02)
        except BaseException as problem:
            self.problem = problem

    def _read(self) -> int:
        if self._storage:
            mirror.pull(home_of(self._folder, self._account_id), self._storage)
        try:
            marts = current(self._folder, self._account_id)
        except Refused:
            return 0  # before the first build
        told = manifest(marts)
        with duckdb.connect() as memory:
            counts = [memory.execute(f"select count(*) from ({mart(marts, name)})").fetchone()[0] for name in MARTS]
        assert dict(zip(MARTS, counts, strict=True)) == told.rows
        for metric in ASKED:
            ask(marts, metric)
        self.builds.add(told.build)
        return told.seq


def a_year(dice: random.Random) -> list[dict[str, Any]]:
    """A story in which now and then something happens that changes all numbers, or takes a contact out of every part."""
    story = Story(interleaved(a_history(dice)))
    for number in range(6):
        place = dice.randrange(len(story.events))
        story.calendar([[["09:00", f"1{number}:00"]]] * 7, since=number * DAY)
        story.events.insert(place, story.events.pop())
    for contact in (3, 5, 8):
        last = max(place for place, event in enumerate(story.events) if f'"contact_id": {contact},' in event["data"])
        story.tell("contact.deleted", 0, "user:7", {"contact_id": contact})
        story.events.insert(last + 1, story.events.pop())
    return [event | {"seq": seq} for seq, event in enumerate(story.events, start=1)]


KILLS = [pytest.param(6, id="small"), pytest.param(100, id="full", marks=pytest.mark.faults)]


@pytest.mark.parametrize("kills", KILLS)
def test_builders_that_keep_dying_lose_and_double_nothing(folder, tmp_path, capsys, kills):
    acme = account("Acme")
    reader = Reader(folder, acme)
    told = storm(acme, kills, reader, {})
    check(folder, acme, tmp_path)
    with capsys.disabled():
        print(f"\nThe lake: {kills} builders killed over {told} events; {len(reader.builds)} builds read, none torn")


@pytest.mark.parametrize("kills", KILLS)
def test_nor_do_they_in_a_storage_and_other_machines_can_always_read_it(folder, bucket, tmp_path, capsys, kills):
    acme = account("Acme")
    storage = mirror.store(lake.storage_url(), acme)
    reader = Reader(tmp_path / "elsewhere", acme, storage)
    told = storm(acme, kills, reader, bucket)
    check(folder, acme, tmp_path / "clean")
    mirror.pull(home_of(tmp_path / "elsewhere", acme), storage)
    check(tmp_path / "elsewhere", acme, tmp_path / "clean as well")
    named = {mirror.name_of(path) for path in mirror._files(home_of(folder, acme)).values()}
    assert storage.objects() == named | {storage.current()}
    with capsys.disabled():
        print(f"\nIts storage: {kills} builders killed over {told} events; {len(reader.builds)} builds read, none torn")


def storm(account_id: int, kills: int, reader: Reader, variables: dict[str, str]) -> int:
    """Kill so many builders while a log is told and read; how many events it has."""
    dice = random.Random(20260103)
    log = Log(account_id, a_year(dice), dice)
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.faults.builder"])
    began = time.monotonic()
    assert lake.refresh(account_id)
    latest_seconds = 3 * (time.monotonic() - began)  # a busy machine takes its time to die
    log.start()
    reader.start()
    for killed in range(kills):
        log.due = (killed + 1) / kills
        by_itself = dice.random() < 0.5
        fuse = dice.randrange(1, MOST_CHANGES) if by_itself else 0
        builder = forks.Process(target=keep_building, args=(account_id, variables, fuse), daemon=True)
        builder.start()
        builder.join(5 if by_itself else dice.uniform(0, latest_seconds))
        builder.kill()
        builder.join()
        assert builder.exitcode == -9, "it fell over by itself"
        home_of(lake.folder(), account_id).parts()
    log.join(60)
    assert lake.refresh(account_id)
    reader.goes_on = False
    reader.join(60)
    assert log.told == len(log._events)
    assert reader.problem is None, reader.problem
    return log.told


def check(torn: Path, account_id: int, clean: Path) -> None:
    """This lake is what one undisturbed builder makes of the log, and nothing else lies in it."""
    with lake.connected(account_id) as connection:
        extract(connection, account_id, clean)
    assert build(clean, account_id)
    mine, theirs = home_of(torn, account_id), home_of(clean, account_id)
    assert mine.problems() is None
    told, expected = (pl.concat([pl.read_parquet(part.path) for part in home.parts()]) for home in (mine, theirs))
    assert told["seq"].to_list() == list(range(1, len(told) + 1))
    assert told.equals(expected)
    marts, undisturbed = current(torn, account_id), current(clean, account_id)
    for name in MARTS:
        assert rows(marts, name) == rows(undisturbed, name), name
    assert manifest(marts).rows == manifest(undisturbed).rows

    builds = {folder.name for folder in mine.marts.iterdir()}
    assert len(builds) <= KEPT_BUILDS
    assert marts.name in builds
    left = [path for path in mine.path.rglob("*") if path.name.startswith(".")]
    assert left + mine.superseded() == []
    assert {path.name for path in mine.path.iterdir()} <= {
        "events",
        "tables",
        "marts",
        "current",
        "lock",
        "mirrored",
        "index.json",
    }
