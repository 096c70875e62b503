"""How are we doing? The numbers of a period side by side, and how they went day by day."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import streamlit as st

from analytics.local_time import zone
from analytics.metrics import METRICS, Kind
from dashboards import gate, look, numbers
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say

PERIODS = (7, 30, 90)
USUAL_PERIOD = 30
REFRESH_SECONDS = 10
# Below so many cases chance speaks louder than we do
FEW = 20

Row = dict[str, Any]


def show(viewer: Viewer) -> None:
    """The page."""
    home, locale = numbers.home(viewer), viewer.locale
    marts = home.current()
    st.title(say("title", locale))
    _watch(viewer, marts)
    if marts is None:
        st.info(say("unbuilt", locale), icon=":material/hourglass_empty:")
        return
    try:
        view = _filtered(viewer, marts)
        _foreword(view)
        _cards(view)
        _charts(view)
    except (duckdb.IOException, FileNotFoundError):
        # newer builds have taken this one's place while we read
        if home.current() == marts:
            raise
        st.rerun()


def _watch(viewer: Viewer, shown: Path | None) -> None:
    """Draw the page anew as soon as there is a newer build."""

    @st.fragment(run_every=REFRESH_SECONDS)
    def look_again() -> None:
        if numbers.home(viewer).current() != shown:
            st.rerun()

    look_again()


def _filtered(viewer: Viewer, marts: Path) -> View:
    """The view the filters choose; they stand in the address, so that a view can be shared."""
    locale = viewer.locale
    names = numbers.inboxes(viewer.account_id, marts.name)
    _from_address("days", PERIODS, USUAL_PERIOD)
    _from_address("inbox", (0, *names), 0)
    with st.container(horizontal=True):
        st.segmented_control(
            say("period", locale),
            PERIODS,
            required=True,
            format_func=lambda days: say(f"period.{days}", locale),
            key="days",
        )
        st.selectbox(
            say("inbox", locale),
            (0, *names),
            format_func=lambda inbox_id: names.get(inbox_id, say("inbox.all", locale)),
            key="inbox",
            width=280,
        )
    days, inbox = st.session_state["days"], st.session_state["inbox"]
    _to_address(days=days if days != USUAL_PERIOD else None, inbox=inbox or None)
    today = datetime.now(zone(viewer.timezone)).date()
    return View(viewer, marts, today - timedelta(days=days - 1), today, (inbox,) if inbox else ())


def _from_address(name: str, allowed: tuple[int, ...], usual: int) -> None:
    """Begin with what the address says, if it is one of those allowed."""
    written = st.query_params.get(name, "")
    chosen = st.session_state.get(name, int(written) if written.isascii() and written.isdigit() else usual)
    st.session_state[name] = chosen if chosen in allowed else usual


def _to_address(**chosen: int | None) -> None:
    for name, value in chosen.items():
        if value is not None:
            st.query_params[name] = str(value)
        elif name in st.query_params:
            del st.query_params[name]


def _foreword(view: View) -> None:
    """What the page is about: whose numbers, which days, how fresh, whether they can be trusted."""
    viewer, locale = view.viewer, view.viewer.locale
    known = numbers.built(viewer.account_id, view.marts.name)
    recorded = look.moment(known.recorded_us, zone(viewer.timezone), locale)
    fresh = say("fresh", locale, seq=look.number(known.seq, locale), recorded=recorded)
    if not known.seq:
        fresh = say("fresh.empty", locale)
    mine = "" if viewer.is_administrator else say("mine", locale)
    st.caption(" ".join([f"{viewer.account_name}.", f"{_window(view)}.", mine, fresh]))
    if problems := numbers.home(viewer).problems():
        st.warning(say("broken", locale, fresh=fresh), icon=":material/warning:")
        if viewer.is_administrator:
            with st.expander(say("broken.why", locale)):
                for failure in problems.failures:
                    st.text(failure)


def _window(view: View) -> str:
    locale = view.viewer.locale
    return say("window", locale, days=look.days(view.first, view.last, locale), zone=view.viewer.timezone)


# -- cards


def _cards(view: View) -> None:
    # conversations are mostly created before anybody has them: an agent's own measure is what he wrote
    volume = ("conversations", _volume) if view.viewer.is_administrator else ("messages_outgoing", _messages)
    cards = (
        ("first_response_human", _span),
        ("full_resolution", _span),
        ("sla_compliance", _sla),
        ("csat", _csat),
        volume,
        ("backlog", _backlog),
    )
    for start in range(0, len(cards), 3):
        for column, (metric, told) in zip(st.columns(3), cards[start : start + 3], strict=True):
            with column:
                _card(view, metric, told)


def _card(view: View, metric: str, told: Callable[[View, str, Row], tuple[str, str]]) -> None:
    """One number: what it is, its value, its n; and on demand what exactly it counts."""
    locale, known = view.viewer.locale, METRICS[metric]
    with st.container(border=True, height="stretch"):
        row = view.total(metric)
        nothing = say("none", locale) if known.kind in (Kind.SPAN, Kind.RATIO) else "0"
        value, details = told(view, metric, row) if row else (nothing, say(f"none.{metric}", locale))
        st.metric(known.title.in_(locale), value)
        st.caption(details)
        if row and row["n"] < FEW and known.kind in (Kind.SPAN, Kind.RATIO):
            st.caption(f":material/info: {say('few', locale)}")
        with st.popover(say("what", locale), type="tertiary"):
            st.markdown(f"**{known.title.in_(locale)}** (`{metric}`)")
            st.markdown(known.sentence.in_(locale))
            st.markdown(say("what.left_out", locale, what=known.exclusions.in_(locale)))
            st.markdown(say("what.window", locale, window=_window(view)))


def _span(view: View, metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    counted = say(f"counted.{metric}", locale)
    times = {name: look.duration(row[name], locale) for name in ("p90", "mean")}
    details = say("span", locale, **times, n=look.number(row["n"], locale), counted=counted)
    return look.duration(row["p50"], locale), details


def _sla(view: View, _metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    return look.percent(row["value"], locale), say("sla", locale, n=look.number(row["n"], locale))


def _csat(view: View, _metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    bounds = {name: look.percent(row[name], locale) for name in ("low", "high")}
    details = say("csat", locale, **bounds, n=look.number(row["n"], locale))
    if asked := view.total("response_rate"):
        rate, sent = look.percent(asked["value"], locale), look.number(asked["n"], locale)
        details += f" · {say('csat.rate', locale, rate=rate, n=sent)}"
    return look.percent(row["value"], locale), details


def _volume(view: View, _metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    messages = {direction: _count(view, f"messages_{direction}") for direction in ("incoming", "outgoing")}
    return look.number(row["value"], locale), say("volume", locale, **messages)


def _messages(view: View, _metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    return look.number(row["value"], locale), say("messages", locale, incoming=_count(view, "messages_incoming"))


def _count(view: View, metric: str) -> str:
    row = view.total(metric)
    return look.number(row["value"] if row else 0, view.viewer.locale)


def _backlog(view: View, metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    counts = {status: 0 for status in ("open", "pending", "snoozed")}
    counts |= {part["status"]: part["value"] for part in view.ask(metric, "status")}
    written = {status: look.number(count, locale) for status, count in counts.items()}
    return look.number(row["value"], locale), say("backlog", locale, **written)


# -- day by day


def _charts(view: View) -> None:
    volume = "conversations" if view.viewer.is_administrator else "messages_outgoing"
    charts = (("first_response_human", _spans), (volume, _bars), ("full_resolution", _spans), ("backlog", _stock))
    for start in range(0, len(charts), 2):
        for column, (metric, drawn) in zip(st.columns(2), charts[start : start + 2], strict=True):
            with column, st.container(border=True, height="stretch"):
                _chart(view, metric, drawn)


def _chart(view: View, metric: str, drawn: Callable[[View, dict[Any, Row]], tuple[look.Figure, str, str]]) -> None:
    locale, rows = view.viewer.locale, view.by_day(metric)
    if not rows:
        st.markdown(f"**{METRICS[metric].title.in_(locale)}**")
        st.caption(say(f"none.{metric}", locale))
        return
    figure, unit, note = drawn(view, rows)
    title = say(f"chart.{metric}", locale, unit=unit)
    st.markdown(f"**{title}**")
    st.caption(note)
    config = {"displayModeBar": False, "responsive": True}
    st.plotly_chart(figure, theme=None, config=config, key=f"chart_{metric}", alt=f"{title}. {note}")


def _spans(view: View, rows: dict[Any, Row]) -> tuple[look.Figure, str, str]:
    locale = view.viewer.locale
    unit, seconds = look.scale(max(row["p90"] for row in rows.values()))
    series = {
        say("median", locale): [rows[day]["p50"] / seconds if day in rows else None for day in view.days()],
        "p90": [rows[day]["p90"] / seconds if day in rows else None for day in view.days()],
    }
    return look.lines(view.days(), series, _palette(view), locale), say(unit, locale), _note(view, rows)


def _bars(view: View, rows: dict[Any, Row]) -> tuple[look.Figure, str, str]:
    values = [rows[day]["value"] if day in rows else 0 for day in view.days()]
    return look.bars(view.days(), values, _palette(view), view.viewer.locale), "", _note(view, rows)


def _stock(view: View, rows: dict[Any, Row]) -> tuple[look.Figure, str, str]:
    locale = view.viewer.locale
    values = [rows[day]["value"] if day in rows else 0 for day in view.days()]
    note = say("chart.stock", locale, window=_window(view), n=look.number(values[-1], locale))
    return look.bars(view.days(), values, _palette(view), locale), "", note


def _note(view: View, rows: dict[Any, Row]) -> str:
    n = look.number(sum(row["n"] for row in rows.values()), view.viewer.locale)
    return say("chart.note", view.viewer.locale, window=_window(view), n=n)


def _palette(view: View) -> look.Palette:
    return look.DARK if (st.context.theme.type or view.viewer.theme) == "dark" else look.LIGHT


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
