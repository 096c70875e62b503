"""What the clocks of a zone say, as a table to join: then no metric needs a function of time, and sums come cheap."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from analytics.errors import Refused

# Some zones stand at :30 and :45
QUARTER_US = 15 * 60 * 1_000_000
_DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Column = np.ndarray[Any, np.dtype[np.int64]]


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
    q15: Column = np.arange(us(since) // QUARTER_US, (us(until) - 1) // QUARTER_US + 1, dtype=np.int64)
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
            "month": day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64),
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
    return str(np.datetime64(days, "D"))


def _days(date: str) -> int:
    return int(np.datetime64(date, "D").astype(np.int64))
