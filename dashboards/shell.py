"""What every page has: its title, how fresh it is, its filters, the states in which there is nothing to see, and the way out."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import streamlit as st

from analytics.local_time import zone
from analytics.metrics import METRICS
from dashboards import filters, look, numbers, rows, sheets
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say

REFRESH_SECONDS = 10


def show(
    viewer: Viewer, page: str, draw: Callable[[View], None], *, is_of_now: bool = False, is_everybodys: bool = True
) -> None:
    """The page of that name, drawn by `draw`. is_of_now: it has no period. is_everybodys: agents see it too."""
    home, locale = numbers.home(viewer), viewer.locale
    marts = home.current()
    st.title(say(f"page.{page}", locale), anchor=False)
    if not (is_everybodys or viewer.is_administrator):
        st.info(say("administrators", locale), icon=":material/lock:")
        return
    _watch(viewer, marts)
    if marts is None:
        st.info(say("unbuilt", locale), icon=":material/hourglass_empty:")
        return
    try:
        view = filters.chosen(viewer, marts, is_of_now=is_of_now)
        _foreword(view, is_of_now=is_of_now)
        above = st.container()
        draw(view)
        if view.shown and not any(view.shown.values()) and numbers.built(viewer.account_id, marts.name).seq:
            above.info(say("empty.filters" if filters.is_narrowed() else "empty", locale), icon=":material/search_off:")
        _take_away(view, page)
        rows.opened(view, page)
    except (duckdb.IOException, FileNotFoundError):
        if home.current() != marts:
            # newer builds have taken this one's place while we read
            st.rerun()
        if not numbers.is_old(marts):
            raise
        st.info(say("preparing", locale), icon=":material/hourglass_empty:")


def _watch(viewer: Viewer, shown: Path | None) -> None:
    """Draw the page anew as soon as there is a newer build."""

    @st.fragment(run_every=REFRESH_SECONDS)
    def look_again() -> None:
        if numbers.home(viewer).current() != shown:
            st.rerun()

    look_again()


def _foreword(view: View, *, is_of_now: bool) -> None:
    """What the page is about: whose numbers, which days, how fresh, whether they can be trusted."""
    viewer, locale = view.viewer, view.viewer.locale
    known = numbers.built(viewer.account_id, view.marts.name)
    recorded = look.moment(known.recorded_us, zone(viewer.timezone), locale)
    fresh = say("fresh", locale, seq=look.number(known.seq, locale), recorded=recorded)
    if not known.seq:
        fresh = say("fresh.empty", locale)
    mine = "" if viewer.is_administrator else say("mine", locale)
    period = say("now", locale) if is_of_now else f"{view.window()}."
    st.caption(" ".join([f"{viewer.account_name}.", period, mine, fresh]))
    if problems := numbers.home(viewer).problems():
        st.warning(say("broken", locale, fresh=fresh), icon=":material/warning:")
        if viewer.is_administrator:
            with st.expander(say("broken.why", locale)):
                for failure in problems.failures:
                    st.text(failure)


# -- the way out


def _take_away(view: View, page: str) -> None:
    """What the page shows, as a table; and an address that shows it to others."""
    locale = view.viewer.locale
    with st.container(horizontal=True, vertical_alignment="center"):
        sheets.downloads(_asked(view), f"kulpunai-{page}-{view.first}-{view.last}", f"page_{page}", locale)
        if view.viewer.workspace_url:
            with st.popover(say("share", locale), type="tertiary", icon=":material/link:"):
                st.caption(say("share.how", locale))
                st.code(filters.shared(view, page), language=None)


def _asked(view: View) -> pl.DataFrame:
    """Every answer on the page: metric, unit, what it is grouped by and the group, then what analytics.read says."""
    told = [
        {
            "metric": query.metric,
            "unit": METRICS[query.metric].unit.value,
            "by": query.by,
            "group": _group(query.by, row),
        }
        | {name: row.get(name) for name in ("n", "mean", "p50", "p90", "value", "low", "high")}
        for query, answered in view.shown.items()
        for row in answered
    ]
    schema: dict[str, type[pl.DataType]] = {name: pl.String for name in ("metric", "unit", "by", "group")}
    schema |= {name: pl.Float64 for name in ("n", "mean", "p50", "p90", "value", "low", "high")}
    return pl.DataFrame(told, schema=schema, orient="row", strict=False)


def _group(by: str | None, row: numbers.Row) -> str | None:
    if by is None:
        return None
    if by == "weekday_hour":
        return f"{row['weekday']} {row['hour']:02d}:00"
    named = row.get(f"{by}_name") or row.get(f"{by}_title")
    return str(row[by] if named is None else named) if row[by] is not None else None
