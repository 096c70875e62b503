"""What a view shows: chosen on the page, kept in the address, so that a view can be shared."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from analytics.local_time import zone
from analytics.read import Attribution, Time
from dashboards import numbers
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say

OTHER = 0  # a period with a beginning and an end of one's own
PERIODS = (7, 30, 90, 365, OTHER)
USUAL_PERIOD = 30
EARLIEST = date(2000, 1, 1)


def chosen(viewer: Viewer, marts: Path, *, is_of_now: bool = False) -> View:
    """The view the filters choose. is_of_now: it has no period."""
    build = (viewer.account_id, marts.name)
    today = datetime.now(zone(viewer.timezone)).date()
    _begin(viewer, build, today)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if not is_of_now:
            _period(viewer.locale, today)
        _one_of("inbox", "inboxes", viewer, build, width=280)
        with st.popover(_filters_label(viewer.locale)):
            _more(viewer, build, is_of_now=is_of_now)
        if is_narrowed():
            st.button(say("filters.clear", viewer.locale), type="tertiary", on_click=_clear)
    state = st.session_state
    first, last = _days(today)
    _to_address(first, last)
    return View(
        viewer,
        marts,
        first,
        last,
        inbox_ids=(state["inbox"],) if state["inbox"] else (),
        team_ids=(state["team"],) if state["team"] else (),
        agent_ids=(state["agent"],) if state["agent"] else (),
        labels=(state["label"],) if state["label"] else (),
        time=Time(state["time"]),
        attribution=Attribution(state["attribution"]),
        is_compared=state["compare"],
    )


def shared(view: View, page: str) -> str:
    """The address in the workspace that opens this page as it stands; what is usual is not in it."""
    here = {name: st.query_params[name] for name in _IN_ADDRESS if name in st.query_params}
    return f"{view.viewer.workspace_url}/reports?{urlencode({'page': page} | here)}"


# -- from the address, and to it

_IN_ADDRESS = ("days", "from", "to", "compare", "inbox", "team", "agent", "label", "time", "attribution")


def _begin(viewer: Viewer, build: tuple[int, str], today: date) -> None:
    """Begin with what the address says, as far as it makes sense."""
    dates = _dates(st.query_params.get("from", ""), st.query_params.get("to", ""), today)
    if "dates" not in st.session_state:
        st.session_state["dates"] = dates or (today - timedelta(days=USUAL_PERIOD - 1), today)
    else:
        st.session_state["dates"] = st.session_state["dates"]
    if dates and "days" not in st.session_state:
        st.session_state["days"] = OTHER
    _from_address("days", {str(days): days for days in PERIODS}, USUAL_PERIOD)
    for name, table in (("inbox", "inboxes"), ("team", "teams"), ("agent", "agents")):
        known = numbers.names(*build, table) if viewer.is_administrator or name != "agent" else ()
        _from_address(name, {str(number): number for number in (0, *known)}, 0)
    _from_address("label", {title: title for title in ("", *numbers.names(*build, "labels").values())}, "")
    _from_address("time", {str(time): time.value for time in Time}, Time.CALENDAR.value)
    _from_address("attribution", {str(kind): kind.value for kind in Attribution}, Attribution.EVENT.value)
    _from_address("compare", {"1": True, "0": False}, False)


def _from_address(name: str, allowed: Mapping[str, Any], usual: Any) -> None:
    """Begin with what the address says, if it is one of those allowed. Said again, it outlives a change of the page."""
    chosen = st.session_state.get(name, allowed.get(st.query_params.get(name, ""), usual))
    st.session_state[name] = chosen if chosen in allowed.values() else usual


def _dates(first: str, last: str, today: date) -> tuple[date, date] | None:
    try:
        dates = date.fromisoformat(first), min(date.fromisoformat(last), today)
    except ValueError:
        return None
    return dates if EARLIEST <= dates[0] <= dates[1] else None


def _to_address(first: date, last: date) -> None:
    state = st.session_state
    is_own = state["days"] == OTHER
    says = {
        "days": str(state["days"]) if state["days"] not in (USUAL_PERIOD, OTHER) else None,
        "from": first.isoformat() if is_own else None,
        "to": last.isoformat() if is_own else None,
        "compare": "1" if state["compare"] else None,
        "time": state["time"] if state["time"] != Time.CALENDAR else None,
        "attribution": state["attribution"] if state["attribution"] != Attribution.EVENT else None,
        "label": state["label"] or None,
    }
    says |= {name: str(state[name]) if state[name] else None for name in ("inbox", "team", "agent")}
    for name, value in says.items():
        if value is not None:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]


# -- the controls

_USUAL: dict[str, Any] = {
    "inbox": 0,
    "team": 0,
    "agent": 0,
    "label": "",
    "time": Time.CALENDAR.value,
    "attribution": Attribution.EVENT.value,
    "compare": False,
}


def _period(locale: str, today: date) -> None:
    st.segmented_control(
        say("period", locale),
        PERIODS,
        required=True,
        format_func=lambda days: say(f"period.{days}", locale),
        key="days",
    )
    if st.session_state["days"] == OTHER:
        st.date_input(
            say("dates", locale), key="dates", min_value=EARLIEST, max_value=today, format="DD.MM.YYYY", width=240
        )


def _days(today: date) -> tuple[date, date]:
    """The first and the last day; while only the first has been chosen, that one."""
    if st.session_state["days"] != OTHER:
        return today - timedelta(days=st.session_state["days"] - 1), today
    dates = st.session_state["dates"] or (today,)
    return dates[0], dates[-1]


def _one_of(name: str, table: str, viewer: Viewer, build: tuple[int, str], width: int | None = None) -> None:
    known = numbers.names(*build, table)
    st.selectbox(
        say(name, viewer.locale),
        (0, *known),
        format_func=lambda number: known.get(number, say(f"{name}.all", viewer.locale)),
        key=name,
        width=width or "stretch",
    )


def _more(viewer: Viewer, build: tuple[int, str], *, is_of_now: bool) -> None:
    locale = viewer.locale
    _one_of("team", "teams", viewer, build)
    if viewer.is_administrator:
        _one_of("agent", "agents", viewer, build)
    titles = ("", *numbers.names(*build, "labels").values())
    st.selectbox(say("label", locale), titles, format_func=lambda title: title or say("label.all", locale), key="label")
    if is_of_now:
        return
    _either("time", [kind.value for kind in Time], locale)
    _either("attribution", [kind.value for kind in Attribution], locale)
    st.toggle(say("compare", locale), key="compare")


def _either(name: str, values: list[str], locale: str) -> None:
    st.segmented_control(
        say(name, locale), values, required=True, format_func=lambda value: say(f"{name}.{value}", locale), key=name
    )


def is_narrowed() -> bool:
    """Whether anything but the days is chosen otherwise than usual."""
    return any(st.session_state[name] != value for name, value in _USUAL.items())


def _clear() -> None:
    st.session_state.update(_USUAL)


def _filters_label(locale: str) -> str:
    state = st.session_state
    count = sum(state[name] != value for name, value in _USUAL.items() if name != "inbox")
    return say("filters", locale) + (f" · {count}" if count else "")
