"""How numbers are written and charts are drawn: the values of app/static/css/tokens.css, and Russian typography."""

from collections.abc import Sequence
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
    ember: str
    sea: str


LIGHT = Palette("#ffffff", "#251d1a", "#615953", "#e4e1dc", "#8f8881", "#c71336", "#b13806", "#00698f")
DARK = Palette("#211d1b", "#ece9e5", "#b0aaa3", "#35312e", "#7a736d", "#fa868e", "#f59569", "#6dc8eb")


def number(value: float, locale: str) -> str:
    """1 234 in Russian, 1,234 in English."""
    return str(format_decimal(value, "#,##0", locale=locale))


def percent(share: float, locale: str) -> str:
    """93,4 % in Russian, 93.4% in English; whole percents are written whole."""
    return str(format_percent(round(share, 3), "#,##0.#" + (NBSP if locale == "ru" else "") + "%", locale=locale))


def change(now: float, before: float, locale: str) -> str:
    """+12 %, −8 %: against what it was before."""
    share = now / before - 1
    return ("+" if share > 0 else "−" if share < 0 else "") + percent(abs(share), locale)


def points(now: float, before: float, locale: str) -> str:
    """+3,5 п. п.: two shares compared."""
    by = round((now - before) * 100, 1)
    written = format_decimal(abs(by), "#,##0.#", locale=locale)
    return ("+" if by > 0 else "−" if by < 0 else "") + say("points", locale, points=written)


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


def weekday(number: int, locale: str) -> str:
    """Monday is 1: пн, Mon."""
    return str(format_date(date(2024, 1, number), "EEE", locale=locale))  # that January began on a Monday


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
        | _AS_IT_IS
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


def bars(days: list[date], values: list[int], palette: Palette, locale: str, accent: str = "") -> Figure:
    """A bar a day, from zero. accent: another colour than the strawberry."""
    bar = {"type": "bar", "x": _written(days), "y": values, "name": "", "hovertemplate": "%{y:,d}"}
    return _figure([bar | {"marker": {"color": accent or palette.strawberry}} | _AS_IT_IS], days, palette, locale)


def piles(days: list[date], parts: dict[str, tuple[Sequence[float], str]], palette: Palette, locale: str) -> Figure:
    """Bars of parts upon each other, a day each: name -> values and colour. The names stand above."""
    traces = [
        {"type": "bar", "x": _written(days), "y": values, "name": name, "hovertemplate": "%{y:,.0f}"}
        | {"marker": {"color": colour}}
        | _AS_IT_IS
        for name, (values, colour) in parts.items()
    ]
    figure = _figure(traces, days, palette, locale)
    legend = {"orientation": "h", "x": 0, "y": 1.15, "traceorder": "normal"}
    figure["layout"] |= {"barmode": "stack", "showlegend": True, "legend": legend, "height": 260}
    return figure


def ratings(counts: dict[int, int], palette: Palette, locale: str) -> Figure:
    """How often each rating was given, 5 on top; those that count as satisfied in the accent. point_number 0 is the 1."""
    stars = range(1, 6)
    values = [counts.get(star, 0) for star in stars]
    whole = sum(values) or 1
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": [str(star) for star in stars],
        "x": values,
        "name": "",
        "text": [f"{number(value, locale)} · {percent(value / whole, locale)}" for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "textfont": {"color": palette.ink_soft},
        "marker": {"color": [palette.strawberry if star >= 4 else palette.neutral for star in stars]},
        "hoverinfo": "skip",
    }
    fixed = {"fixedrange": True, "showgrid": False, "zeroline": False, "automargin": True}
    layout = _layout(palette, locale) | {"hovermode": "closest", "height": 220}
    layout["margin"] = layout["margin"] | {"r": 90}
    layout |= {
        "xaxis": fixed | {"showticklabels": False, "rangemode": "tozero"},
        "yaxis": fixed | {"type": "category", "ticksuffix": "\u00a0\u00a0"},
    }
    return {"data": [bar | _AS_IT_IS], "layout": layout}


def heat(counts: dict[tuple[int, int], int], palette: Palette, locale: str) -> Figure:
    """A week by its hours, Monday on top, the more the darker: (weekday 1-7, hour 0-23) -> how many.

    Made of bars lying end to end, because those can be clicked: curve_number is the hour, point_number 6 the Monday.
    """
    most = max(counts.values(), default=0) or 1
    weekdays = [7 - number for number in range(7)]
    names = [weekday(number, locale) for number in weekdays]
    traces = []
    for hour in range(24):
        values = [counts.get((number, hour), 0) for number in weekdays]
        colours = [
            _mixed(palette.line, palette.strawberry, value / most) if value else palette.line for value in values
        ]
        cell = {
            "type": "bar",
            "orientation": "h",
            "y": names,
            "x": [1] * 7,
            "customdata": values,
            "name": f"{hour:02d}:00",
        }
        told = {
            "hovertemplate": f"%{{y}}, {hour:02d}:00 · %{{customdata:,d}}<extra></extra>",
            "marker": {"color": colours},
        }
        traces.append(cell | told | _AS_IT_IS)
    layout = _layout(palette, locale) | {"barmode": "stack", "bargap": 0.08, "hovermode": "closest", "height": 280}
    fixed = {"fixedrange": True, "showgrid": False, "zeroline": False, "automargin": True}
    hours = {
        "tickvals": [hour + 0.5 for hour in range(0, 24, 3)],
        "ticktext": [f"{hour:02d}" for hour in range(0, 24, 3)],
    }
    layout |= {"xaxis": hours | fixed | {"range": [0, 24]}, "yaxis": fixed}
    return {"data": traces, "layout": layout}


def _mixed(pale: str, full: str, share: float) -> str:
    """A colour between two, of #rrggbb; never so pale that something looks like nothing."""
    share = 0.15 + 0.85 * share
    pairs = [(int(pale[i : i + 2], 16), int(full[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in pairs)


# What is clicked opens its rows; the rest need not fade
_AS_IT_IS = {"selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 1}}}
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
    layout = _layout(palette, locale) | {"xaxis": x_axis | fixed, "yaxis": y_axis | fixed}
    return {"data": traces, "layout": layout}


def _layout(palette: Palette, locale: str) -> dict[str, Any]:
    return {
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
    }
