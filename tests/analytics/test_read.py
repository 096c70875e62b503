"""What is asked of the marts: the same everywhere, down to the rows, as it was known then, beside what was before."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from analytics.build import as_known
from analytics.command import metrics_command
from analytics.errors import Refused
from analytics.export import export
from analytics.local_time import clock
from analytics.metrics import METRICS, Kind
from analytics.read import CALENDAR, OF_DAYS, Attribution, Query, Time, answer, behind, groups_of, previous
from analytics.restated import restated
from tests.analytics.story import ACCOUNT, DAY, HOUR, NOON, Story, ask, value
from tests.analytics.test_oracle import a_history

WINDOW = NOON - timedelta(days=20), NOON + timedelta(days=30)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a lively history, and its export beside it."""
    import random

    lake = tmp_path_factory.mktemp("lake")
    a_history(random.Random(5)).build(lake)
    export(lake, ACCOUNT, lake / "out")
    return lake


def test_command_line_dashboards_and_exports_tell_the_same(world: Path) -> None:
    marts = Story().build(world)  # nothing new: the build there is
    asked = 0
    for name, metric in METRICS.items():
        for by in (None, *groups_of(metric)):
            if by == "channel":
                continue
            more: dict[str, Any] = {
                "time": list(Time)[asked % 2],
                "attribution": list(Attribution)[asked // 2 % 2],
                **({}, {"inbox_ids": (1, 2)}, {"agent_ids": (7,)}, {"team_ids": (2,)}, {"labels": ("возврат",)})[
                    asked % 5
                ],
            }
            query = Query(name, *WINDOW, by=by, timezone="Europe/Moscow", **more)
            read = answer(marts, query).rows
            filters = {
                key.removesuffix("_ids").removesuffix("s"): found for key, found in more.items() if key[-1] == "s"
            }
            said = metrics_command(
                world, ACCOUNT, name, since=WINDOW[0].isoformat(), until=WINDOW[1].isoformat(), by=by,
                timezone="Europe/Moscow", time=more["time"], attribution=more["attribution"], **filters,
            )  # fmt: skip
            assert json.loads(json.dumps(said))["rows"] == json.loads(json.dumps(read)), query
            assert answer(world / "out", query).rows == read, query
            asked += 1


@pytest.mark.parametrize("metric", METRICS)
def test_every_number_opens_its_rows(world: Path, metric: str) -> None:
    marts, kind = Story().build(world), METRICS[metric].kind
    for by in (None, "agent", "label", "captain", "day", "weekday_hour"):
        if kind == Kind.SHARE or (by is not None and by not in groups_of(METRICS[metric])):
            continue
        query = Query(metric, *WINDOW, by=by, timezone="Asia/Kathmandu")
        keys = {"weekday_hour": ("weekday", "hour")}.get(str(by), (by,) if by else ())
        for row in answer(marts, query).rows[:6]:
            opened = behind(marts, query, {key: row[key] for key in keys}, limit=100_000)
            assert len(opened) == row["n"]
            assert all(isinstance(found["display_id"], int) for found in opened)
            if kind in (Kind.SPAN, Kind.RATIO):
                assert sum(found["value"] for found in opened) / row["n"] == pytest.approx(row["value"])


def test_all_the_rows_behind_a_number_are_told_however_many(lake: Path) -> None:
    story = Story()
    talk = story.talk(0)
    for second in range(1001):
        talk.customer(second)
    query = Query("messages_incoming", *WINDOW)
    assert len(behind(story.build(lake), query)) == 1001
    assert len(behind(story.build(lake), query, limit=10)) == 10


def test_a_row_behind_a_number_says_which_conversation_and_when(lake: Path) -> None:
    story = Story()
    story.talk(0, display_id=41).customer(0).agent(300)
    story.talk(0, display_id=42).customer(0).agent(60)
    query = Query("first_response_human", *WINDOW)
    (newest, oldest) = behind(story.build(lake), query)
    assert (newest["display_id"], newest["value"]) == (41, 300)
    assert oldest == {
        "display_id": 42, "conversation_id": 2, "seq": 6, "dated": "2026-03-02T12:01:00+00:00", "value": 60,
    }  # fmt: skip


def test_the_period_before_is_as_long_by_the_clock_on_the_wall() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    query = Query(
        "csat", datetime(2026, 3, 30, tzinfo=berlin), datetime(2026, 4, 6, tzinfo=berlin), timezone="Europe/Berlin"
    )
    before = previous(query)
    assert (before.since, before.until) == (datetime(2026, 3, 23, tzinfo=berlin), query.since)
    assert before.until.timestamp() - before.since.timestamp() == 7 * DAY - HOUR  # the clocks went forward


def test_nonsense_for_a_cell_is_refused(world: Path) -> None:
    query = Query("conversations", *WINDOW, by="day")
    with pytest.raises(Refused):
        behind(Story().build(world), query, {"day": "soon"})


# -- as it was known


def test_as_of_answers_as_the_log_knew_it_then(lake: Path) -> None:
    story = Story()
    story.calendar([[["12:00", "13:00"]]] * 7)
    story.works_by(1, inbox=1)
    story.talk(0).customer(0).agent(DAY)
    # told two days later: Monday was a holiday, and the customer had written before
    story.calendar([[["12:00", "13:00"]]] * 7, holidays=("2026-03-02",))
    story.talk(60).customer(60).agent(120)
    for event in story.events[-4:]:
        event["recorded_us"] = round((NOON.timestamp() + 2 * DAY) * 1e6)
    marts = story.build(lake)
    then = as_known(lake, ACCOUNT, NOON + timedelta(days=1.5))
    assert value(then, "first_response_human", time="business") == HOUR
    assert value(then, "conversations") == 1
    assert value(marts, "first_response_human", time="business") == 0
    assert value(marts, "conversations") == 2
    assert as_known(lake, ACCOUNT, NOON + timedelta(days=1.5)) == then
    # what it knows today, it says today
    today = as_known(lake, ACCOUNT, datetime.now(UTC))
    for metric in METRICS:
        assert ask(today, metric) == ask(marts, metric)


def test_a_restated_number_says_which_events_restated_it(lake: Path) -> None:
    story = Story()
    late = story.talk(0, display_id=41).agent(300)
    story.talk(0, display_id=42).customer(0).agent(60)
    late.customer(10)  # a letter that came with a delay: so the agent had answered somebody
    story.events[-1]["recorded_us"] += round(DAY * 1e6)
    story.build(lake)
    found = restated(lake, ACCOUNT, Query("first_response_human", *WINDOW), NOON + timedelta(hours=1))
    (conversation,) = found["conversations"]
    assert (conversation["display_id"], conversation["before"], conversation["after"]) == (41, [], [300])
    assert [event["name"] for event in conversation["events"]] == ["message.created"]
    assert found["general"] == []


def test_what_was_not_late_then_was_not_missed_then(lake: Path) -> None:
    story = Story()
    story.policy(first=DAY)
    story.talk(0).promise(0).customer(0)
    marts = story.build(lake)
    assert value(marts, "sla_compliance") == 0
    then = as_known(lake, ACCOUNT, NOON + timedelta(hours=5))
    assert value(then, "sla_compliance") is None
    assert value(then, "sla_unfinished") == 1


@pytest.mark.parametrize("name", ["UTC", "Europe/Moscow", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_sql_reckons_the_clocks_of_a_zone_as_the_zone_has_them(name: str) -> None:
    where, first, last = ZoneInfo(name), 1_940_000, 1_940_000 + 400 * 96
    clocks = clock(first, last, where)
    columns = {by: ", ".join(clocks.of_quarters(by, "q15").values()) for by in CALENDAR}
    days = ", ".join(made for by in OF_DAYS for made in clocks.of_days(by, columns["day"]).values())
    with duckdb.connect() as memory:
        reckoned = memory.execute(f"select {', '.join(columns.values())}, {days} from range({first}, {last}) as r(q15)")
        for quarter, (day, hour, week, month, weekday, of_day, *of_days) in enumerate(reckoned.fetchall(), first):
            told = datetime.fromtimestamp(quarter * 900, where)
            assert (day, of_day, weekday) == ((told.date() - date(1970, 1, 1)).days, told.hour, told.isoweekday())
            assert (hour, week, month) == (day * 24 + of_day, day - weekday + 1, told.year * 12 + told.month - 23641)
            assert of_days == [day, week, month]
