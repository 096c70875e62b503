"""ClickHouse says what DuckDB says. It runs where chDB is installed, see docs/operations.md; it is skipped elsewhere."""

import random
from pathlib import Path

import pytest

pytest.importorskip("chdb")
pytest.importorskip("sqlglot")

from analytics import elsewhere, mirror
from analytics.errors import Refused
from analytics.lake import account
from analytics.metrics import METRICS
from analytics.read import Query, answer, current, groups_of
from tests.analytics.parity import WINDOW, everything, is_equal, name_inboxes, questions
from tests.analytics.storage import KEYS, make_bucket, s3_server
from tests.analytics.story import ACCOUNT, Story


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    name_inboxes(lake)
    return everything(random.Random(5)).build(lake)


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_by_every_group(marts: Path, metric: str) -> None:
    said = 0
    for query in questions(random.Random(metric), METRICS[metric]):
        ours = answer(marts, query)
        assert is_equal(ours, elsewhere.answer(marts, query)), query
        said += len(ours.rows)
    assert said, "nothing to compare"


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The marts of an increment, without rollups."""
    lake, story = tmp_path_factory.mktemp("grown"), everything(random.Random(6))
    Story(story.events[:-40]).build(lake)
    marts = story.build(lake)
    assert (marts / "touched.parquet").exists()
    for rollup in marts.glob("rollup*"):
        rollup.unlink()
    return marts


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_of_rows_alone_and_of_an_increment(grown: Path, metric: str) -> None:
    for by in (None, groups_of(METRICS[metric])[0]):
        query = Query(metric, *WINDOW, by)
        ours = answer(grown, query)
        assert ours.rows
        assert is_equal(ours, elsewhere.answer(grown, query)), query


def test_the_marts_may_lie_in_the_storage(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name_inboxes(lake)
    everything(random.Random(7)).build(lake)
    with s3_server() as endpoint:
        make_bucket(endpoint, "lakes")
        for name, content in (KEYS | {"AWS_ENDPOINT_URL": endpoint}).items():
            monkeypatch.setenv(name, content)
        mirror._system.cache_clear()
        storage = mirror.store("s3://lakes/ours", ACCOUNT)
        mirror.push(account(lake, ACCOUNT), storage)
        mirror._system.cache_clear()
        marts = current(lake, ACCOUNT)
        place = elsewhere.in_storage(endpoint, storage, KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
        for metric, by in (("first_response_human", "agent"), ("backlog", "day"), ("captain_harm", None)):
            query = Query(metric, *WINDOW, by)
            ours = answer(marts, query)
            assert ours.rows
            assert is_equal(ours, elsewhere.answer(marts, query, place=place))


@pytest.mark.parametrize("label", ["it's", "a\\", "a\\'", "{x:Int64}", "']) or 1=1 --", 'two "quotes"\n', "$label"])
def test_what_people_typed_stays_a_word(lake: Path, label: str) -> None:
    story = Story()
    story.talk(0, labels=[label]).customer(0).agent(60)
    story.talk(0, labels=["другая"]).customer(0).agent(60)
    marts = story.build(lake)
    for metric in ("first_response_human", "conversations"):
        query = Query(metric, *WINDOW, "label", labels=(label,))
        assert [row["n"] for row in elsewhere.answer(marts, query).rows] == [1]
        assert is_equal(answer(marts, query), elsewhere.answer(marts, query))


def test_what_cannot_be_asked_is_refused_by_the_same_words(marts: Path) -> None:
    with pytest.raises(Refused, match="cannot be grouped"):
        elsewhere.answer(marts, Query("backlog", *WINDOW, "weekday_hour"))
