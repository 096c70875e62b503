"""Open time of calendars, for whole columns at once: B(t), the open time up to t; between a and b lie B(b) − B(a).

The wall clock decides whether a calendar is open: an open half hour that the clocks repeat counts twice, one they skip not
at all. Instants are microseconds since 1970 UTC. `app/calendars/time.py` gives the same answers one at a time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from analytics.local_time import us, zone

SECOND = 1_000_000
DAY = 86_400 * SECOND
_SCHEMA = {"calendar_id": pl.Int64, "opens": pl.Int64, "closes": pl.Int64, "open_before": pl.Int64}

Column = np.ndarray[Any, np.dtype[np.int64]]


def openings(versions: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    """When each calendar is open in [since, until): one row per stretch, by calendar and time.

    versions: calendar_id; since (instant or µs); timezone; week: seven lists, Monday first, of ["HH:MM", "HH:MM"];
    holidays: ISO dates. Of two with the same `since` the later row holds; before the first, the first holds.
    Gives calendar_id, opens, closes (µs) and open_before, the µs of open time in [since, opens). A calendar without a row
    is never open. Refused when there is no such time zone.
    """
    begin, end = us(since), us(until)
    parts = [
        _stretches(int(calendar_id), reigns, begin, end)
        for (calendar_id,), reigns in versions.group_by(["calendar_id"], maintain_order=True)
    ]
    found = pl.concat(parts) if parts else pl.DataFrame(schema=_SCHEMA)
    return found.sort("calendar_id", "opens")


def open_us_sql(points: str, table: str = "openings") -> str:
    """SQL for the rows of `points` (calendar_id, moment_us, …) with open_us, the B(t) of that calendar at that instant.

    Without a calendar it is always open: B(t) = t. Moments must lie within the span that `table` was made for. Subtract
    two of them that have the same calendar.
    """
    return f"""
select
    points.*,
    case
        when points.calendar_id is null then points.moment_us
        else coalesce(spans.open_before + least(points.moment_us, spans.closes) - spans.opens, 0)
    end as open_us
from {points} as points
asof left join {table} as spans on points.calendar_id = spans.calendar_id and points.moment_us >= spans.opens
"""  # noqa: S608


def open_us(points: pl.DataFrame, spans: pl.DataFrame) -> pl.Series:
    """What `open_us_sql` gives, as a column: the B(t) of each row of `points` (calendar_id, moment_us), in its order."""
    calendars, moments = points["calendar_id"].cast(pl.Int64), points["moment_us"].cast(pl.Int64).to_numpy()
    answer: Column = np.where(calendars.is_null().to_numpy(), moments, 0)
    known = calendars.fill_null(-1).to_numpy()
    for (calendar_id,), mine in spans.group_by(["calendar_id"], maintain_order=True):
        rows = np.flatnonzero(known == calendar_id)
        opens, closes, before = (mine[name].to_numpy() for name in ("opens", "closes", "open_before"))
        at = np.searchsorted(opens, moments[rows], side="right") - 1
        since_opening = np.minimum(moments[rows], closes[at]) - opens[at]
        answer[rows] = np.where(at >= 0, before[at] + since_opening, 0)
    return pl.Series("open_us", answer)


def business_us(spans: pl.DataFrame, versions: pl.DataFrame) -> pl.Series:
    """Open time between started_us and ended_us of each row (calendar_id, started_us, ended_us), in µs, in its order."""
    if spans.is_empty():
        return pl.Series("business_us", [], dtype=pl.Int64)
    edges = [spans[name] for name in ("started_us", "ended_us")]
    earliest, latest = (int(pick) for pick in (min(c.min() for c in edges), max(c.max() for c in edges)))  # type: ignore[type-var, arg-type]
    open_spans = openings(versions, _moment(earliest), _moment(latest))
    begun, ended = (open_us(spans.select("calendar_id", moment_us=edge), open_spans) for edge in edges)
    return (ended - begun).alias("business_us")


def _stretches(calendar_id: int, versions: pl.DataFrame, begin: int, end: int) -> pl.DataFrame:
    """The openings of one calendar, those that touch joined."""
    pieces = [np.empty((2, 0), dtype=np.int64)]
    for version, reign_begin, reign_end in _reigns(versions, begin, end):
        for edges in _steady(zone(version["timezone"]), reign_begin, reign_end):
            pieces += _weekly(version, *edges)
    opens, closes = _joined(*np.concatenate(pieces, axis=1))
    lengths = closes - opens
    return pl.DataFrame(
        {
            "calendar_id": np.full(len(opens), calendar_id, dtype=np.int64),
            "opens": opens,
            "closes": closes,
            "open_before": np.cumsum(lengths) - lengths,
        },
        schema=_SCHEMA,
    )


def _reigns(versions: pl.DataFrame, begin: int, end: int) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Each version with the part of [begin, end) in which it holds."""
    ordered = versions.with_columns(pl.col("since").cast(pl.Int64)).sort("since", maintain_order=True)
    rows = ordered.unique("since", keep="last", maintain_order=True).to_dicts()
    starts = [begin, *(row["since"] for row in rows[1:])]
    for row, start, finish in zip(rows, starts, [*starts[1:], end], strict=True):
        if max(start, begin) < min(finish, end):
            yield row, max(start, begin), min(finish, end)


def _steady(where: ZoneInfo, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(begin, end, µs east of UTC) of each part in which the zone's clocks run evenly. No zone changes twice in a day."""
    start, before, offset = begin, begin, _offset(begin, where)
    for edge in [*range(begin + DAY, end, DAY), end - 1]:
        later = _offset(edge, where)
        if later != offset:
            change = _change(before, edge, where)
            yield start, change, offset
            start, offset = change, later
        before = edge
    yield start, end, offset


def _change(low: int, high: int, where: ZoneInfo) -> int:
    """The first instant in (low, high] at which the clocks of the zone run as at `high`."""
    offset = _offset(high, where)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(middle, where) == offset else (middle, high)
    return high


def _weekly(version: dict[str, Any], begin: int, end: int, offset: int) -> Iterator[Column]:
    """The openings of [begin, end), all of it `offset` east of UTC: for each interval of the week, (opens, closes)."""
    days: Column = np.arange((begin + offset) // DAY, (end - 1 + offset) // DAY + 1, dtype=np.int64)
    free = np.array(version["holidays"] or [], dtype="datetime64[D]").astype(np.int64)
    days = days[~np.isin(days, free)]
    weekdays = (days + 3) % 7  # 1970 began on a Thursday
    for weekday, intervals in enumerate(version["week"]):
        midnights = days[weekdays == weekday] * DAY - offset
        for opens, closes in intervals:
            spans = np.clip(np.stack([midnights + _clock(opens), midnights + _clock(closes)]), begin, end)
            yield spans[:, spans[0] < spans[1]]


def _joined(opens: Column, closes: Column) -> tuple[Column, Column]:
    """The stretches in order; those that overlap or touch are one."""
    order = np.argsort(opens, kind="stable")
    opens, closes = opens[order], np.maximum.accumulate(closes[order]) if len(order) else closes
    is_first = np.ones(len(opens), dtype=bool)
    is_first[1:] = opens[1:] > closes[:-1]
    last = np.append(np.flatnonzero(is_first)[1:] - 1, len(opens) - 1) if len(opens) else np.array([], dtype=np.int64)
    return opens[is_first], closes[last]


def _clock(text: str) -> int:
    """µs from midnight; "24:00" is the end of the day."""
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60 * SECOND


def _offset(instant: int, where: ZoneInfo) -> int:
    """µs east of UTC."""
    away = datetime.fromtimestamp(instant // SECOND, where).utcoffset()
    return int(away.total_seconds()) * SECOND if away else 0


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=instant)
