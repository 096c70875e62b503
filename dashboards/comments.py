"""What customers wrote beside their ratings. Their words stay where they can be erased: the workspace is asked for them,
for one viewer at a time, and decides anew what he may read; nothing of them is kept here."""

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from analytics.local_time import us, zone
from dashboards import look, parts, workspace
from dashboards.gate import Viewer
from dashboards.numbers import View
from dashboards.words import say

# So many of the newest ratings are looked through
MOST_LOOKED_AT = 2000
# … and so many drawn
MOST_SHOWN = 30


@dataclass(frozen=True)
class Comment:
    """A rating, 1 to 5, with words beside it; `note` is the team's, for administrators."""

    seq: int
    rating: int
    comment: str
    note: str


def show(view: View) -> None:
    """The comments to the ratings that the view counts, the latest first."""
    locale = view.viewer.locale
    st.subheader(say("comments", locale), anchor=False)
    counted = {row["seq"]: row for row in view.behind("csat", None, None)[:MOST_LOOKED_AT]}
    found = asked(view.viewer, list(counted)) if counted else []
    if found is None:
        st.info(say("comments.away", locale), icon=":material/cloud_off:")
    elif not found:
        st.caption(say("comments.none", locale))
    for comment in (found or [])[:MOST_SHOWN]:
        with st.container(border=True):
            _draw(view, comment, counted[comment.seq]["display_id"], counted[comment.seq]["dated"])
    if len(found or []) > MOST_SHOWN:
        st.caption(say("comments.more", locale, shown=MOST_SHOWN))
    if view.viewer.is_administrator:
        parts.way(view, "/settings/ratings", say("comments.open", locale))


def asked(viewer: Viewer, seqs: list[int]) -> list[Comment] | None:
    """What stands beside the ratings with these numbers in the log; None when the workspace does not answer."""
    who = {"account_id": viewer.account_id, "user_id": viewer.user_id}
    try:
        told = workspace.ask(viewer.workspace_url, "/reports/ratings", **who, seqs=seqs)["ratings"]
    except (OSError, ValueError, KeyError):
        return None
    return [Comment(row["seq"], row["rating"], row["comment"], row.get("note", "")) for row in told]


def _draw(view: View, comment: Comment, display_id: int | None, dated: str) -> None:
    """Words of people are drawn as they are, and never as Markdown."""
    locale = view.viewer.locale
    when = look.moment(us(datetime.fromisoformat(dated)), zone(view.viewer.timezone), locale)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{say('comments.rating', locale, rating=comment.rating)}**")
        if display_id is not None:
            parts.way(view, f"/conversations/{display_id}", f"№&nbsp;{display_id}")
        st.caption(when)
    if comment.comment:
        st.text(comment.comment)
    if comment.note:
        st.caption(say("comments.note", locale))
        st.text(comment.note)
