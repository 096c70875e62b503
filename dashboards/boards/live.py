"""What waits for us right now? It draws itself anew as the log goes on."""

import time

import polars as pl
import streamlit as st

from dashboards import gate, look, rows, sheets, shell
from dashboards.gate import Viewer
from dashboards.numbers import Row, View
from dashboards.words import say

REFRESH_SECONDS = 10
MOST_SHOWN = 20

_IS_OPEN = pl.col("status") == "open"
# What each card counts
_COUNTED = {
    "open": _IS_OPEN,
    "unattended": _IS_OPEN & pl.col("waiting_since_us").is_not_null(),
    "unassigned": _IS_OPEN & pl.col("agent_id").is_null(),
    "pending": pl.col("status") == "pending",
}


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "live", _draw, is_of_now=True)


def _draw(view: View) -> None:
    # waits grow by themselves; a newer build draws the whole page anew
    st.fragment(run_every=REFRESH_SECONDS)(_now)(view, view.unresolved(), view.present())


def _now(view: View, found: pl.DataFrame, present: list[Row]) -> None:
    values: list[tuple[str, str, pl.DataFrame | None]] = []
    for name, condition in _COUNTED.items():
        if name == "unassigned" and not view.viewer.is_administrator:
            continue
        counted = found.filter(condition)
        values.append((name, look.number(counted.height, view.viewer.locale), counted))
    values.append(("agents", look.number(len(present), view.viewer.locale), None))
    waiting = found.filter(_COUNTED["unattended"]).sort("waiting_since_us")
    values.append(("oldest", _oldest(view, waiting), waiting))
    _cards(view, values)
    left, right = st.columns([2, 1])
    with left, st.container(border=True):
        _waiting(view, waiting)
    with right, st.container(border=True):
        _present(view, present, found)


def _cards(view: View, values: list[tuple[str, str, pl.DataFrame | None]]) -> None:
    locale = view.viewer.locale
    for start in range(0, len(values), 3):
        for column, (name, value, counted) in zip(st.columns(3), values[start : start + 3], strict=False):
            with column, st.container(border=True, height="stretch"):
                st.metric(say(f"live.{name}", locale), value)
                with st.container(horizontal=True):
                    _explain(name, locale)
                    if counted is not None and not counted.is_empty():
                        _rows(view, name, counted)


def _explain(name: str, locale: str) -> None:
    with st.popover(say("what", locale), type="tertiary"):
        st.markdown(f"**{say(f'live.{name}', locale)}**")
        st.markdown(say(f"live.{name}.what", locale))
        st.markdown(say("what.left_out", locale, what=say("live.left_out", locale)))


def _rows(view: View, name: str, counted: pl.DataFrame) -> None:
    locale = view.viewer.locale
    with st.popover(say("rows", locale), type="tertiary"):
        st.markdown(_linked(view, counted), unsafe_allow_html=True)
        _more(counted, locale)
        sheets.downloads(
            counted.with_columns(pl.col("labels").list.join(", ")), f"kulpunai-{name}", f"live_{name}", locale
        )


def _oldest(view: View, waiting: pl.DataFrame) -> str:
    locale = view.viewer.locale
    return say("live.nobody", locale) if waiting.is_empty() else _age(waiting["waiting_since_us"][0], locale)


def _waiting(view: View, waiting: pl.DataFrame) -> None:
    locale = view.viewer.locale
    st.markdown(f"**{say('live.waiting', locale)}**")
    if waiting.is_empty():
        st.caption(say("live.calm", locale))
    else:
        st.markdown(_linked(view, waiting), unsafe_allow_html=True)
        _more(waiting, locale)


def _more(counted: pl.DataFrame, locale: str) -> None:
    """That there are more than are drawn."""
    if counted.height > MOST_SHOWN:
        numbers = {"shown": look.number(MOST_SHOWN, locale), "n": look.number(counted.height, locale)}
        st.caption(say("live.more", locale, **numbers))


def _linked(view: View, counted: pl.DataFrame) -> str:
    locale = view.viewer.locale
    lines = [
        (row["display_id"], [_age(row["waiting_since_us"], locale) if row["waiting_since_us"] else "—"])
        for row in counted.head(MOST_SHOWN).to_dicts()
    ]
    return rows.linked(view, lines, (say("live.conversation", locale), say("live.waits", locale)))


def _present(view: View, present: list[Row], found: pl.DataFrame) -> None:
    locale, names = view.viewer.locale, view.names("agents")
    st.markdown(f"**{say('live.who', locale)}**")
    if not present:
        st.caption(say("live.none", locale))
    held = dict(found.filter(_IS_OPEN).group_by("agent_id").len().iter_rows())
    for row in present:
        st.text(names.get(row["agent_id"], f"№\u00a0{row['agent_id']}"))
        load = look.number(held.get(row["agent_id"], 0), locale)
        st.caption(say("live.load", locale, presence=say(f"presence.{row['presence']}", locale), open=load))


def _age(since_us: int, locale: str) -> str:
    return look.duration(max(time.time() - since_us / 1e6, 0), locale)


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
