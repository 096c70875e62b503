"""Where do people write to us, and how does it go there? Inbox by inbox, then channel by channel."""

import streamlit as st

from dashboards import gate, parts, shell
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "inboxes", _draw)


def _draw(view: View) -> None:
    for by in ("inbox", "channel"):
        st.subheader(say(f"by.{by}", view.viewer.locale), anchor=False)
        parts.table(view, by, parts.COMPARED)


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
