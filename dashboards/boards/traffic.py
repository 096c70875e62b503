"""How much comes in, how much goes out, and when? Volumes day by day, and the week by its hours."""

from functools import partial

import streamlit as st

from analytics.metrics import METRICS
from dashboards import figures, gate, look, parts, rows, shell
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say

# What the week by its hours can count; resolves are the rows of their own metric
_BY_HOUR = ("messages_incoming", "conversations", "episode_resolution")


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "traffic", _draw)


def _draw(view: View) -> None:
    parts.cards(
        view, ("conversations", "messages_incoming", "messages_outgoing", "backlog", "one_touch", "reopen_rate")
    )
    parts.charts(view, ("conversations", "backlog", "messages_incoming", "messages_outgoing"))
    with st.container(border=True):
        _heat(view)


def _heat(view: View) -> None:
    locale = view.viewer.locale
    st.session_state.setdefault("by_hour", _BY_HOUR[0])
    st.segmented_control(
        say("traffic.what", locale),
        _BY_HOUR,
        required=True,
        format_func=lambda metric: METRICS[metric].title.in_(locale),
        key="by_hour",
    )
    metric = st.session_state["by_hour"]
    answered = view.ask(metric, "weekday_hour")
    title = METRICS[metric].title.in_(locale)
    if not answered:
        st.markdown(f"**{title}**")
        st.caption(parts.none(metric, locale))
        return
    counts = {(row["weekday"], row["hour"]): row["n"] for row in answered}
    parts.plot(
        figures.heat(counts, view.palette(), locale),
        say("traffic.heat", locale, title=title[:1].lower() + title[1:]),
        parts.noted(view, answered),
        f"heat_{metric}",
        partial(_hour_of, metric, locale),
    )
    parts.explain(view, [metric])


def _hour_of(metric: str, locale: str, cell: tuple[int, int]) -> None:
    weekday, hour = cell
    name = f"{look.weekday(weekday, locale)}, {hour:02d}:00"
    rows.opens(metric, "weekday_hour", {"weekday": weekday, "hour": hour}, name)


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
