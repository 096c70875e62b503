"""Are customers content, and how many say so? The score with its interval, and who answered at all."""

import streamlit as st

from dashboards import gate, parts, shell
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "satisfaction", _draw)


def _draw(view: View) -> None:
    viewer, locale = view.viewer, view.viewer.locale
    parts.cards(view, ("csat", "response_rate"), across=2)
    parts.charts(view, ("csat", "response_rate"))
    for by in ("agent", "team", "inbox"):
        st.subheader(say(f"by.{by}", locale))
        parts.table(view, by, ("csat", "response_rate"))
    st.caption(say("satisfaction.comments", locale))
    if viewer.is_administrator:
        parts.way(view, "/settings/ratings", say("satisfaction.open", locale))


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
