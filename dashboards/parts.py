"""What pages are made of: cards, charts by day, tables by group. Each says its unit, its window and its n, and opens its rows."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from math import ceil
from typing import Any

import polars as pl
import streamlit as st

from analytics.metrics import METRICS, Kind
from analytics.read import Attribution, Time, groups_of
from dashboards import figures, look, rows
from dashboards.figures import Figure
from dashboards.numbers import Row, View
from dashboards.words import WORDS, say

# Below so many cases chance speaks louder than we do
FEW = 20
# A longer table scrolls by itself
MOST_LINES = 30
# A table of so many columns takes all the width there is
WIDE = 5
# What a line of the first column holds, in letters; a long name goes on below, this far
LINE, MOST_NAME_LINES = 22, 3
_JUDGED = (Kind.SPAN, Kind.RATIO)
# Of these shares, less is better; of spans always
_BETTER_LOW = {"reopen_rate", "captain_harm", "help_searches_empty"}
# Counted as they stand at the end of the period
_OF_END = {"sla_unfinished"}
# Groups that are words of ours, not names that people gave
_WORDED = ("channel", "target", "reason")
# Neither good nor bad
_NEUTRAL = {"agent_wait", "handle_time", "captain_involvement", "one_touch"}

# What teams, inboxes and labels are compared by
COMPARED = (
    "messages_incoming",
    "conversations",
    "first_response_human",
    "next_response",
    "full_resolution",
    "one_touch",
    "reopen_rate",
    "csat",
    "sla_compliance",
    "backlog",
)

Told = Callable[[View, str, Row], tuple[str, str]]


# -- cards


def cards(view: View, metrics: Iterable[str | tuple[str, Told]], across: int = 3) -> None:
    """A card for each metric, so many side by side; what it says can be told otherwise than usual."""
    wanted = [metric if isinstance(metric, tuple) else (metric, told) for metric in metrics]
    view.ask_at_once(metric for metric, _words in wanted)
    for start in range(0, len(wanted), across):
        for column, (metric, words) in zip(st.columns(across), wanted[start : start + across], strict=False):
            with column:
                card(view, metric, words)


def card(view: View, metric: str, words: Told) -> None:
    """One number: what it is, its value, its n; on demand what exactly it counts, and its rows."""
    locale, known = view.viewer.locale, METRICS[metric]
    with st.container(border=True, height="stretch", vertical_alignment="distribute"):
        row = view.total(metric)
        nothing = "0" if known.kind in (Kind.COUNT, Kind.STOCK) else say("none", locale)
        value, details = words(view, metric, row) if row else (nothing, none(metric, locale))
        before = view.before(metric) if view.is_compared else None
        with st.container(gap="xxsmall"):
            st.metric(known.title.in_(locale), value, **_compared(metric, row, before, locale))
            st.caption(details)
            if view.is_compared:
                st.caption(_was(metric, before, locale))
            if _is_few(metric, row):
                st.caption(f":material/info: {say('few', locale)}")
        with st.container(horizontal=True):
            explain(view, [metric])
            if row and rows.can_open(metric):
                st.button(
                    say("rows", locale), key=f"rows_{metric}", type="tertiary", on_click=rows.opens, args=(metric,)
                )


def explain(view: View, metrics: Sequence[str]) -> None:
    """What is this number? The sentence, what is left out, the window: of each of these."""
    locale = view.viewer.locale
    with st.popover(say("what" if len(metrics) == 1 else "what.all", locale), type="tertiary"):
        for metric in metrics:
            known = METRICS[metric]
            st.markdown(f"**{known.title.in_(locale)}** (`{metric}`)")
            st.markdown(known.sentence.in_(locale))
            st.markdown(say("what.left_out", locale, what=known.exclusions.in_(locale)))
        st.markdown(say("what.unit", locale, units=_units(metrics, locale)))
        is_worked = view.time == Time.BUSINESS and any(METRICS[metric].kind == Kind.SPAN for metric in metrics)
        if view.attribution == Attribution.CURRENT:
            st.markdown(say("what.current", locale))
        st.markdown(say("what.business" if is_worked else "what.window", locale, window=view.window()))


def _units(metrics: Sequence[str], locale: str) -> str:
    return ", ".join(dict.fromkeys(say(f"unit.{METRICS[metric].unit}", locale) for metric in metrics))


def none(metric: str, locale: str) -> str:
    """What to say when there was nothing to count."""
    return say(f"none.{metric}" if f"none.{metric}" in WORDS else "none.any", locale)


def told(view: View, metric: str, row: Row) -> tuple[str, str]:
    """A row's value as people write it, and what stands under it."""
    locale, kind = view.viewer.locale, METRICS[metric].kind
    n = look.number(row["n"], locale)
    if kind == Kind.SPAN:
        counted = say(f"counted.{metric}", locale) if f"counted.{metric}" in WORDS else ""
        times = {name: look.duration(row[name], locale) for name in ("p90", "mean")}
        return written(metric, row, locale), say("span", locale, **times, n=n, counted=counted).strip()
    if kind == Kind.SHARE:
        return written(metric, row, locale), say("share.of", locale, whole=look.duration(row["n"], locale))
    if METRICS[metric].has_interval:
        bounds = {name: look.percent(row[name], locale) for name in ("low", "high")}
        return written(metric, row, locale), say("interval", locale, **bounds, n=n)
    if kind == Kind.RATIO:
        return written(metric, row, locale), say("ratio", locale, n=n)
    is_of_end = kind == Kind.STOCK or metric in _OF_END
    return written(metric, row, locale), say("at_end" if is_of_end else "in_window", locale)


def written(metric: str, row: Row, locale: str) -> str:
    """The one value that stands for a row: of spans the median."""
    return _formatter(METRICS[metric].kind, locale)(_value(metric, row))


def _value(metric: str, row: Row) -> float:
    return float(row["p50"] if METRICS[metric].kind == Kind.SPAN else row["value"])


def _formatter(kind: Kind, locale: str) -> Callable[[float], str]:
    form = {Kind.SPAN: look.duration, Kind.RATIO: look.percent, Kind.SHARE: look.percent}.get(kind, look.number)
    return lambda value: form(value, locale)


def _compared(metric: str, row: Row | None, before: Row | None, locale: str) -> dict[str, Any]:
    """How the card shows the change since the period before."""
    if not row or not before or not _value(metric, before):
        return {}
    kind, now, then = METRICS[metric].kind, _value(metric, row), _value(metric, before)
    by = (look.points if kind in (Kind.RATIO, Kind.SHARE) else look.change)(now, then, locale)
    is_low_better = kind == Kind.SPAN or metric in _BETTER_LOW
    is_judged = kind in _JUDGED and metric not in _NEUTRAL
    return {
        "delta": by.replace("−", "-"),
        "delta_color": ("inverse" if is_low_better else "normal") if is_judged else "off",
    }


def _was(metric: str, before: Row | None, locale: str) -> str:
    if before is None:
        return say("before.none", locale)
    is_judged = METRICS[metric].kind in _JUDGED
    value, n = written(metric, before, locale), look.number(before["n"], locale)
    return say("before" if is_judged else "before.count", locale, value=value, n=n)


# -- day by day


def charts(view: View, metrics: Iterable[str], accent: str = "") -> None:
    """How these metrics went day by day, two side by side. accent: a colour of the palette other than the strawberry."""
    wanted = list(metrics)
    for start in range(0, len(wanted), 2):
        for column, metric in zip(st.columns(2), wanted[start : start + 2], strict=False):
            with column, st.container(border=True, height="stretch"):
                _chart(view, metric, accent)


def _chart(view: View, metric: str, accent: str) -> None:
    locale, by_day, kind = view.viewer.locale, view.by_day(metric), METRICS[metric].kind
    if not by_day:
        st.markdown(f"**{METRICS[metric].title.in_(locale)}**")
        st.caption(none(metric, locale))
        return
    drawn = {Kind.SPAN: _spans, Kind.RATIO: _shares, Kind.SHARE: _shares}.get(kind, _counts)
    figure, unit = drawn(view, by_day, getattr(view.palette(), accent) if accent else "")
    title = {"title": METRICS[metric].title.in_(locale), "unit": unit or say("unit.pieces", locale)}
    last = by_day.get(view.last)
    n = look.number(last["value"] if last else 0, locale)
    note = noted(view, by_day.values(), is_time=kind == Kind.SHARE)
    if kind == Kind.STOCK:
        note = say("chart.stock", locale, window=view.window(), n=n)
    key = f"chart.{metric}" if f"chart.{metric}" in WORDS else "chart.any"
    plot(figure, say(key, locale, **title), note, metric, day_of(metric, locale) if rows.can_open(metric) else None)


def plot(figure: Figure, title: str, note: str, key: str, opens: Callable[[Any], None] | None = None) -> None:
    """A chart under its sentence, which is also what those hear who do not see it. opens: what a click does with its mark."""
    with st.container(gap="xxsmall"):
        st.markdown(f"**{title}**")
        st.caption(note)
    key, alt = f"chart_{key}", f"{title}. {note}"
    clicked: Any = partial(_clicked, key, figure.marks, opens) if opens else "ignore"
    st.echarts_chart(
        figure.option, height=figure.height, theme=None, renderer="svg", key=key, alt=alt, on_select=clicked
    )


def noted(view: View, answered: Iterable[Row], *, is_time: bool = False) -> str:
    """The window and the n, as every chart says them. is_time: n is in seconds."""
    locale, n = view.viewer.locale, sum(row["n"] for row in answered)
    return say("chart.note", locale, window=view.window(), n=(look.duration if is_time else look.number)(n, locale))


def _clicked(key: str, marks: Sequence[Any], opens: Callable[[Any], None]) -> None:
    """Opens what the mark stands for. A second click on it is told as nothing chosen any more: it means the same one again."""
    chosen, last = st.session_state[key]["selection"]["selected"], f"{key}_last"
    place = chosen[0]["data_indices"][0] if chosen else st.session_state.get(last)
    if place is not None and place < len(marks):
        st.session_state[last] = place
        opens(marks[place])


def day_of(metric: str, locale: str) -> Callable[[date], None]:
    """Opens the rows of the day that was clicked."""
    return lambda day: rows.opens(metric, "day", {"day": day.isoformat()}, look.day(day, locale))


def _spans(view: View, by_day: dict[Any, Row], _accent: str) -> tuple[Figure, str]:
    locale, days = view.viewer.locale, view.days()
    unit, seconds = look.scale(max(row["p90"] for row in by_day.values()))
    series: dict[str, list[float | None]] = {
        say("median", locale): [by_day[day]["p50"] / seconds if day in by_day else None for day in days],
        "p90": [by_day[day]["p90"] / seconds if day in by_day else None for day in days],
    }
    return figures.lines(days, series, view.palette(), locale), say(unit, locale)


def _shares(view: View, by_day: dict[Any, Row], _accent: str) -> tuple[Figure, str]:
    days = view.days()
    shares: list[float | None] = [by_day[day]["value"] * 100 if day in by_day else None for day in days]
    return figures.lines(days, {"": shares}, view.palette(), view.viewer.locale), "%"


def _counts(view: View, by_day: dict[Any, Row], accent: str) -> tuple[Figure, str]:
    values = [by_day[day]["value"] if day in by_day else 0 for day in view.days()]
    return figures.bars(view.days(), values, view.palette(), view.viewer.locale, accent), ""


def way(view: View, path: str, words: str) -> None:
    """A link to a page of the workspace, in place of the whole of it."""
    if base := view.viewer.workspace_url:
        st.markdown(f'<a href="{base}{path}" target="_top">{words}</a>', unsafe_allow_html=True)


# -- by group


def table(view: View, by: str, metrics: Sequence[str]) -> None:
    """One row per group, one column per metric; the largest group first. A number that is clicked opens its rows."""
    locale = view.viewer.locale
    asked = [metric for metric in metrics if by in groups_of(METRICS[metric])]
    view.ask_at_once(asked, by)
    answers = {metric: {row[by]: row for row in view.ask(metric, by)} for metric in asked}
    groups = _ordered(by, answers)
    if not groups:
        st.caption(say("none.groups", locale))
        return
    names = {group: _name(by, group, answers, locale) for group in groups}
    key = f"table_{by}"
    values = {
        metric: [_value(metric, answered[group]) if group in answered else None for group in groups]
        for metric, answered in answers.items()
    }
    st.dataframe(
        _styled(view, by, names, values, answers),
        hide_index=True,
        # few columns stand together, so that the eye finds the number of a name
        width="content" if len(asked) < WIDE else "stretch",
        height="content" if len(groups) <= MOST_LINES else 600,
        row_height=_row_height(names.values()),
        column_config=_columns(by, asked, locale),
        placeholder="—",
        key=key,
        on_select=partial(_cell_of, key, by, groups, names),
        selection_mode="single-cell",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        note = say("table.note" if any(map(rows.can_open, asked)) else "table.grey", locale, few=FEW)
        st.caption(f"{view.window()}. {note}")
        explain(view, asked)


def _ordered(by: str, answers: dict[str, dict[Any, Row]]) -> list[Any]:
    """The groups there are: those known by name before nobody's, the largest first by the first metric that has them."""
    most: dict[Any, float] = {}
    for answered in answers.values():
        for group, row in answered.items():
            most.setdefault(group, row["n"])
    return sorted(most, key=lambda group: (group is None, -most[group]))


def _name(by: str, group: Any, answers: dict[str, dict[Any, Row]], locale: str) -> str:
    if group is None:
        return say(f"nobody.{by}" if f"nobody.{by}" in WORDS else "nobody", locale)
    if by in _WORDED and f"{by}.{group}" in WORDS:
        return say(f"{by}.{group}", locale)
    row = next(answered[group] for answered in answers.values() if group in answered)
    return str(row.get(f"{by}_name") or row.get(f"{by}_title") or group)


def _styled(
    view: View, by: str, names: dict[Any, str], values: dict[str, list[Any]], answers: dict[str, dict[Any, Row]]
) -> Any:
    """The numbers as people write them; those of few cases in grey. Sorted, they are numbers still."""
    locale, ink, grey = view.viewer.locale, f"color: {view.palette().ink}", f"color: {view.palette().ink_soft}"
    shown: dict[str, Any] = {by: list(names.values())}
    colours: dict[str, list[str]] = {by: [ink] * len(names)}
    for metric, answered in answers.items():
        shown[metric] = pl.Series(values[metric], dtype=pl.Float64)
        colours[metric] = [grey if _is_few(metric, answered.get(group)) else "" for group in names]
        if METRICS[metric].has_interval:
            shown[_range(metric)] = _ranges(answered, names, locale)
            colours[_range(metric)] = colours[metric]
    plain: Any = pl.DataFrame(shown).to_pandas()
    css: Any = pl.DataFrame(colours).to_pandas()
    form = {metric: _formatter(METRICS[metric].kind, locale) for metric in values}
    return plain.style.format(form, na_rep="—").apply(lambda _: css, axis=None)


def _row_height(names: Iterable[str]) -> int:
    """Pixels: one line, or as many as the longest name needs."""
    lines = min(max(ceil(len(name) / LINE) for name in names), MOST_NAME_LINES)
    return 35 + 19 * (lines - 1)


def _is_few(metric: str, row: Row | None) -> bool:
    return row is not None and row["n"] < FEW and METRICS[metric].kind in _JUDGED


def _range(metric: str) -> str:
    """The column beside a share in which its interval stands."""
    return f"{metric}_range"


def _ranges(answered: dict[Any, Row], groups: Iterable[Any], locale: str) -> list[str]:
    """Where each group's true share lies, and of how many; nothing where there are none."""
    found = [answered.get(group) for group in groups]
    return [
        say(
            "range.of",
            locale,
            low=look.percent(row["low"], locale),
            high=look.percent(row["high"], locale),
            n=look.number(row["n"], locale),
        )
        if row
        else ""
        for row in found
    ]


def _columns(by: str, metrics: Sequence[str], locale: str) -> dict[str, Any]:
    columns: dict[str, Any] = {by: st.column_config.Column(say(f"by.{by}", locale), pinned=True, width=180)}
    for metric in metrics:
        known = METRICS[metric]
        title = known.title.in_(locale) + (f", {say('median', locale)}" if known.kind == Kind.SPAN else "")
        columns[metric] = st.column_config.Column(title, help=known.sentence.in_(locale))
        columns[_range(metric)] = st.column_config.Column(say("range", locale))
    return columns


def _cell_of(key: str, by: str, groups: Sequence[Any], names: dict[Any, str]) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if cells and cells[0][1] in METRICS and rows.can_open(cells[0][1]):
        group = groups[cells[0][0]]
        rows.opens(cells[0][1], by, {by: group}, names[group])
