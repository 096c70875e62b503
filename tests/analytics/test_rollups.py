"""Sums kept ready say what the rows say, to the last bit: whatever is asked, and after every increment."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analytics import build, rollups
from analytics.command import metrics_command
from analytics.lake import account, manifest
from analytics.metrics import METRICS
from analytics.read import Attribution, Query, Time, answer, answers, current, groups_of
from tests.analytics.conftest import SHARED_MEMORY
from tests.analytics.story import ACCOUNT, DAY, HOUR, NOON, Story, value
from tests.analytics.test_build import interleaved
from tests.analytics.test_oracle import a_history

ZONES = ("UTC", "Europe/Moscow", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe")
FILTERS: dict[str, tuple[Any, ...]] = {
    "inbox_ids": (1, 2),
    "agent_ids": (7, 9),
    "team_ids": (2,),
    "labels": ("возврат",),
}
EVERYTHING = NOON - timedelta(days=90), NOON + timedelta(days=400)


@pytest.fixture(autouse=True, scope="module")
def worth() -> Iterator[None]:
    """However few rows there are, they are worth a rollup."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollups, "WORTH_ROWS", 0)
        yield


@pytest.fixture(scope="module")
def world(worth: None) -> Iterator[tuple[Path, Path]]:
    """A build of increments on a whole one, with its rollups and without."""
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as folder:
        lake, told = Path(folder), interleaved(a_history(random.Random(11)))
        clocks_of(lake, "America/New_York")
        growing = Story()
        for part in (0.5, 0.55, 0.6):
            growing.events = told[: int(len(told) * part)]
            growing.build(lake)
        growing.events = told
        marts = growing.build(lake)
        yield marts, bare(marts, lake)


def clocks_of(lake: Path, timezone: str) -> None:
    """Let the lake know the account's zone, before it is built."""
    home = account(lake, ACCOUNT)
    with home.writing():
        pl.DataFrame({"account_id": [ACCOUNT], "timezone": [timezone]}).write_parquet(home.tables / "accounts.parquet")


def bare(marts: Path, lake: Path) -> Path:
    """The same marts without rollups: everything comes from the rows."""
    folder = lake / "bare"
    folder.mkdir()
    for file in marts.iterdir():
        if not file.name.startswith("rollup"):
            (folder / file.name).hardlink_to(file)
    return folder


def sums(marts: Path, level: rollups.Level, column: str) -> list[tuple[object, ...]]:
    by = f"metric, {level}{f', {column}' if column else ''}"
    total = ", ".join(f"sum({name})" for name in rollups.SUMS)
    with duckdb.connect() as memory:
        found: list[tuple[object, ...]] = memory.execute(
            f"""select * from (select {by}, sum(n) as n, {total} from ({rollups.rollup(marts, level, column)}) group by {by})
                where n <> 0 order by all"""
        ).fetchall()
    return found


@st.composite
def questions(draw: st.DrawFn) -> Query:
    """Windows on quarters and off them, of minutes and of months; every group, filter, zone."""
    metric = draw(st.sampled_from(rollups.KEPT))
    # midnight in New York, the day before its clocks change, and the end of it, among others
    begin = draw(st.sampled_from((-20 * DAY, -12 * HOUR, -7 * HOUR, 5 * DAY - 7 * HOUR, 0, 900, 17, 3 * DAY + 0.25)))
    length = draw(
        st.sampled_from((60, 900, 1000, 6 * HOUR, DAY, 2 * DAY - HOUR, 12 * DAY, 12 * DAY - HOUR, 40 * DAY + 0.5))
    )
    filters = draw(st.sets(st.sampled_from(sorted(FILTERS)), max_size=2))
    labels = draw(st.sampled_from((("возврат",), ("возврат", "срочно"))))
    chosen = {name: labels if name == "labels" else FILTERS[name] for name in filters}
    return Query(
        metric.name,
        NOON + timedelta(seconds=begin),
        NOON + timedelta(seconds=begin + length),
        draw(st.sampled_from((None, *groups_of(metric)))),
        draw(st.sampled_from(ZONES) | st.just("America/New_York")),
        **chosen,
        time=draw(st.sampled_from(Time)),
        attribution=draw(st.sampled_from(Attribution)),
        with_spread=False,
    )


@settings(max_examples=200, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
@given(query=questions())
def test_sums_kept_ready_answer_what_the_rows_answer(world: tuple[Path, Path], query: Query) -> None:
    marts, rows = world
    found = answer(marts, query).rows
    assert found == answer(rows, query).rows
    spread = answer(rows, replace(query, with_spread=True)).rows
    assert found == [row | {"p50": None, "p90": None} for row in spread]


@pytest.mark.parametrize("metric", rollups.KEPT, ids=lambda metric: metric.name)
def test_every_metric_that_is_kept_is_the_same_by_every_group(world: tuple[Path, Path], metric: Any) -> None:
    marts, rows = world
    for by in (None, *groups_of(metric)):
        for timezone in ("Asia/Kolkata", "America/New_York"):
            query = Query(metric.name, *EVERYTHING, by=by, timezone=timezone, with_spread=False)
            assert answer(marts, query).rows == answer(rows, query).rows


@pytest.mark.parametrize("metric", [kept for kept in rollups.KEPT if kept.settled_by], ids=lambda metric: metric.name)
def test_a_window_that_ended_long_ago_knows_nothing_of_what_came_later(world: tuple[Path, Path], metric: Any) -> None:
    marts, rows = world
    told = []
    for days in range(-15, 60, 3):
        query = Query(metric.name, EVERYTHING[0], NOON + timedelta(days=days), with_spread=False)
        told.append(answer(marts, query).rows)
        assert told[-1] == answer(rows, query).rows, days
    # the last of them would not have said it of the earlier ones
    assert len({str(row) for row in told}) > 2


def test_several_metrics_at_once_say_what_each_says_alone(world: tuple[Path, Path]) -> None:
    marts, rows = world
    for by in (None, "day", "month", "agent", "label"):
        asked = [
            Query(metric, *EVERYTHING, by, "America/New_York", with_spread=is_spread)
            for metric in ("csat", "next_response", "backlog", "handle_time", "conversations", "sla_compliance", "csat")
            for is_spread in (False, True)
        ]
        assert answers(marts, asked) == [answer(rows, query) for query in asked]


def test_whole_days_of_the_accounts_zone_are_not_read_by_quarters(world: tuple[Path, Path], lake: Path) -> None:
    marts, rows = world
    for file in marts.iterdir():
        if file.name.startswith(("rollup_days", "rollup_zone")) or file.name == "manifest.json":
            (lake / file.name).hardlink_to(file)
    (lake / "rollup.parquet").touch()
    since, until = (datetime(2026, month, 1, tzinfo=ZoneInfo("America/New_York")) for month in (2, 5))
    for by in (None, "day", "week", "month", "inbox", "label"):
        query = Query("next_response", since, until, by, "America/New_York", with_spread=False)
        assert answer(lake, query).rows == answer(rows, query).rows != []
    with pytest.raises(duckdb.Error):
        answer(lake, replace(query, by="day", timezone="UTC"))


def test_days_of_clocks_that_are_thought_otherwise_of_now_are_not_used(lake: Path) -> None:
    clocks_of(lake, "America/New_York")
    story = Story()
    story.talk(0).customer(0).agent(60)
    marts = story.build(lake)
    assert rollups.timezone_of_days(marts) == "America/New_York"
    zone = marts / "rollup_zone.json"
    zone.write_text(zone.read_text().replace("-18000", "-14400"))
    rollups.timezone_of_days.cache_clear()
    assert rollups.timezone_of_days(marts) is None
    assert value(marts, "conversations") == 1


def test_what_is_kept_is_not_read_from_the_rows(world: tuple[Path, Path], lake: Path) -> None:
    marts, _ = world
    for file in marts.iterdir():
        if file.name.startswith("rollup") or file.name in {"manifest.json", "touched.parquet"}:
            (lake / file.name).hardlink_to(file)
    for by in (None, "day", "agent", "label"):
        query = Query("next_response", *EVERYTHING, by=by, with_spread=False)
        assert answer(lake, query).rows == answer(marts, query).rows
    with pytest.raises(duckdb.Error):
        answer(lake, replace(query, with_spread=True))


def test_what_depends_on_the_window_or_the_clock_is_not_kept() -> None:
    kept = {metric.name for metric in rollups.KEPT}
    assert {"first_response_human", "next_response", "episode_resolution", "conversations", "backlog"} <= kept
    assert kept.isdisjoint(
        {"reopen_rate", "sla_compliance", "sla_unfinished", "captain_harm", "handle_time", "occupancy"}
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_increments_add_up_to_what_a_rebuild_sums(lake: Path, seed: int) -> None:
    dice = random.Random(seed)
    told = interleaved(a_history(dice, (None,)))
    growing, seq, parts = Story(), 0, 0
    while seq < len(told):
        seq += dice.choice((20, 100, 400))
        growing.events = told[:seq]
        made = manifest(growing.build(lake / "growing"))
        parts += made.base_seq != made.seq
    assert parts > 3
    grown, made_at_once = current(lake / "growing", ACCOUNT), Story(told).build(lake / "whole")
    assert (grown / "rollup.new.parquet").exists()
    for level, column in product(rollups.Level, rollups.COLUMNS):
        assert sums(grown, level, column) == sums(made_at_once, level, column), (level, column)


def test_few_rows_have_no_rollups_and_neither_do_their_increments(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    story.talk(0).customer(0).agent(60)
    with monkeypatch.context() as patch:
        patch.setattr(rollups, "WORTH_ROWS", 1000)
        assert not rollups.stand_in(story.build(lake))
    story.talk(60)
    marts = story.build(lake)
    assert not rollups.stand_in(marts)
    assert value(marts, "conversations") == 2


def test_the_command_line_can_do_without_percentiles(lake: Path) -> None:
    story = Story()
    story.talk(0).customer(0).agent(60)
    story.build(lake)
    window = {"since": "2026-03-02", "until": "2026-03-03"}
    (row,) = metrics_command(lake, ACCOUNT, "first_response_human", **window, spread=False)["rows"]
    assert row == {"n": 1, "mean": 60.0, "p50": None, "p90": None, "value": 60.0}


def test_rollups_of_other_definitions_are_made_anew(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    story.talk(0).customer(0).agent(60)
    before = story.build(lake)
    metric = METRICS["conversations"]
    other = replace(metric, sql=metric.sql + " where inbox_id > 0")
    monkeypatch.setattr(rollups, "KEPT", tuple(other if kept == metric else kept for kept in rollups.KEPT))
    assert build.build(lake, ACCOUNT) is True
    assert account(lake, ACCOUNT).current() != before
