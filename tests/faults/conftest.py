"""One nursery and one Telegram for all suites of faults; each test begins with neither workers nor messages."""

from collections.abc import Iterator

import pytest

from tests.channels.fake_telegram import FakeTelegram, fake_telegram
from tests.faults.stage import Workers


@pytest.fixture(scope="session")
def _telegram() -> Iterator[FakeTelegram]:
    with fake_telegram() as fake:
        yield fake


@pytest.fixture(scope="session")
def _nursery(_telegram: FakeTelegram, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    settings = {
        "TELEGRAM_API_URL": _telegram.url,
        "EGRESS_ALLOW_CIDRS": "127.0.0.0/8",
        "ENGINE_DELIVERIES": "1",
        "DATABASE_POOL": "4",
    }
    nursery = Workers(tmp_path_factory.mktemp("nursery") / "workers.log", settings)
    yield nursery
    nursery.close()


@pytest.fixture
def nursery(_nursery: Workers) -> Iterator[Workers]:
    """Brings up workers that reach `outside`; nobody of them outlives the test."""
    yield _nursery
    _nursery.kill_all()


@pytest.fixture
def outside(_telegram: FakeTelegram) -> FakeTelegram:
    """The Telegram that the workers reach, with nothing sent yet."""
    _telegram.sent.clear()
    _telegram.calls.clear()
    return _telegram
