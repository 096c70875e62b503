"""Charts as ECharts draws them: from zero, few dates, names where lines end; what is read of numbers is written here.

Streamlit passes no JavaScript on, and by itself ECharts writes 1,234.5 in every language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any

from babel.numbers import format_decimal

from dashboards import look
from dashboards.look import Palette

Option = dict[str, Any]

MOST_DATES = 8
# On a phone half as many
NARROW = 420
HEIGHT = 240


@dataclass(frozen=True)
class Figure:
    """option: https://echarts.apache.org/en/option.html; height in pixels.

    marks: what can be clicked, in the order of the first series' data.
    """

    option: Option
    marks: Sequence[Any]
    height: int = HEIGHT


def lines(days: list[date], series: dict[str, list[float | None]], palette: Palette, locale: str) -> Figure:
    """A line for each name, the first in the accent; named where they end, if at all. Gaps stay gaps."""
    highest = max((value for values in series.values() for value in values if value is not None), default=0)
    raised = _raised(series, highest)
    drawn = [
        {
            "type": "line",
            "name": name,
            "data": values,
            "color": palette.neutral if place else palette.strawberry,
            "lineStyle": {"width": 2},
            "symbol": "circle",
            "symbolSize": 5 if len(days) <= 31 else 3,
            "showAllSymbol": True,
            "endLabel": {
                "show": bool(name),
                "formatter": "{a}",
                "color": palette.ink_soft if place else palette.strawberry,
                "offset": [0, -raised.get(name, 0)],
            },
            # the accent lies on top
            "z": 2 if place else 3,
        }
        for place, (name, values) in enumerate(series.items())
    ]
    option = _by_day(days, drawn, highest, palette, locale, "#,##0.0")
    option["grid"] |= {"right": 70 if any(series) else 8, "top": 24 if any(raised.values()) else 10}
    return Figure(option, days)


def _raised(series: dict[str, list[float | None]], highest: float) -> dict[str, int]:
    """The pixels by which each name stands above its line's end, so that no two names touch."""
    known = {name: [value for value in values if value is not None] for name, values in series.items()}
    ends = sorted(((values[-1], name) for name, values in known.items() if values), key=lambda end: end[0])
    raised = {name: 0 for _end, name in ends}
    for (low, lower), (high, upper) in pairwise(ends):
        raised[upper] = max(raised[lower] + 15 - round((high - low) / (highest or 1) * 200), 0)
    return raised


def bars(days: list[date], values: Sequence[float], palette: Palette, locale: str, accent: str = "") -> Figure:
    """A bar a day. accent: another colour than the strawberry."""
    drawn = [_bar("", values, accent or palette.strawberry)]
    return Figure(_by_day(days, drawn, max(values, default=0), palette, locale), days)


def piles(days: list[date], parts: dict[str, tuple[Sequence[float], str]], palette: Palette, locale: str) -> Figure:
    """Bars of parts upon each other, a day each: name -> values and colour. The names stand above."""
    drawn = [_bar(name, values, colour) | {"stack": "pile"} for name, (values, colour) in parts.items()]
    highest = max(map(sum, zip(*(values for values, _colour in parts.values()), strict=True)), default=0)
    option = _by_day(days, drawn, highest, palette, locale)
    option["grid"] |= {"top": 40}
    option["legend"] = {
        "data": list(parts),
        "left": 0,
        # its letters reach above their line
        "top": 4,
        "padding": 0,
        "icon": "circle",
        "itemWidth": 8,
        "itemHeight": 8,
        "selectedMode": False,
        "textStyle": {"color": palette.ink_soft},
    }
    return Figure(option, days, 260)


def ratings(counts: dict[int, int], palette: Palette, locale: str) -> Figure:
    """How often each rating was given, 5 on top; those that count as satisfied in the accent."""
    stars = list(range(1, 6))
    values = [counts.get(star, 0) for star in stars]
    whole = sum(values) or 1
    drawn = _bar("", values, palette.neutral) | _CLICKED
    drawn["data"] = [
        {
            "value": value,
            "name": f"{look.number(value, locale)} · {look.percent(value / whole, locale)}",
            "itemStyle": {"color": palette.strawberry if star >= 4 else palette.neutral},
        }
        for star, value in zip(stars, values, strict=True)
    ]
    drawn["label"] = {"show": True, "position": "right", "formatter": "{b}", "color": palette.ink_soft}
    option = _option([drawn], palette)
    option["grid"] |= {"right": 110}
    option["tooltip"] = {"show": False}
    option["xAxis"] = {"type": "value", "min": 0, "max": max(values) or 1, "show": False}
    option["yAxis"] = _axis([str(star) for star in stars], palette)
    return Figure(option, stars, 220)


def heat(counts: dict[tuple[int, int], int], palette: Palette, locale: str) -> Figure:
    """A week by its hours, Monday on top, the more the darker: (weekday 1-7, hour 0-23) -> how many."""
    most = max(counts.values(), default=0) or 1
    weekdays = list(range(7, 0, -1))
    names = [look.weekday(weekday, locale) for weekday in weekdays]
    cells = [(weekday, hour) for weekday in weekdays for hour in range(24)]
    data = []
    for weekday, hour in cells:
        count, place = counts.get((weekday, hour), 0), 7 - weekday
        colour = _mixed(palette.line, palette.strawberry, count / most) if count else palette.line
        told = f"{names[place]}, {hour:02d}:00 · {look.number(count, locale)}"
        data.append({"value": [hour, place, count], "name": told, "itemStyle": {"color": colour}})
    gaps = {"borderColor": palette.ground, "borderWidth": 2, "borderRadius": 4}
    drawn = {"type": "heatmap", "data": data, "itemStyle": gaps} | _CLICKED | {"select": {"itemStyle": gaps}}
    option = _option([drawn], palette)
    option["tooltip"] |= {"trigger": "item", "formatter": "{b}"}
    option["xAxis"] = _axis([f"{hour:02d}" for hour in range(24)], palette, every=3)
    option["yAxis"] = _axis(names, palette)
    return Figure(option, cells, 280)


def _mixed(pale: str, full: str, share: float) -> str:
    """A colour between two, of #rrggbb; never so pale that something looks like nothing."""
    share = 0.15 + 0.85 * share
    pairs = [(int(pale[i : i + 2], 16), int(full[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in pairs)


# -- what charts by day share


def _by_day(
    days: list[date], drawn: list[Option], highest: float, palette: Palette, locale: str, form: str = "#,##0"
) -> Option:
    """These series over these days. Whatever is pointed at or clicked in a day's column is the day."""
    dates = [look.axis_day(day, locale) for day in days]
    steps = _steps(highest)
    columns = _bar("", [], "transparent") | _CLICKED | {"barWidth": "100%", "yAxisIndex": 1}
    columns["data"] = [
        [place, steps[-1], *(_written(value, form, locale) for value in values)]
        for place, values in enumerate(zip(*(series["data"] for series in drawn), strict=True))
    ]
    option = _option([columns, *(series | _BEHIND for series in drawn)], palette)
    option["tooltip"] |= {"trigger": "axis", "formatter": _told(drawn)}
    every = ceil(len(days) / MOST_DATES)
    option["media"] = [_dates_each(every * 2) | {"query": {"maxWidth": NARROW}}, _dates_each(every)]
    option["xAxis"] = [
        _axis(dates, palette, every),
        # of their own, because bars on one axis stand beside each other
        _axis(dates, palette) | {"show": False, "axisPointer": {"show": False, "triggerTooltip": False}},
    ]
    names = [look.number(step, locale) for step in steps]
    option["yAxis"] = [
        # words at equal distances: exactly where the other has its steps
        _axis(names, palette)
        | {"boundaryGap": False, "splitLine": {"show": True, "lineStyle": {"color": palette.line}}},
        {"type": "value", "min": 0, "max": steps[-1], "show": False},
    ]
    return option


def _dates_each(every: int) -> Option:
    return {"option": {"xAxis": [{"axisLabel": {"interval": every - 1}}]}}


def _told(drawn: list[Option]) -> str:
    """What is said of a day: its numbers stand in the first series, after the place and the height."""
    named = [f'<span style="color:{series["color"]}">●</span> {escape(series["name"])}'.strip() for series in drawn]
    return "<br>".join(["{b}", *(f"{name} <b>{{@[{place}]}}</b>" for place, name in enumerate(named, 2))])


def _written(value: float | None, form: str, locale: str) -> str:
    return "—" if value is None else str(format_decimal(value, form, locale=locale))


def _steps(highest: float) -> list[int]:
    """From zero to at least the highest, at most five round steps further."""
    least = max(highest / 5, 1)
    size = 10 ** floor(log10(least))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= least)
    return [step * count for count in range(max(ceil(highest / step), 1) + 1)]


# -- what all charts share


def _option(series: list[Option], palette: Palette) -> Option:
    return {
        "animation": False,
        "textStyle": {"fontFamily": "Onest, system-ui, sans-serif", "fontSize": 12},
        "grid": {
            "left": 8,
            "right": 8,
            "top": 10,
            "bottom": 4,
            "outerBoundsMode": "same",
            "outerBoundsContain": "axisLabel",
        },
        "tooltip": {
            "confine": True,
            "transitionDuration": 0,
            "backgroundColor": palette.paper,
            "borderColor": palette.line,
            "textStyle": {"color": palette.ink, "fontSize": 12},
            "axisPointer": {"type": "shadow", "shadowStyle": {"color": palette.line, "opacity": 0.4}},
        },
        "series": series,
    }


def _bar(name: str, values: Sequence[float], colour: str) -> Option:
    return {"type": "bar", "name": name, "data": list(values), "color": colour, "barWidth": "75%"}


def _axis(names: list[str], palette: Palette, every: int = 1) -> Option:
    """Words, each so many of them."""
    label = {"interval": every - 1, "hideOverlap": True, "margin": 10, "color": palette.ink_soft, "fontSize": 12}
    return {
        "type": "category",
        "data": names,
        "axisLabel": label,
        "axisTick": {"show": False},
        "axisLine": {"show": False},
    }


# Seen, but never pointed at: the day's column is
_BEHIND = {"xAxisIndex": 1, "yAxisIndex": 1, "silent": True}
# What is clicked opens its rows, and looks as before
_CLICKED = {"selectedMode": "single", "select": {"itemStyle": {"borderWidth": 0}}, "emphasis": {"disabled": True}}
