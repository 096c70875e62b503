"""The marts and an independent account of the same definitions agree on random histories, to the last row."""

import math
import random
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analytics.metrics import METRICS, Kind
from analytics.read import Query, answer
from tests.analytics import oracle
from tests.analytics.conftest import SHARED_MEMORY
from tests.analytics.story import DAY, HOUR, NOON, Story, Talk

TALKS = 60
GROUPS = (None, "day", "hour", "week", "month", "inbox", "agent", "team", "label", "priority")
ZONES = ("UTC", "Europe/Moscow", "America/New_York", "Asia/Kathmandu")
STATUSES = ("open", "pending", "snoozed", "resolved", "resolved")
ACTORS = ("user:7", "user:8", "captain", "bot:3", "automation", "contact:1")
LABELS = ("возврат", "срочно", "доставка")


@settings(max_examples=5, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_every_metric_equals_the_oracle(seed: int) -> None:
    dice = random.Random(seed)
    story = a_history(dice)
    talks = oracle.told(story.events)
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as folder:
        marts = story.build(Path(folder))
        for metric in METRICS:
            for _ in range(3):
                question = a_question(dice, metric)
                ours = answer(marts, Query(metric, **question)).rows
                theirs = oracle.rows(talks, metric, **question)
                assert len(ours) == len(theirs), (metric, question)
                for row, expected in zip(ours, theirs, strict=True):
                    assert is_same(row, expected), (metric, question, row, expected)


def is_same(row: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Equal words, counts and keys; means and percentiles to twelve digits."""
    return row.keys() == expected.keys() and all(
        math.isclose(row[key], value, rel_tol=1e-12) if isinstance(value, float) else row[key] == value
        for key, value in expected.items()
    )


def a_question(dice: random.Random, metric: str) -> dict[str, Any]:
    groups = (*GROUPS, "status") if METRICS[metric].kind == Kind.STOCK else (*GROUPS, "weekday_hour")
    begin = dice.choice((-20 * DAY, -12 * HOUR, 0, 3 * DAY + 17))
    filters = {"inbox_ids": (1, 2), "agent_ids": (7, 9), "team_ids": (1,), "labels": ("возврат", "срочно")}
    chosen = dice.choice((None, None, *filters))
    return {
        "since": NOON + timedelta(seconds=begin),
        "until": NOON + timedelta(seconds=begin + dice.choice((6 * HOUR, DAY, 12 * DAY, 40 * DAY, 40 * DAY + 0.5))),
        "by": dice.choice(groups),
        "timezone": dice.choice(ZONES),
    } | ({chosen: filters[chosen]} if chosen else {})


def a_history(dice: random.Random) -> Story:
    """Conversations that do everything in any order: ties, events told late, clocks that run behind."""
    story, surveys = Story(), {}
    for _ in range(TALKS):
        moment = dice.choice((0.0, 12.0 * HOUR, 24.0 * HOUR)) + dice.randrange(20) * 6 * HOUR - 10 * DAY
        held_by = dice.choice((None, None, "captain", "bot"))
        facts = {"inbox_id": dice.choice((1, 2, 3)), "assignee_id": dice.choice((None, 7))}
        talk = story.talk(moment, status="pending" if held_by else "open", held_by=held_by, **facts)
        for _ in range(dice.randrange(25)):
            moment += dice.choice((0, 0, 1e-6, 0.25, 60, HOUR, 6 * HOUR, DAY, 3.5 * DAY))
            is_late = dice.random() < 0.08
            something_happens(dice, talk, moment - dice.choice((1, HOUR, 4 * DAY)) if is_late else moment, surveys)
    return story


def something_happens(dice: random.Random, talk: Talk, when: float, surveys: dict[int, Talk]) -> None:
    asked = [survey for survey, of in surveys.items() if of is talk]
    dice.choice(
        (
            lambda: talk.customer(when),
            lambda: talk.customer(when),
            lambda: talk.agent(when, dice.choice((7, 8, 9))),
            lambda: talk.agent(when, dice.choice((7, 8, 9))),
            lambda: dice.choice((talk.note, talk.captain, talk.bot, talk.automation, talk.greeting, talk.activity))(
                when
            ),
            lambda: change_status(dice, talk, when),
            lambda: change_status(dice, talk, when),
            lambda: talk.hand_off(when),
            lambda: talk.assign(when, dice.choice((None, 7, 8, 9))),
            lambda: talk.team(when, dice.choice((None, 1, 2))),
            lambda: talk.label(when, *dice.sample(LABELS, dice.randrange(3))),
            lambda: talk.priority(when, dice.choice((None, "low", "urgent"))),
            lambda: talk.sla(when, dice.choice(("met", "breached")), "resolution", due=dice.choice((0, DAY, when))),
            lambda: send_survey(surveys, talk, when),
            lambda: talk.rate(when, dice.randrange(1, 6), dice.choice((None, *asked))),
        )
    )()


def change_status(dice: random.Random, talk: Talk, when: float) -> None:
    status = dice.choice(STATUSES)
    talk.status(when, status, dice.choice(ACTORS), dice.choice((None, "captain")) if status == "pending" else None)


def send_survey(surveys: dict[int, Talk], talk: Talk, when: float) -> None:
    surveys[len(surveys) + 1] = talk
    talk.ask(when, len(surveys))
