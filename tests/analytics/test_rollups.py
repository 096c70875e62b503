"""Sums kept ready say what the rows say, to the last bit: whatever is asked, and after every increment."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analytics import build, rollups
from analytics.command import metrics_command
from analytics.lake import account, manifest
from analytics.metrics import METRICS
from analytics.read import Attribution, Query, Time, answer, current, groups_of
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
        growing = Story()
        for part in (0.5, 0.55, 0.6):
            growing.events = told[: int(len(told) * part)]
            growing.build(lake)
        growing.events = told
        marts = growing.build(lake)
        yield marts, bare(marts, lake)


def bare(marts: Path, lake: Path) -> Path:
    """The same marts without rollups: everything comes from the rows."""
    folder = lake / "bare"
    folder.mkdir()
    for file in marts.iterdir():
        if not file.name.startswith("rollup"):
            (folder / file.name).hardlink_to(file)
    return folder


def sums(marts: Path, column: str) -> list[tuple[object, ...]]:
    by = f"metric, q15{f', {column}' if column else ''}"
    total = ", ".join(f"sum({name})" for name in rollups.SUMS)
    with duckdb.connect() as memory:
        found: list[tuple[object, ...]] = memory.execute(
            f"""select * from (select {by}, sum(n) as n, {total} from ({rollups.rollup(marts, column)}) group by {by})
                where n <> 0 order by all"""
        ).fetchall()
    return found


@st.composite
def questions(draw: st.DrawFn) -> Query:
    """Windows on quarters and off them, of minutes and of months; every group, filter, zone."""
    metric = draw(st.sampled_from(rollups.KEPT))
    begin = draw(st.sampled_from((-20 * DAY, -12 * HOUR, 0, 900, 17, 3 * DAY + 0.25)))
    length = draw(st.sampled_from((60, 900, 1000, 6 * HOUR, DAY, 12 * DAY, 40 * DAY + 0.5)))
    filters = draw(st.sets(st.sampled_from(sorted(FILTERS)), max_size=2))
    labels = draw(st.sampled_from((("возврат",), ("возврат", "срочно"))))
    chosen = {name: labels if name == "labels" else FILTERS[name] for name in filters}
    return Query(
        metric.name,
        NOON + timedelta(seconds=begin),
        NOON + timedelta(seconds=begin + length),
        draw(st.sampled_from((None, *groups_of(metric)))),
        draw(st.sampled_from(ZONES)),
        **chosen,
        time=draw(st.sampled_from(Time)),
        attribution=draw(st.sampled_from(Attribution)),
        with_spread=False,
    )


@settings(max_examples=120, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
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
        query = Query(metric.name, *EVERYTHING, by=by, timezone="Asia/Kolkata", with_spread=False)
        assert answer(marts, query).rows == answer(rows, query).rows


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
    assert kept.isdisjoint({"full_resolution", "reopen_rate", "sla_compliance", "csat", "response_rate", "handle_time"})


@pytest.mark.parametrize("seed", [1, 2])
def test_increments_add_up_to_what_a_rebuild_sums(lake: Path, seed: int) -> None:
    dice = random.Random(seed)
    told = interleaved(a_history(dice, (None,)))
    growing, seq, parts = Story(), 0, 0
    while seq < len(told):
        seq += dice.choice((7, 40, 200))
        growing.events = told[:seq]
        made = manifest(growing.build(lake / "growing"))
        parts += made.base_seq != made.seq
    assert parts > 3
    grown, made_at_once = current(lake / "growing", ACCOUNT), Story(told).build(lake / "whole")
    assert (grown / "rollup.new.parquet").exists()
    for column in rollups.COLUMNS:
        assert sums(grown, column) == sums(made_at_once, column), column


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
