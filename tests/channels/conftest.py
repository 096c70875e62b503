"""A Telegram of our own, for the tests of what we say to it."""

from collections.abc import Iterator

import pytest

from tests.channels.fake_telegram import FakeTelegram, fake_telegram
from tests.conftest import forget_settings


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTelegram]:
    """Telegram, as far as we can tell."""
    with fake_telegram() as fake:
        monkeypatch.setenv("TELEGRAM_API_URL", fake.url)
        monkeypatch.setenv("EGRESS_ALLOW_CIDRS", "127.0.0.0/8")
        forget_settings()
        yield fake
        monkeypatch.undo()
        forget_settings()
