"""Token buckets: shared while Valkey answers, and still there when it does not."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from app import limits
from app.errors import TooMany


@pytest.fixture(autouse=True)
def awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_silent_until", 0.0)
    limits._local.clear()


def test_a_bucket_gives_what_it_holds_and_no_more(valkey: str) -> None:
    bucket = str(uuid4())
    for _ in range(5):
        limits.spend(bucket, 3600, 5)
    with pytest.raises(TooMany) as refused:
        limits.spend(bucket, 3600, 5)
    assert 600 <= refused.value.retry_after_seconds <= 720
    assert limits._local == {}, "Valkey has counted, not this process"


def test_many_at_once_share_one_bucket(valkey: str) -> None:
    bucket = str(uuid4())
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: is_given(bucket), range(40))) == 10


def test_buckets_are_apart(valkey: str) -> None:
    limits.spend("one", 3600, 1)
    limits.spend("other", 3600, 1)
    assert not is_given("one", 1)


def test_without_valkey_there_still_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_silent_until", float("inf"))
    bucket = str(uuid4())
    assert [is_given(bucket) for _ in range(11)] == [True] * 10 + [False]


def test_a_bucket_fills_again_evenly() -> None:
    assert [limits._spend_local("b", 60, 2, moment) for moment in (0, 0)] == [0, 0]
    assert limits._spend_local("b", 60, 2, 0) == 30
    assert limits._spend_local("b", 60, 2, 30) == 0
    assert limits._spend_local("b", 60, 2, 30) == 30


def test_full_buckets_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOCAL_BUCKETS", 10)
    for n in range(11):
        limits._spend_local(str(n), 60, 1, 0)
    limits._spend_local("late", 60, 1, 100)
    assert set(limits._local) == {"late"}


def is_given(bucket: str, limit: int = 10) -> bool:
    try:
        limits.spend(bucket, 3600, limit)
    except TooMany:
        return False
    return True
