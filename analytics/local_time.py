"""What the clocks of a zone say, as whole numbers to reckon with: then no metric needs a function of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from analytics.errors import Refused

# Some zones stand at :30 and :45
QUARTER_US = 15 * 60 * 1_000_000
_DAY_S = 86_400
_DAY_QUARTERS = 96
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAYS = date(1970, 1, 1).toordinal()

Column = np.ndarray[Any, np.dtype[np.int64]]
# (from which on, what holds from there until the next)
Steps = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Clock:
    """The clocks of a zone over some quarters of an hour: how many seconds they are east of UTC, and which month they are in,
    counted from 1970, by quarter and by day."""

    offsets_s: Steps
    months: Steps
    months_of_days: Steps

    def of_quarters(self, by: str, quarter: str) -> dict[str, str]:
        """SQL for the columns of a group, as `dim_time` has them, of SQL for a quarter."""
        local_s = f"({quarter} * 900 + {_chosen(quarter, self.offsets_s)})"
        match by:
            case "hour":
                return {"hour": f"{local_s} // 3600"}
            case "month":
                return {"month": _chosen(quarter, self.months)}
            case "weekday_hour":
                weekday = f"((({local_s} // {_DAY_S}) + 3) % 7) + 1"
                return {"weekday": weekday, "hour_of_day": f"({local_s} % {_DAY_S}) // 3600"}
        return self.of_days(by, f"({local_s} // {_DAY_S})")

    def of_days(self, by: str, day: str) -> dict[str, str]:
        """The same of SQL for a day, for the groups that are of whole days."""
        match by:
            case "week":
                return {"week": f"{day} - (({day} + 3) % 7)"}
            case "month":
                return {"month": _chosen(day, self.months_of_days)}
        return {by: day}


@lru_cache(maxsize=256)
def clock(first: int, last: int, where: ZoneInfo) -> Clock:
    """The clocks there from quarter `first` until `last`, which is not among them."""
    q15: Column = np.arange(first, last, dtype=np.int64)
    offsets = _offsets_s(q15, where)
    day = (q15 * 900 + offsets) // _DAY_S
    days = np.arange(day.min(), day.max() + 1)
    return Clock(_steps(q15, offsets), _steps(q15, _months(day)), _steps(days, _months(days)))


@lru_cache(maxsize=256)
def dawns(around: int, where: ZoneInfo) -> Steps:
    """The quarters near this one before which only earlier days are and after which only later ones, and the day that begins."""
    q15: Column = np.arange(around - 2 * _DAY_QUARTERS, around + 2 * _DAY_QUARTERS, dtype=np.int64)
    day = (q15 * 900 + _offsets_s(q15, where)) // _DAY_S
    until_now, from_now = np.maximum.accumulate(day), np.minimum.accumulate(day[::-1])[::-1]
    found = np.flatnonzero(until_now[:-1] < from_now[1:]) + 1
    return tuple(zip(q15[found].tolist(), day[found].tolist(), strict=True))


def quarters(since: datetime, until: datetime) -> tuple[int, int]:
    """From which quarter of an hour to which, the latter not among them: all that touch [since, until)."""
    return us(since) // QUARTER_US, (us(until) - 1) // QUARTER_US + 1


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Refused when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Refused(f"There is no time zone “{name}”.", f"Часового пояса «{name}» нет.") from None


def us(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def dim_time(since: datetime, until: datetime, where: ZoneInfo) -> pl.DataFrame:
    """One row per quarter of an hour (q15, counted from 1970 UTC) that touches [since, until), and what clocks there say.

    day and week (its Monday): days since 1970; month: months since 1970; hour: hours since 1970 by that clock;
    hour_of_day 0-23; weekday 1-7 from Monday.
    """
    q15: Column = np.arange(*quarters(since, until), dtype=np.int64)
    local_s = q15 * 900 + _offsets_s(q15, where)
    day = local_s // _DAY_S
    weekday = (day + 3) % 7 + 1  # 1970 began on a Thursday
    return pl.DataFrame(
        {
            "q15": q15,
            "day": day,
            "hour": local_s // 3600,
            "hour_of_day": local_s % _DAY_S // 3600,
            "weekday": weekday,
            "week": day - weekday + 1,
            "month": _months(day),
        }
    )


def bucket(by: str, row: tuple[Any, ...]) -> dict[str, Any]:
    """The group a row begins with, as people write it: {"day": "2026-03-02"}, {"hour": "2026-03-02T14:00"}, …"""
    match by:
        case "hour":
            return {"hour": f"{_date(row[0] // 24)}T{row[0] % 24:02d}:00"}
        case "weekday_hour":
            return {"weekday": row[0], "hour": row[1]}
        case "month":
            return {"month": str(np.datetime64(row[0], "M"))}
    return {by: _date(row[0])}


def unbucket(by: str, cell: dict[str, Any]) -> tuple[int, ...]:
    """What `bucket` was made from. Refused when it is no such group."""
    try:
        match by:
            case "hour":
                day, _, hour = str(cell["hour"]).partition("T")
                return (_days(day) * 24 + int(hour[:2]),)
            case "weekday_hour":
                return int(cell["weekday"]), int(cell["hour"])
            case "month":
                return (int(np.datetime64(cell["month"], "M").astype(np.int64)),)
        return (_days(cell[by]),)
    except (KeyError, ValueError):
        raise Refused(f"There is no such group: {cell}.", f"Такой группы нет: {cell}.") from None


def _months(days: Column) -> Column:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _steps(along: Column, values: Column) -> Steps:
    """Where the values change, and to what; the first of them at first."""
    changes = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist()]
    return tuple(zip(along[changes].tolist(), values[changes].tolist(), strict=True))


def _chosen(column: str, steps: Sequence[tuple[int, int]]) -> str:
    """SQL for the value that holds there."""
    later = " ".join(f"when {column} >= {begin} then {value}" for begin, value in reversed(steps[1:]))
    return f"case {later} else {steps[0][1]} end" if later else str(steps[0][1])


def _offsets_s(q15: Column, where: ZoneInfo) -> Column:
    """Seconds east of UTC at each quarter: asked once a day, and at each quarter of the few days in which it changes."""
    day = q15 // 96
    dawns = range(int(day[0]) * 96, int(day[-1] + 2) * 96, 96)
    at_dawn: Column = np.array([_offset_s(quarter, where) for quarter in dawns])
    offsets: Column = at_dawn[day - day[0]]
    changing = np.flatnonzero(offsets != at_dawn[day - day[0] + 1])
    offsets[changing] = [_offset_s(int(quarter), where) for quarter in q15[changing]]
    return offsets


def _offset_s(quarter: int, where: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(quarter * 900, where).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _date(days: int) -> str:
    return date.fromordinal(_EPOCH_DAYS + days).isoformat()


def _days(date: str) -> int:
    return int(np.datetime64(date, "D").astype(np.int64))
