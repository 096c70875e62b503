"""Do we keep what we promise? Targets met and missed; those still running stand apart."""

import streamlit as st

from dashboards import figures, gate, parts, shell
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "sla", _draw)


def _draw(view: View) -> None:
    locale = view.viewer.locale
    parts.cards(view, ("sla_compliance", "sla_unfinished"), across=2)
    with st.container(border=True):
        _piles(view)
    for by in ("target", "policy", "agent", "team"):
        st.subheader(say(f"sla.by_{by}", locale), anchor=False)
        parts.table(view, by, ("sla_compliance", "sla_unfinished"))


def _piles(view: View) -> None:
    locale, by_day, colours = view.viewer.locale, view.by_day("sla_compliance"), view.palette()
    if not by_day:
        st.markdown(f"**{say('sla.piles', locale)}**")
        st.caption(parts.none("sla_compliance", locale))
        return
    settled = [by_day[day]["n"] if day in by_day else 0 for day in view.days()]
    met = [round(by_day[day]["value"] * by_day[day]["n"]) if day in by_day else 0 for day in view.days()]
    missed = [n - kept for n, kept in zip(settled, met, strict=True)]
    figure = figures.piles(
        view.days(),
        {say("sla.met", locale): (met, colours.neutral), say("sla.missed", locale): (missed, colours.ember)},
        colours,
        locale,
    )
    parts.plot(
        figure,
        say("sla.piles", locale),
        parts.noted(view, by_day.values()),
        "sla",
        parts.day_of("sla_compliance", locale),
    )


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
