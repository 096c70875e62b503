"""Whether another engine says what DuckDB says: histories in which everything happens, and questions of every kind."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from analytics.lake import account
from analytics.metrics import Metric
from analytics.read import Answer, Query, groups_of
from tests.analytics.story import ACCOUNT, DAY, NOON, Story
from tests.analytics.test_oracle import a_history, a_question

WINDOW = NOON - timedelta(days=20), NOON + timedelta(days=60, hours=5, seconds=0.5)
REASONS = ("not_sure", "money", "went_on")


def everything(dice: random.Random) -> Story:
    """A random history, and what those of the oracle leave out: who is there, drafts, readers of the help center."""
    story = a_history(dice)
    for number in range(60):
        moment = dice.uniform(-10, 50) * DAY
        story.presence(moment, dice.choice((7, 8, 9)), dice.choice(("online", "busy", "offline")))
        article = {"article_id": dice.choice((1, 2))}
        story.tell("article.viewed", moment, "reader", article)
        story.tell("article.voted", moment, "reader", article | {"is_helpful": dice.random() < 0.5})
        story.tell("article.searched", moment, "reader", {"portal_id": 1, "locale": "ru", "hits": dice.choice((0, 3))})
        story.tell(dice.choice(("captain.answered", "captain.declined")), moment, "captain", {"portal_id": 1})
        talk = story.talk(moment, inbox_id=dice.choice((1, 2)), assignee_id=dice.choice((None, 7))).customer(moment)
        draft = {"draft_id": number, "message_id": number, "confidence": 0.9}
        talk.tell("captain.drafted", moment + 10, "captain", **draft)
        decision = dice.choice(("accepted", "edited", "rejected"))
        talk.tell(f"captain.draft_{decision}", moment + 60, "user:7", **draft, edit_distance=0.0)
        talk.tell("captain.abstained", moment + 90, "captain", message_id=1, reason=dice.choice(REASONS))
    return story


def name_inboxes(lake: Path) -> None:
    """Let the lake know the inboxes' names and channels, before it is built."""
    home = account(lake, ACCOUNT)
    with home.writing():
        inboxes = {"inbox_id": [1, 2], "name": ["Сайт", "Бот"], "channel": ["website", "telegram"]}
        pl.DataFrame(inboxes).write_parquet(home.tables / "inboxes.parquet")


def questions(dice: random.Random, metric: Metric) -> Iterator[Query]:
    """By nothing and by every group, with all and with some of it, by both clocks."""
    for by in (None, *groups_of(metric)):
        plain = Query(metric.name, *WINDOW, by, dice.choice(("UTC", "Europe/Moscow", "Asia/Kathmandu")))
        yield plain
        yield replace(plain, **{key: value for key, value in a_question(dice, metric.name).items() if key != "by"})


def is_equal(ours: Answer, theirs: Answer) -> bool:
    """Everything to the last bit, but percentiles to twelve digits: engines round otherwise between two neighbours."""
    return len(ours.rows) == len(theirs.rows) and all(map(_is_same, ours.rows, theirs.rows))


def unequal(ours: Path, theirs: Path) -> list[str]:
    """The files of two builds that do not say the same, column by column, row by row, to the last bit."""
    names = {file.name for marts in (ours, theirs) for file in marts.glob("*.parquet")}
    return [name for name in sorted(names) if not _in_order(ours / name).equals(_in_order(theirs / name))]


def _in_order(file: Path) -> pl.DataFrame:
    """Its rows, in an order that has nothing to do with who wrote them; its columns named with their types."""
    rows = pl.read_parquet(file) if file.exists() else pl.DataFrame()
    typed = rows.rename({name: f"{name} {kind}" for name, kind in rows.schema.items()})
    return typed.sort([name for name, kind in typed.schema.items() if not kind.is_nested()])


def _is_same(row: dict[str, Any], other: dict[str, Any]) -> bool:
    return row.keys() == other.keys() and all(
        math.isclose(value, other[key], rel_tol=1e-12) if key in {"p50", "p90"} and value else value == other[key]
        for key, value in row.items()
    )
