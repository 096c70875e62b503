"""Open time, three ways: whole columns, one at a time, and minute by minute with a wall clock in hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.business_time import business_us, open_us, open_us_sql, openings
from analytics.errors import Refused
from analytics.local_time import us
from app.calendars import hours

MINUTE = timedelta(minutes=1)
OFFICE = [[["09:00", "13:00"], ["14:00", "18:00"]]] * 5 + [[], []]
NIGHTS = [[["00:00", "06:00"], ["22:00", "24:00"]]] * 7
# Where and when clocks do strange things, and where they do not
PLACES = {
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],  # by half an hour
    "America/Sao_Paulo": ["2018-11-04", "2018-02-18"],  # at midnight
    "Pacific/Apia": ["2011-12-30"],  # a whole day left out
    "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
    "Europe/Moscow": ["2014-10-26", "2026-06-01"],
    "Asia/Bishkek": ["2026-03-29", "2028-02-29"],
    "Asia/Kathmandu": ["2028-02-29", "2026-12-31"],  # at :45
    "UTC": ["2028-02-28"],
}


@dataclass(frozen=True)
class Case:
    """A calendar's versions as they were told, in that order, and a span."""

    versions: list[dict[str, Any]]
    since: datetime
    until: datetime


@st.composite
def cases(draw: st.DrawFn, *, is_whole: bool = True) -> Case:
    zones = draw(st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=3))
    day = datetime.fromisoformat(draw(st.sampled_from(PLACES[zones[0]]))).replace(tzinfo=UTC)
    since = day + draw(st.integers(-2 * 1440, 1440)) * MINUTE
    until = since + draw(st.integers(0, 4 * 1440)) * MINUTE
    if not is_whole:
        since += timedelta(microseconds=draw(st.integers(0, 59_999_999)))
        until += timedelta(microseconds=draw(st.integers(60_000_000, 119_999_999)))
    versions = [
        {
            "calendar_id": 7,
            # the same moment twice corrects, an earlier one restates
            "since": day + draw(st.integers(-3, 3)) * 731 * MINUTE,
            "timezone": where,
            "week": draw(weeks()),
            "holidays": draw(
                st.lists(st.integers(-2, 3).map(lambda n: str(day.date() + timedelta(days=n))), max_size=2)
            ),
        }
        for where in zones
    ]
    return Case(versions, since, until)


@st.composite
def weeks(draw: st.DrawFn) -> list[list[list[str]]]:
    minutes = st.one_of(st.integers(0, 1440), st.sampled_from([0, 60, 90, 120, 150, 180, 540, 1080, 1440]))
    intervals = st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1])
    free = st.lists(
        st.lists(intervals.map(lambda pair: [_clock(pair[0]), _clock(pair[1])]), max_size=3), min_size=7, max_size=7
    )
    return draw(st.one_of(st.sampled_from([OFFICE, NIGHTS]), free))


@given(cases())
@settings(deadline=None, max_examples=150)
def test_columns_and_single_answers_agree_with_a_walk_minute_by_minute(case: Case) -> None:
    walked = sum(_is_open(case.versions, case.since + n * MINUTE) for n in range((case.until - case.since) // MINUTE))
    assert hours.open_between(_hours(case.versions), case.since, case.until) == walked * MINUTE
    assert _columns(case.versions, [(case.since, case.until)]) == [walked * 60_000_000]


@given(cases(is_whole=False), st.floats(0, 1))
@settings(deadline=None, max_examples=100)
def test_open_time_adds_up_to_the_microsecond(case: Case, part: float) -> None:
    middle = case.since + (case.until - case.since) * part
    edges = [(case.since, case.until), (case.since, middle), (middle, case.until), (middle, case.since)]
    whole, first, second, back = _columns(case.versions, edges)
    assert whole == first + second
    assert back == -first
    mine = _hours(case.versions)
    assert [hours.open_between(mine, *edge) // timedelta(microseconds=1) for edge in edges[:3]] == [
        whole,
        first,
        second,
    ]


@given(cases())
@settings(deadline=None, max_examples=100)
def test_what_takes_all_the_open_time_is_due_at_the_end_or_when_it_opens_again(case: Case) -> None:
    mine = _hours(case.versions)
    due = hours.elapse(mine, case.since, hours.open_between(mine, case.since, case.until))
    if due is None:
        return
    assert due >= case.until
    assert hours.is_open(mine, due)
    assert hours.open_between(mine, case.until, due) == timedelta()


@given(cases())
@settings(deadline=None, max_examples=50)
def test_it_is_open_when_the_clock_on_the_wall_says_so(case: Case) -> None:
    mine = _hours(case.versions)
    assert hours.is_open(mine, case.since) == _is_open(case.versions, case.since)
    opens = hours.opens_after(mine, case.since)
    if opens is not None:
        assert _is_open(case.versions, opens)
        assert not hours.is_open(mine, opens - timedelta(microseconds=1))


def test_without_a_calendar_it_is_always_open() -> None:
    since, until = _at("2026-03-29T00:00:00Z"), _at("2026-03-29T00:00:01.000001Z")
    frame = pl.DataFrame({"calendar_id": [None], "started_us": [us(since)], "ended_us": [us(until)]})
    assert business_us(frame, _frame([_told("2026-01-01T00:00:00Z", "UTC", OFFICE)])).to_list() == [1_000_001]
    assert hours.open_between(None, since, until) == timedelta(seconds=1, microseconds=1)


def test_an_hour_the_clocks_repeat_counts_twice_and_one_they_skip_not_at_all() -> None:
    calendar = [_told("2026-01-01T00:00:00Z", "Europe/Berlin", [[["02:00", "03:00"]]] * 7)]
    for day, expected in (("2026-10-25", 2), ("2026-03-29", 0), ("2026-05-01", 1)):
        since = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin"))
        span = since.astimezone(UTC), (since + timedelta(days=1)).astimezone(UTC)
        assert _columns(calendar, [span]) == [expected * 3_600_000_000]
        assert hours.open_between(_hours(calendar), *span) == timedelta(hours=expected)


def test_a_holiday_told_afterwards_restates_what_was_before() -> None:
    first = _told("2026-01-01T00:00:00Z", "Asia/Bishkek", OFFICE)
    span = _at("2026-03-20T00:00:00Z"), _at("2026-03-24T00:00:00Z")
    assert _columns([first], [span]) == [16 * 3_600_000_000]
    corrected = [first, first | {"holidays": ["2026-03-23"]}]
    assert _columns(corrected, [span]) == [8 * 3_600_000_000]
    assert hours.open_between(_hours(corrected), *span) == timedelta(hours=8)


def test_what_is_used_up_exactly_at_closing_lasts_until_the_next_opening() -> None:
    mine = _hours([_told("2026-01-01T00:00:00Z", "Asia/Bishkek", OFFICE)])
    assert hours.elapse(mine, _at("2026-11-20T11:00:00Z"), timedelta(hours=1)) == _at("2026-11-23T03:00:00Z")
    assert hours.elapse(mine, _at("2026-11-20T11:00:00Z"), timedelta(minutes=59)) == _at("2026-11-20T11:59:00Z")
    assert (
        hours.elapse(_hours([_told("2026-01-01T00:00:00Z", "UTC", [[]] * 7)]), _at("2026-11-20T11:00:00Z"), MINUTE)
        is None
    )


def test_two_calendars_and_none_stand_in_one_column_and_the_sql_says_the_same() -> None:
    versions = _frame(
        [
            _told("2026-01-01T00:00:00Z", "Asia/Bishkek", OFFICE),
            _told("2026-01-01T00:00:00Z", "Europe/Berlin", NIGHTS) | {"calendar_id": 8},
            _told("2026-03-25T00:00:00Z", "Europe/Berlin", OFFICE) | {"calendar_id": 8},
            _told("2026-01-01T00:00:00Z", "UTC", [[]] * 7) | {"calendar_id": 9},
        ]
    )
    since, until = _at("2026-03-20T00:00:00Z"), _at("2026-04-10T00:00:00Z")
    stretches = openings(versions, since, until)  # noqa: F841 (DuckDB reads it)
    moments = [since + timedelta(minutes=37 * n, microseconds=n) for n in range(800)] + [until]
    points = pl.DataFrame(
        {"calendar_id": [[7, 8, 9, None][n % 4] for n in range(801)], "moment_us": [us(m) for m in moments]}
    )
    told = duckdb.sql(f"select open_us from ({open_us_sql('points', 'stretches')}) order by moment_us").fetchall()
    assert [row[0] for row in told] == open_us(points, openings(versions, since, until)).to_list()
    assert sum(row[0] for row in told) > 0


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(Refused):
        _columns(
            [_told("2026-01-01T00:00:00Z", "Europe/Atlantis", OFFICE)],
            [(_at("2026-01-01T00:00:00Z"), _at("2026-01-02T00:00:00Z"))],
        )


# -- the oracle


def _is_open(versions: list[dict[str, Any]], moment: datetime) -> bool:
    holding = _holding(versions, moment)
    local = moment.astimezone(ZoneInfo(holding["timezone"]))
    clock = local.strftime("%H:%M")
    is_free = str(local.date()) in holding["holidays"]
    return not is_free and any(opens <= clock < closes for opens, closes in holding["week"][local.weekday()])


def _holding(versions: list[dict[str, Any]], moment: datetime) -> dict[str, Any]:
    chosen = None
    for version in versions:
        if version["since"] <= moment and (chosen is None or version["since"] >= chosen["since"]):
            chosen = version
    return chosen or [v for v in versions if v["since"] == min(v["since"] for v in versions)][-1]


# -- below


def _columns(versions: list[dict[str, Any]], spans: list[tuple[datetime, datetime]]) -> list[int]:
    rows = [{"calendar_id": 7, "started_us": us(since), "ended_us": us(until)} for since, until in spans]
    return business_us(pl.DataFrame(rows), _frame(versions)).to_list()


def _frame(versions: list[dict[str, Any]]) -> pl.DataFrame:
    texts = pl.List(pl.String)
    return pl.DataFrame(versions, schema_overrides={"week": pl.List(pl.List(texts)), "holidays": texts})


def _hours(versions: list[dict[str, Any]]) -> list[hours.Version]:
    return hours.in_order(
        hours.version(told["since"], told["timezone"], told["week"], told["holidays"]) for told in versions
    )


def _told(since: str, timezone: str, week: list[list[list[str]]]) -> dict[str, Any]:
    return {"calendar_id": 7, "since": _at(since), "timezone": timezone, "week": week, "holidays": []}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
