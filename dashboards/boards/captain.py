"""What does Captain do, and is it of use? His drafts and what became of them, his answers, and what he left to people."""

import streamlit as st

from dashboards import gate, parts, shell
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "captain", _draw)


def _draw(view: View) -> None:
    locale = view.viewer.locale
    st.subheader(say("captain.drafts", locale), anchor=False)
    parts.cards(
        view,
        (
            "captain_drafts",
            "captain_drafts_used",
            "captain_abstentions",
            "captain_drafts_accepted",
            "captain_drafts_edited",
            "captain_drafts_rejected",
        ),
    )
    st.subheader(say("captain.answers", locale), anchor=False)
    parts.cards(
        view,
        (
            "captain_answers",
            "captain_handoffs",
            "captain_involvement",
            "captain_resolution_confirmed",
            "captain_resolution_assumed",
            "captain_resolution_durable",
            "captain_resolution_durable_30",
            "captain_harm",
        ),
    )
    parts.charts(view, ("captain_drafts", "captain_answers"), accent="sea")
    st.subheader(say("captain.why", locale), anchor=False)
    parts.table(view, "reason", ("captain_abstentions", "captain_handoffs"))
    if view.viewer.is_administrator:
        parts.way(view, "/captain/questions", say("captain.questions", locale))
        st.subheader(say("captain.help", locale), anchor=False)
        parts.cards(view.plain(), ("help_searches_empty", "help_answers"), across=2)


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
