"""A build made step by step is the build made at once."""

import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analytics import build, extract
from analytics.checks import MARTS
from analytics.export import export
from analytics.lake import account, manifest, mart
from analytics.metrics import METRICS
from analytics.read import current
from tests.analytics.story import ACCOUNT, DAY, Story, ask, value
from tests.analytics.test_oracle import a_history


def rows(marts: Path, name: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as memory:
        found: list[tuple[object, ...]] = memory.execute(f"select * from ({mart(marts, name)}) order by all").fetchall()
    return found


def interleaved(story: Story) -> list[dict[str, Any]]:
    """Its events as they would have come in, all conversations at once; what was told late is told late."""
    latest: dict[Any, int] = {}
    keys = []
    for event in story.events:
        talk = event["conversation_id"]
        latest[talk] = max(latest.get(talk, event["occurred_us"]), event["occurred_us"])
        keys.append((latest[talk] if talk else 0, event["seq"], event))
    return [event | {"seq": seq} for seq, (*_, event) in enumerate(sorted(keys, key=lambda key: key[:2]), start=1)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_increments_make_what_a_rebuild_makes(lake: Path, seed: int) -> None:
    dice = random.Random(seed)
    told = interleaved(a_history(dice, (None,)))
    growing, whole = Story(), Story(told)
    seq, steps, parts = 0, 0, 0
    while seq < len(told):
        seq += dice.choice((1, 7, 40, 200))
        growing.events = told[:seq]
        made = manifest(growing.build(lake / "growing"))
        steps, parts = steps + 1, parts + (made.base_seq != made.seq)
    assert parts > steps / 2, "most of them were increments"
    grown, made_at_once = current(lake / "growing", ACCOUNT), whole.build(lake / "whole")
    assert (grown / "touched.parquet").exists()
    for name in MARTS:
        assert rows(grown, name) == rows(made_at_once, name), name
    assert manifest(grown).rows == manifest(made_at_once).rows
    for metric in METRICS:
        assert ask(grown, metric) == ask(made_at_once, metric)


def test_an_increment_stands_when_its_base_is_gone_and_can_be_exported(lake: Path) -> None:
    story = Story()
    for number in range(6):
        story.talk(number).customer(number).agent(number + 60)
        marts = story.build(lake)
    assert manifest(marts).base_seq == 3
    assert not any(folder.name.startswith("000000000003") for folder in account(lake, ACCOUNT).marts.iterdir())
    assert value(marts, "conversations") == 6
    export(lake, ACCOUNT, lake / "out")
    assert value(lake / "out", "first_response_human") == 60
    assert not (lake / "out" / "touched.parquet").exists()


def test_what_concerns_all_derives_all(lake: Path) -> None:
    story = Story()
    story.calendar([[["12:00", "13:00"]]] * 7)
    story.works_by(1, inbox=1)
    story.talk(0).customer(0).agent(DAY)
    assert value(story.build(lake), "first_response_human", time="business") == 3600
    story.talk(0)
    story.build(lake)
    story.calendar([[["12:00", "14:00"]]] * 7)
    marts = story.build(lake)
    assert value(marts, "first_response_human", time="business") == 7200
    assert manifest(marts).base_seq == len(story.events)


def test_many_touched_conversations_are_derived_with_all_others(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "TOUCHED_AT_LEAST", 2)
    story = Story()
    for number in range(3):
        story.talk(number)
    story.build(lake)
    for number in range(2):
        story.talk(number)
    assert manifest(story.build(lake)).base_seq == 3
    story.talk(9)
    assert manifest(story.build(lake)).base_seq == 6


def test_other_definitions_derive_all_by_themselves(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    story.talk(0)
    story.build(lake)
    monkeypatch.setattr(build, "_definitions", lambda: "other")
    assert build.build(lake, ACCOUNT) is True
    assert manifest(current(lake, ACCOUNT)).base_seq == 1


def test_an_increment_with_a_hole_in_the_log_is_refused(lake: Path) -> None:
    story, home = Story(), account(lake, ACCOUNT)
    story.talk(0)
    good = story.build(lake)
    story.talk(1)
    story.talk(2)
    with home.writing():
        extract.add_part(home, extract.ROW.to_frame(), 2, 1)  # nothing
        home.part(2, 1).unlink()
    rows_of = [story.events[1] | {"seq": 3}, story.events[2] | {"seq": 3}]
    import polars as pl

    with duckdb.connect() as memory, home.writing():
        memory.register("batch", pl.DataFrame(rows_of, schema=extract.ROW))
        extract._copy(memory, extract.STAGING, home.part(2, 3))
    assert build.build(lake, ACCOUNT) is False
    problems = home.problems()
    assert problems is not None
    assert "the log should hold events 2 to 3" in problems.failures[0]
    assert current(lake, ACCOUNT) == good
