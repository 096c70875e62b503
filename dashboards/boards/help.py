"""Do people find their answer themselves? What is read in the help center, what helped, and what was sought in vain."""

import streamlit as st

from dashboards import gate, parts, shell
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "help", _draw, is_everybodys=False)


def _draw(view: View) -> None:
    locale, plain = view.viewer.locale, view.plain()
    st.caption(say("help.plain", locale))
    parts.cards(plain, ("help_views", "help_votes", "help_searches_empty", "help_answers"), across=2)
    parts.charts(plain, ("help_views", "help_searches_empty"))
    st.subheader(say("help.articles", locale), anchor=False)
    parts.table(plain, "article", ("help_views", "help_votes"))


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
