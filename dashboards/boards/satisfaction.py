"""Are customers content, how many say so, and in what words? The score with its interval, the ratings, the comments."""

import streamlit as st

from dashboards import comments, figures, gate, parts, rows, shell
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "satisfaction", _draw)


def _draw(view: View) -> None:
    locale = view.viewer.locale
    parts.cards(view, ("csat", "response_rate"), across=2)
    with st.container(border=True):
        _ratings(view)
    parts.charts(view, ("csat", "response_rate"))
    for by in ("agent", "team", "inbox"):
        st.subheader(say(f"by.{by}", locale), anchor=False)
        parts.table(view, by, ("csat", "response_rate"))
    comments.show(view)


def _ratings(view: View) -> None:
    locale, found = view.viewer.locale, view.ask("csat", "rating")
    if not found:
        st.markdown(f"**{say('ratings', locale)}**")
        st.caption(parts.none("csat", locale))
        return
    figure = figures.ratings({row["rating"]: row["n"] for row in found}, view.palette(), locale)
    parts.plot(figure, say("ratings", locale), parts.noted(view, found), "ratings", _open)


def _open(rating: int) -> None:
    rows.opens("csat", "rating", {"rating": rating}, str(rating))


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
