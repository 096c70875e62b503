"""The rows behind a number: which conversations it was made of, each a link into the workspace."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
import streamlit as st

from analytics.local_time import us, zone
from analytics.metrics import METRICS, Kind
from dashboards import look, sheets
from dashboards.numbers import MOST_ROWS, Row, View
from dashboards.words import say

# So many are drawn; all of them are in the download
MOST_SHOWN = 200
_OPENED = "opened"


def opens(metric: str, by: str | None = None, cell: Row | None = None, group: str = "") -> None:
    """Let the rows of this number be shown. group: what its cell is called."""
    st.session_state[_OPENED] = (metric, by, cell, group)


def can_open(metric: str) -> bool:
    """Whether a number of this kind is made of conversations."""
    return METRICS[metric].kind != Kind.SHARE and not metric.startswith("help_")


def opened(view: View, page: str) -> None:
    """Show the rows that were asked for on this page, if any."""
    if st.session_state.get("shown_page") != page:
        st.session_state["shown_page"] = page
        st.session_state.pop(_OPENED, None)
    if asked := st.session_state.get(_OPENED):
        _dialog(view, *asked)


def _dialog(view: View, metric: str, by: str | None, cell: Row | None, group: str) -> None:
    locale, known = view.viewer.locale, METRICS[metric]

    @st.dialog(known.title.in_(locale), width="medium", on_dismiss=_close)
    def show() -> None:
        found = view.behind(metric, by, cell)
        if group:
            st.text(group)
        talks = len({row["conversation_id"] for row in found})
        st.caption(
            f"{view.window()}. {say('rows.count', locale, n=_many(len(found), locale), talks=_many(talks, locale))}"
        )
        if not found:
            st.info(say("rows.none", locale))
            return
        heads = (say("live.conversation", locale), say("rows.when", locale), known.title.in_(locale))
        told = linked(view, [_cells(view, known.kind, row) for row in found[:MOST_SHOWN]], heads)
        st.markdown(told, unsafe_allow_html=True)
        if len(found) > MOST_SHOWN:
            st.caption(say("rows.more", locale, shown=look.number(MOST_SHOWN, locale)))
        sheets.downloads(pl.DataFrame(found, infer_schema_length=None), f"kulpunai-{metric}", "rows", locale)

    show()


def _close() -> None:
    st.session_state.pop(_OPENED, None)


def _many(count: int, locale: str) -> str:
    return look.number(count, locale) + ("+" if count == MOST_ROWS else "")


def _cells(view: View, kind: Kind, row: Row) -> tuple[int | None, list[str]]:
    """The conversation, and what to write beside it."""
    locale = view.viewer.locale
    told = [look.moment(us(datetime.fromisoformat(row["dated"])), zone(view.viewer.timezone), locale)]
    if kind == Kind.SPAN:
        told.append(look.duration(row["value"], locale))
    if kind == Kind.RATIO:
        told.append(say("yes" if row["value"] else "no", locale))
    return row["display_id"], told


def linked(view: View, lines: Sequence[tuple[int | None, Sequence[str]]], heads: tuple[str, ...] = ()) -> str:
    """A table in HTML: each conversation by its number, opened in place of the whole workspace, and what stands beside it.

    What stands beside it, and the heads, are our own words, numbers and times: no name that people gave.
    """
    base = view.viewer.workspace_url
    width = 1 + max((len(cells) for _number, cells in lines), default=0)
    head = "".join(f"<th>{word}</th>" for word in heads[:width])
    written = []
    for number, cells in lines:
        name = f"№&nbsp;{number}" if number is not None else "—"
        place = (
            f'<a href="{base}/conversations/{number}" target="_top">{name}</a>' if base and number is not None else name
        )
        written.append(f"<tr><td>{place}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{''.join(written)}</tbody></table>"
