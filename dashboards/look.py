"""How numbers are written and charts are drawn: the values of app/static/css/tokens.css, and Russian typography."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from dashboards.words import say

NBSP = "\u00a0"

# What plotly draws: https://plotly.com/javascript/reference/
Figure = dict[str, Any]


@dataclass(frozen=True)
class Palette:
    """One accent a chart, neutrals for the rest."""

    paper: str
    ink: str
    ink_soft: str
    line: str
    neutral: str
    strawberry: str


LIGHT = Palette("#ffffff", "#251d1a", "#615953", "#e4e1dc", "#8f8881", "#c71336")
DARK = Palette("#211d1b", "#ece9e5", "#b0aaa3", "#35312e", "#7a736d", "#fa868e")


def number(value: float, locale: str) -> str:
    """1 234 in Russian, 1,234 in English."""
    return str(format_decimal(value, "#,##0", locale=locale))


def percent(share: float, locale: str) -> str:
    """93,4 % in Russian, 93.4% in English; whole percents are written whole."""
    return str(format_percent(round(share, 3), "#,##0.#" + (NBSP if locale == "ru" else "") + "%", locale=locale))


def duration(seconds: float, locale: str) -> str:
    """The two largest units: 45 с; 12 мин 30 с; 3 ч 20 мин; 2 д 4 ч."""
    left = round(seconds)
    if left >= 3600:
        left = round(left / 60) * 60  # nobody reads the seconds of an hour
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{NBSP}{say(unit, locale)}")
    return " ".join(parts[:2]) or f"0{NBSP}{say('s', locale)}"


def days(first: date, last: date, locale: str) -> str:
    """25 октября — 23 ноября 2026; the first year only where it differs."""
    form = "d MMMM" if first.year == last.year else "d MMMM y"
    written = (format_date(first, form, locale=locale), format_date(last, "d MMMM y", locale=locale))
    dash = f"{NBSP}— " if locale == "ru" else " – "
    return dash.join(str(day).replace(" ", NBSP) for day in written)


def moment(us: int, zone: ZoneInfo, locale: str) -> str:
    """2 марта, 14:05:09 by the clocks of `zone`."""
    when = datetime.fromtimestamp(us / 1e6, zone)
    return str(format_datetime(when, "d MMMM, HH:mm:ss", locale=locale)).replace(" ", NBSP)


def scale(largest_seconds: float) -> tuple[str, float]:
    """The unit in which spans up to this read best, and its seconds."""
    if largest_seconds > 4 * 86_400:
        return "days", 86_400.0
    return ("hours", 3600.0) if largest_seconds > 3 * 3600 else ("minutes", 60.0)


def lines(days: list[date], series: dict[str, list[float | None]], palette: Palette, locale: str) -> Figure:
    """A line for each name, the first in the accent; named where they end instead of in a legend. Gaps stay gaps."""
    colours = [palette.strawberry, *[palette.neutral] * len(series)]
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": _written(days),
            "y": values,
            "name": name,
            "line": {"color": colour, "width": 2},
            "marker": {"size": 5 if len(days) <= 31 else 3},
            "hovertemplate": "%{y:,.1f}",
        }
        for (name, values), colour in zip(series.items(), colours, strict=False)
    ]
    figure = _figure(traces, days, palette, locale)
    figure["layout"] |= {"annotations": _names(days, series, palette), "margin": figure["layout"]["margin"] | {"r": 70}}
    return figure


def _names(days: list[date], series: dict[str, list[float | None]], palette: Palette) -> list[dict[str, Any]]:
    """Each line's name beside its last point; where the ends lie close together, the higher line's above the lower one's."""
    ends: list[dict[str, Any]] = []
    for place, (name, values) in enumerate(series.items()):
        known = [(when, value) for when, value in zip(days, values, strict=True) if value is not None]
        if known:
            colour = palette.ink_soft if place else palette.strawberry
            ends.append({"x": str(known[-1][0]), "y": known[-1][1], "text": name, "font": {"color": colour}} | _BESIDE)
    highest = max((value for values in series.values() for value in values if value is not None), default=0)
    ends.sort(key=lambda end: end["y"])
    for lower, upper in pairwise(ends):
        if upper["y"] - lower["y"] < highest / 10:
            upper["yshift"] = lower["yshift"] + 15 - (upper["y"] - lower["y"]) / (highest or 1) * 200
    return ends


def bars(days: list[date], values: list[int], palette: Palette, locale: str) -> Figure:
    """A bar a day, from zero."""
    bar = {"type": "bar", "x": _written(days), "y": values, "name": "", "hovertemplate": "%{y:,d}"}
    return _figure([bar | {"marker": {"color": palette.strawberry}}], days, palette, locale)


_BESIDE = {"showarrow": False, "xanchor": "left", "xshift": 8, "yshift": 0}


def _written(days: list[date]) -> list[str]:
    return [day.isoformat() for day in days]


def _figure(traces: list[dict[str, Any]], days: list[date], palette: Palette, locale: str) -> Figure:
    dates = "%d.%m" if locale == "ru" else "%b %-d"
    x_axis = {"type": "date", "tickformat": dates, "hoverformat": dates, "showgrid": False, "linecolor": palette.line}
    # half a day on both sides, so that points and bars stand whole
    x_axis["range"] = [f"{days[0] - timedelta(days=1)}T12:00", f"{days[-1]}T12:00"]
    x_axis |= {"tickvals": _written(days)} if len(days) <= 8 else {"nticks": 8}
    y_axis = {"rangemode": "tozero", "gridcolor": palette.line, "zerolinecolor": palette.line, "nticks": 5}
    fixed = {"fixedrange": True, "automargin": True}
    layout = {
        "height": 240,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": palette.ink_soft, "size": 12, "family": "Onest, system-ui, sans-serif"},
        "separators": f",{NBSP}" if locale == "ru" else ".,",
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": palette.paper, "font": {"color": palette.ink}},
        "bargap": 0.25,
        "dragmode": False,
        "xaxis": x_axis | fixed,
        "yaxis": y_axis | fixed,
    }
    return {"data": traces, "layout": layout}
