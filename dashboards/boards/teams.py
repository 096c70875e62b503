"""Which team carries what, and how does it go there? By the team of that time, or as of today."""

import streamlit as st

from dashboards import gate, parts, shell
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "teams", _draw)


def _draw(view: View) -> None:
    st.caption(say("then", view.viewer.locale))
    parts.table(view, "team", parts.COMPARED)


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
