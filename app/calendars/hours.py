"""When a calendar is open, one question at a time. `analytics/business_time.py` gives the same answers for whole columns.

The wall clock decides: an open half hour that the clocks repeat counts twice, one they skip not at all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
# What is not used up within so long never is: the longest promise, a year, in a week of thirty hours
HORIZON = timedelta(days=2100)

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Version:
    """How a calendar is from `since` on. week: seven lists, Monday first, of (opens, closes) in minutes of the day."""

    since: datetime
    zone: ZoneInfo
    week: tuple[tuple[tuple[int, int], ...], ...]
    holidays: frozenset[date] = frozenset()


# The versions of one calendar by `since`, the earliest of which holds before it too. None: always open
Hours = Sequence[Version] | None


def openings(hours: Sequence[Version], since: datetime, until: datetime) -> Iterator[Span]:
    """The stretches of [since, until) in which it is open, in order, in UTC; those that touch may come apart."""
    for version, begin, end in _reigns(hours, since, until):
        for start, finish, offset in _steady(version.zone, begin, end):
            yield from _open_on(version, start, finish, offset)


def open_between(hours: Hours, since: datetime, until: datetime) -> timedelta:
    """How long it is open from `since` to `until`."""
    if hours is None:
        return max(until - since, timedelta())
    return sum((closes - opens for opens, closes in openings(hours, since, until)), timedelta())


def elapse(hours: Hours, since: datetime, duration: timedelta) -> datetime | None:
    """The last instant up to which no more than `duration` of open time has passed; None if it never passes.

    So what is used up exactly at closing time lasts until the next opening.
    """
    if hours is None:
        return since + duration
    return used_up(openings(hours, since, since + HORIZON), duration)


def used_up(spans: Iterable[Span], duration: timedelta) -> datetime | None:
    """The last instant up to which no more than `duration` of these spans has passed; None if they are not enough."""
    for opens, closes in spans:
        if closes - opens > duration:
            return opens + duration
        duration -= closes - opens
    return None


def is_open(hours: Hours, moment: datetime) -> bool:
    """Whether somebody works then."""
    return hours is None or any(openings(hours, moment, moment + timedelta(microseconds=1)))


def opens_after(hours: Hours, moment: datetime) -> datetime | None:
    """When it opens next; None while it is open, and when it never opens again."""
    if is_open(hours, moment) or hours is None:
        return None
    return next((opens for opens, _closes in openings(hours, moment, moment + HORIZON)), None)


def version(since: datetime, timezone: str, week: Sequence[Any], holidays: Iterable[str]) -> Version:
    """The version that a row or an event tells of: week with ["HH:MM", "HH:MM"], "24:00" for the end; ISO dates."""
    days = tuple(_joined((_minutes(opens), _minutes(closes)) for opens, closes in day) for day in week)
    return Version(since, ZoneInfo(timezone), days, frozenset(map(date.fromisoformat, holidays)))


def in_order(versions: Iterable[Version]) -> list[Version]:
    """By `since`. Of two that begin together the later one in `versions` holds: it corrects the other."""
    by_start = {version.since: version for version in versions}
    return [by_start[since] for since in sorted(by_start)]


def _reigns(hours: Sequence[Version], since: datetime, until: datetime) -> Iterator[tuple[Version, datetime, datetime]]:
    """Each version with the part of [since, until) in which it holds."""
    starts = [since, *(version.since for version in hours[1:])]
    for version, start, end in zip(hours, starts, [*starts[1:], until], strict=True):
        begin, finish = max(start, since), min(end, until)
        if begin < finish:
            yield version, begin, finish


def _steady(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """[since, until) in parts of a day at most, in each of which the clocks of the zone run evenly."""
    start = since.astimezone(UTC)
    while start < until:
        end = min(start + DAY, until.astimezone(UTC))
        offset = _offset(zone, start)
        if _offset(zone, end - timedelta(microseconds=1)) != offset:
            end = _change(zone, start, end)
        yield start, end, offset
        start = end


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """When the clocks change between the two; they do it at a full second."""
    low, offset = low.replace(microsecond=0), _offset(zone, low)
    high = (high - timedelta(microseconds=1)).replace(microsecond=0) + timedelta(seconds=1)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return low + timedelta(seconds=1)


def _open_on(version: Version, start: datetime, end: datetime, offset: timedelta) -> Iterator[Span]:
    """The openings of [start, end), all of it `offset` east of UTC."""
    day, last = (start + offset).date(), (end - timedelta(microseconds=1) + offset).date()
    while day <= last:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - offset
        for opens, closes in version.week[day.weekday()] if day not in version.holidays else ():
            span = max(midnight + timedelta(minutes=opens), start), min(midnight + timedelta(minutes=closes), end)
            if span[0] < span[1]:
                yield span
        day += DAY


def _joined(intervals: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """In order; those that overlap are one, so that no minute counts twice."""
    joined: list[tuple[int, int]] = []
    for opens, closes in sorted(intervals):
        if joined and opens <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(closes, joined[-1][1])
        else:
            joined.append((opens, closes))
    return tuple(joined)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
