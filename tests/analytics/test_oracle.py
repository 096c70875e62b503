"""The marts and an independent account of the same definitions agree on random histories, to the last row."""

import math
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analytics.lake import account
from analytics.metrics import METRICS
from analytics.read import Query, answer, groups_of
from tests.analytics import oracle
from tests.analytics.conftest import SHARED_MEMORY
from tests.analytics.story import ACCOUNT, DAY, HOUR, NOON, Story, Talk

TALKS = 60
ZONES = ("UTC", "Europe/Moscow", "America/New_York", "Asia/Kathmandu")
STATUSES = ("open", "pending", "snoozed", "resolved", "resolved")
ACTORS = ("user:7", "user:8", "captain", "bot:3", "automation", "contact:1")
LABELS = ("возврат", "срочно", "доставка")
WEEKS = (
    [[["09:00", "13:00"], ["14:00", "18:00"]]] * 5 + [[], []],
    [[["00:00", "06:00"], ["22:00", "24:00"]]] * 7,
    [[["11:55", "12:05"]]] * 7,
)
# told by its own tests: nothing of it lies in a conversation
LEFT_OUT = {name for name in METRICS if name.startswith("help_")}


@settings(max_examples=6, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_every_metric_equals_the_oracle(seed: int) -> None:
    compare(seed)


def compare(seed: int, questions: int = 4) -> None:
    dice = random.Random(seed)
    story = a_history(dice)
    talks = oracle.told(story.events, datetime.now(UTC))
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as folder:
        home = account(Path(folder), ACCOUNT)
        with home.writing():
            inboxes = [{"inbox_id": number, "channel": channel} for number, channel in oracle.CHANNELS.items()]
            pl.DataFrame(inboxes).write_parquet(home.tables / "inboxes.parquet")
        marts = story.build(Path(folder))
        for metric in METRICS.keys() - LEFT_OUT:
            for _ in range(questions):
                question = a_question(dice, metric)
                ours = answer(marts, Query(metric, **question)).rows
                theirs = oracle.rows(talks, metric, **question)
                assert len(ours) == len(theirs), (metric, question, ours, theirs)
                for row, expected in zip(ours, theirs, strict=True):
                    assert is_same(row, expected), (metric, question, row, expected)


def is_same(row: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Equal words, counts and keys; means and percentiles to twelve digits."""
    return row.keys() == expected.keys() and all(
        math.isclose(row[key], value, rel_tol=1e-12) if isinstance(value, float) else row[key] == value
        for key, value in expected.items()
    )


def a_question(dice: random.Random, metric: str) -> dict[str, Any]:
    groups = groups_of(METRICS[metric])
    begin = dice.choice((-20 * DAY, -12 * HOUR, 0, 3 * DAY + 17))
    filters = {"inbox_ids": (1, 2), "agent_ids": (7, 9), "team_ids": (1,), "labels": ("возврат", "срочно")}
    chosen = dice.choice((None, None, *filters))
    return {
        "since": NOON + timedelta(seconds=begin),
        "until": NOON + timedelta(seconds=begin + dice.choice((6 * HOUR, DAY, 12 * DAY, 40 * DAY, 40 * DAY + 0.5))),
        "by": dice.choice([None, *groups]),
        "time": dice.choice(("calendar", "business")),
        "attribution": dice.choice(("event", "event", "current")),
        "timezone": dice.choice(ZONES),
    } | ({chosen: filters[chosen]} if chosen else {})


def a_history(dice: random.Random, causations: tuple[str | None, ...] = (None, "history")) -> Story:
    """Conversations that do everything in any order: ties, events told late, clocks that run behind; calendars and promises
    that change meanwhile."""
    story, surveys = Story(), {}
    agree(dice, story)
    for _ in range(30):
        when = dice.randrange(-20 * DAY, 20 * DAY) + dice.choice((0, 0.25))
        story.presence(when, dice.choice((7, 8)), dice.choice(("online", "busy", "offline")))
    for agent in (7, 8):  # who stayed would be there until somebody asks
        story.presence(21 * DAY, agent, "offline")
    for _ in range(TALKS):
        moment = dice.choice((0.0, 12.0 * HOUR, 24.0 * HOUR)) + dice.randrange(20) * 6 * HOUR - 10 * DAY
        held_by = dice.choice((None, None, "captain", "bot"))
        facts = {"inbox_id": dice.choice((1, 2, 3)), "assignee_id": dice.choice((None, 7))}
        facts |= {"contact_id": dice.randrange(20), "team_id": dice.choice((None, None, 2))}
        causation = dice.choice(causations)
        talk = story.talk(moment, causation, status="pending" if held_by else "open", held_by=held_by, **facts)
        if dice.random() < 0.5:
            talk.promise(moment, dice.choice((1, 2)))
        if dice.random() < 0.5:
            talk.customer(moment)
        for _ in range(dice.randrange(25)):
            moment += dice.choice((0, 0, 1e-6, 0.25, 60, 300, HOUR, 6 * HOUR, DAY, 3.5 * DAY))
            is_late = dice.random() < 0.08
            something_happens(dice, talk, moment - dice.choice((1, HOUR, 4 * DAY)) if is_late else moment, surveys)
    return story


def agree(dice: random.Random, story: Story) -> None:
    """Calendars and their versions, who works by them since when, and two policies, one of which changes."""
    for number in (1, 2, 1, 1):
        since = dice.choice((-400 * DAY, -5 * DAY - 7, -400 * DAY, 3 * DAY + 1))
        where = dice.choice(("UTC", "Asia/Bishkek", "Asia/Kathmandu", "Europe/Moscow"))
        story.calendar(dice.choice(WEEKS), number, where, since, dice.choice(((), ("2026-03-03", "2026-02-25"))))
    story.works_by(1, inbox=1, when=dice.choice((-400 * DAY, -3 * DAY)))
    story.works_by(2, team=2, when=dice.choice((-400 * DAY, 0, 2 * DAY + 0.5)))
    if dice.random() < 0.5:
        story.works_by(dice.choice((None, 2)), inbox=1, when=4 * DAY)
    for number in (1, 2, 1):
        story.policy(
            number,
            dice.choice((None, 60, HOUR, 8 * HOUR)),
            dice.choice((None, 60, HOUR, 2 * HOUR)),
            dice.choice((None, HOUR, DAY, 20 * HOUR)),
            is_business_time=dice.random() < 0.5,
            pause_while=dice.choice(((), ("pending",), ("pending", "snoozed"))),
            when=dice.choice((-3 * DAY, 0, DAY)),
        )


def something_happens(dice: random.Random, talk: Talk, when: float, surveys: dict[int, Talk]) -> None:
    asked = [survey for survey, of in surveys.items() if of is talk]
    dice.choice(
        (
            lambda: talk.customer(when),
            lambda: talk.customer(when),
            lambda: talk.customer(when),
            lambda: talk.agent(when, dice.choice((7, 8, 9))),
            lambda: talk.agent(when, dice.choice((7, 8, 9))),
            lambda: talk.captain(when),
            lambda: dice.choice((talk.note, talk.bot, talk.automation, talk.greeting, talk.activity))(when),
            lambda: change_status(dice, talk, when),
            lambda: change_status(dice, talk, when),
            lambda: change_status(dice, talk, when),
            lambda: talk.hand_off(when),
            lambda: talk.assign(when, dice.choice((None, 7, 8, 9))),
            lambda: talk.team(when, dice.choice((None, 1, 2))),
            lambda: talk.label(when, *dice.sample(LABELS, dice.randrange(3))),
            lambda: talk.priority(when, dice.choice((None, "low", "urgent"))),
            lambda: talk.promise(when, dice.choice((1, 2))) if dice.random() < 0.7 else talk.release(when),
            lambda: talk.verdict(when, dice.choice(("met", "breached")), "resolution", due=0),
            lambda: send_survey(surveys, talk, when),
            lambda: talk.rate(when, dice.randrange(1, 6), dice.choice((None, *asked))),
            lambda: dice.choice((talk.confirm, talk.unhelpful))(when),
            lambda: captain_works(dice, talk, when),
            lambda: captain_works(dice, talk, when),
            lambda: talk.look(when, when + dice.choice((1, 600, 7 * HOUR)), dice.choice((7, 8))),
        )
    )()


def captain_works(dice: random.Random, talk: Talk, when: float) -> None:
    """He shows a draft, an agent decides on one, or he keeps silent."""
    draft = {"draft_id": 1, "message_id": 1, "confidence": 0.5}
    what = dice.choice(("drafted", "draft_accepted", "draft_edited", "draft_rejected", "abstained"))
    if what == "abstained":
        talk.tell("captain.abstained", when, "captain", reason=dice.choice(("money", "not_sure", "went_on")), **draft)
    else:
        talk.tell(
            f"captain.{what}", when, "captain" if what == "drafted" else dice.choice(("user:7", "user:8")), **draft
        )


def change_status(dice: random.Random, talk: Talk, when: float) -> None:
    status = dice.choice(STATUSES)
    held_by = dice.choice((None, "captain", "bot")) if status == "pending" else None
    until = dice.choice((None, when + DAY)) if status == "snoozed" else None
    talk.status(when, status, dice.choice(ACTORS), held_by, until)


def send_survey(surveys: dict[int, Talk], talk: Talk, when: float) -> None:
    surveys[len(surveys) + 1] = talk
    talk.ask(when, len(surveys))
