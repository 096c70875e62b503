"""Calendars: every change a version, told to the log; written as people write; worked by where they are given."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.calendars.actions import assign, create_calendar, update_calendar
from app.calendars.hours import is_open
from app.calendars.models import Calendar
from app.calendars.queries import calendar, hours_of, in_force, latest
from app.calendars.writing import dates_of, day_line, day_of, public_holidays, week_of, written
from app.database import session, transaction
from app.errors import Invalid
from app.events import log
from app.i18n import LOCALES, speaking
from app.inboxes import queries as inbox_queries
from app.inboxes import wire
from app.inboxes.models import Inbox
from tests.world import World, acme

MONDAY = datetime.fromisoformat("2026-11-02T06:00:00+00:00")
NIGHTS = [[["00:00", "06:00"], ["22:00", "24:00"]]] * 7


@pytest.fixture
def world(database: None) -> World:
    return acme()


# -- versions


def test_a_change_is_a_version_that_holds_from_its_moment_on(world: World) -> None:
    made = _calendar(world)
    with clock.stopped_at(MONDAY), transaction(world.account_id):
        update_calendar(_mine(made), by="system", week=[[]] * 7)
    with transaction(world.account_id):
        hours = hours_of(world.account_id, {made.id})[made.id]
        assert is_open(hours, datetime.fromisoformat("2026-10-30T06:00:00+00:00"))
        assert not is_open(hours, datetime.fromisoformat("2026-11-03T06:00:00+00:00"))
    told = _told(world, "calendar.versioned")
    assert [event.data["version"] for event in told] == [1, 2]
    assert told[-1].data.keys() >= {"calendar_id", "name", "since", "timezone", "week", "holidays"}
    assert told[-1].data["since"] == MONDAY.isoformat()


def test_saving_the_same_again_is_no_version(world: World) -> None:
    made = _calendar(world)
    with transaction(world.account_id):
        update_calendar(_mine(made), by="system", name="Часы", timezone="Asia/Bishkek")
    assert len(_told(world, "calendar.versioned")) == 1


def test_a_version_told_later_with_an_earlier_beginning_holds_until_the_next(world: World) -> None:
    made = _calendar(world)
    early, late = (datetime.fromisoformat(f"2026-{month}-01T00:00:00+00:00") for month in ("03", "09"))
    with transaction(world.account_id):
        update_calendar(_mine(made), by="system", holidays=["2026-11-02"], since=late)
        update_calendar(_mine(made), by="system", holidays=["2026-05-09"], since=early)
        assert latest(_mine(made)).version == 2
        held = {moment: in_force(world.account_id, {made.id}, moment)[made.id].version for moment in (early, late)}
    assert held == {early: 3, late: 2}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"week": [[]] * 6}, "week"),
        ({"week": [[["09:00", "09:00"]], *[[]] * 6]}, "week"),
        ({"week": [[["09:00", "13:00"], ["12:00", "18:00"]], *[[]] * 6]}, "week"),
        ({"week": [[["9", "25:00"]], *[[]] * 6]}, "week"),
        ({"holidays": ["2026-02-30"]}, "holidays"),
        ({"name": ""}, "name"),
    ],
)
def test_hours_that_nobody_can_keep_are_refused(world: World, changes: dict[str, Any], field: str) -> None:
    made = _calendar(world)
    with pytest.raises(Invalid) as refused, transaction(world.account_id):
        update_calendar(_mine(made), by="system", **changes)
    assert refused.value.field == field


# -- who works by it


def test_giving_a_calendar_is_told_once_and_the_wire_says_its_hours(world: World) -> None:
    made = _calendar(world)
    for _ in range(2):
        with transaction(world.account_id):
            assign(_inbox(world), _mine(made), by="system")
    [told] = _told(world, "calendar.assigned")
    assert (told.data["calendar_id"], told.data["inbox_id"], told.data["team_id"]) == (made.id, world.inbox.id, None)
    with transaction(world.account_id):
        inbox = _inbox(world)
        found = wire.inbox(inbox, inbox_queries.times(world.account_id, [inbox])[inbox.id], with_secrets=False)
    assert (found["working_hours_enabled"], found["timezone"]) == (True, "Asia/Bishkek")
    # Chatwoot knows one interval a day: from the first opening to the last closing
    monday = found["working_hours"][1]
    assert (monday["open_hour"], monday["close_hour"], monday["closed_all_day"]) == (9, 18, False)


def test_around_the_clock_the_wire_says_that_hours_are_off(world: World) -> None:
    with transaction(world.account_id):
        inbox = _inbox(world)
        times = inbox_queries.times(world.account_id, [inbox])[inbox.id]
    assert (times.is_limited, times.timezone) == (False, "Europe/Moscow")


# -- as people write


@pytest.mark.parametrize(
    ("line", "day", "following"),
    [
        ("9-18", [["09:00", "18:00"]], []),
        ("09:00–13:00, 14:00–18:00", [["09:00", "13:00"], ["14:00", "18:00"]], []),
        ("22:00—06:00", [["22:00", "24:00"]], [["00:00", "06:00"]]),
        ("00:00–24:00", [["00:00", "24:00"]], []),
        ("14:00-0:00", [["14:00", "24:00"]], []),
        ("", [], []),
    ],
)
def test_a_line_is_read_as_it_is_meant(line: str, day: list[list[str]], following: list[list[str]]) -> None:
    week = week_of([line, *[""] * 6])
    assert (week[0], week[1]) == (day, following)


@pytest.mark.parametrize("line", ["утром", "25:00–26:00", "9:75–10:00", "9–18–20"])
def test_a_line_that_says_nothing_is_refused_where_it_stands(line: str) -> None:
    with pytest.raises(Invalid) as refused:
        week_of(["", "", line, "", "", "", ""])
    assert refused.value.field == "day_3"


@given(
    st.lists(
        st.lists(st.integers(0, 48), min_size=0, max_size=6, unique=True).map(
            lambda halves: [
                [_clock(a), _clock(b)] for a, b in zip(sorted(halves)[::2], sorted(halves)[1::2], strict=False)
            ]
        ),
        min_size=7,
        max_size=7,
    )
)
def test_a_week_survives_being_written_and_read(week: list[list[list[str]]]) -> None:
    assert week_of(written(week)) == week


def test_a_night_is_written_where_it_begins() -> None:
    assert written(NIGHTS) == ["22:00–06:00"] * 7
    assert week_of(written(NIGHTS)) == NIGHTS


def test_days_off_may_be_written_as_people_write_dates_with_a_remark() -> None:
    assert dates_of("2027-01-01 Новый год\n09.05.2027\n\n2027-01-01") == ["2027-01-01", "2027-05-09"]
    assert dates_of("1 января 2027 г.\n9 мая 2027 День Победы; выходной\n4 Jul 2027") == [
        "2027-01-01", "2027-05-09", "2027-07-04",
    ]  # fmt: skip
    assert dates_of("01.01.2027, 7 янв. 2027") == ["2027-01-01", "2027-01-07"]
    for line in ("скоро", "9 мартобря 2027", "31.02.2027", "31 апреля 2027"):
        with pytest.raises(Invalid):
            dates_of(line)


@pytest.mark.parametrize("language", LOCALES)
def test_a_day_off_survives_being_written_in_words_and_read(language: str) -> None:
    days = [f"2028-{month:02}-29" for month in range(1, 13)]
    with speaking(language):
        lines = [day_line(day, "Праздник") for day in days]
    assert [day_of(line) for line in lines] == [(day, "Праздник") for day in days]
    assert not any(day in line for day, line in zip(days, lines, strict=True)), "in words"


def test_a_country_s_holidays_come_with_their_names() -> None:
    with speaking("ru"):
        found = public_holidays("RU", [2027])
    assert found["2027-05-09"] == "День Победы"
    with pytest.raises(Invalid):
        public_holidays("XX", [2027])


# -- below


def _calendar(world: World) -> Calendar:
    week = [[["09:00", "13:00"], ["14:00", "18:00"]]] * 5 + [[], []]
    with clock.stopped_at(datetime.fromisoformat("2026-01-01T00:00:00+00:00")), transaction(world.account_id):
        return create_calendar(world.account_id, "Часы", by="system", timezone="Asia/Bishkek", week=week)


def _mine(made: Calendar) -> Calendar:
    return calendar(made.account_id, made.id)


def _inbox(world: World) -> Inbox:
    return session().get_one(Inbox, (world.account_id, world.inbox.id))


def _told(world: World, name: str) -> list[log.Event]:
    with transaction(world.account_id):
        return [event for event in log.read(world.account_id, 0, 1000) if event.name == name]


def _clock(halves: int) -> str:
    return f"{halves // 2:02d}:{halves % 2 * 30:02d}"
