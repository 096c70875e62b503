"""Response times in working hours, over a made-up year in two zones that change their clocks, told twice; and slices."""

import random
from pathlib import Path

import pytest

from analytics import build
from analytics.bench_spans import derived, fill
from analytics.checks import MARTS
from analytics.lake import account
from tests.analytics.story import ACCOUNT
from tests.analytics.test_build import rows
from tests.analytics.test_oracle import a_history


def test_response_times_over_a_year_of_two_zones_equal_plain_python(lake: Path) -> None:
    home = account(lake, ACCOUNT)
    with home.writing():
        messages = fill(home, 3000)
    made = derived(home, messages)
    assert (made.sampled, made.differences) == (3000, 0)
    assert made.compared > 3000


def test_conversations_derived_in_slices_make_what_all_at_once_make(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = a_history(random.Random(4))
    at_once = story.build(lake / "at once")
    monkeypatch.setattr(build, "SLICE", len(story.events) // 4)
    in_slices = story.build(lake / "slices")
    for name in MARTS:
        assert rows(in_slices, name) == rows(at_once, name), name
