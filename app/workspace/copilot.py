"""Captain's half of the side pane: what the agent asks him beside a conversation. His own; colleagues have theirs."""

from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from app.assist import assistance, copilot, memory
from app.assist.models import Suggestion, SuggestionKind
from app.conversations import queries
from app.conversations.models import Conversation
from app.database import session
from app.doors import own_account, viewer
from app.policies import policy
from app.text import checked
from app.workspace.blueprint import bp, done, part, wants_part
from app.workspace.suggestions import captain_asked

QUESTION_LIMIT = 1000


@dataclass(frozen=True)
class Alike:
    """A resolved conversation as the pane shows it."""

    display_id: int
    question: str
    answer: str
    reference: str


@bp.get("/conversations/<int:display_id>/assistance")
@policy("agent")
def assistance_now(display_id: int) -> ResponseReturnValue:
    """Captain's half of the side pane, as it is now."""
    return _pane(display_id)


@bp.post("/conversations/<int:display_id>/copilot")
@policy("agent")
def ask_copilot(display_id: int) -> ResponseReturnValue:
    """A question of the agent's, and its answer."""
    words = checked("question", request.form.get("question"), QUESTION_LIMIT, required=True)
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
        wanted = copilot.asked(found, viewer().user.id, words, queries.visible_inbox_ids(viewer().member))
    with captain_asked():
        copilot.answer(wanted)
    return _mine(display_id)


@bp.post("/conversations/<int:display_id>/similar")
@policy("agent")
def find_similar(display_id: int) -> ResponseReturnValue:
    """Look for resolved conversations like this one."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
        asked, inbox_ids = assistance.question(found), queries.visible_inbox_ids(viewer().member)
    with captain_asked():
        assistance.find_alike(asked, viewer().user, inbox_ids)
    return _mine(display_id)


@bp.post("/conversations/<int:display_id>/summary")
@policy("agent")
def sum_up(display_id: int) -> ResponseReturnValue:
    """The thread in short."""
    with own_account():
        wanted = assistance.to_sum_up(queries.visible_to(viewer().member, display_id))
    with captain_asked():
        assistance.sum_up(wanted, viewer().user)
    return _mine(display_id)


def _mine(display_id: int) -> ResponseReturnValue:
    """The agent's own pane, which nobody else sees: at once, for no event has to tell of it."""
    return _pane(display_id) if wants_part() else done(f"/conversations/{display_id}?side=captain")


def _pane(display_id: int) -> ResponseReturnValue:
    with own_account():
        row = queries.row(queries.visible_to(viewer().member, display_id))
        return part(render_template("workspace/conversations/_assist.html", row=row, assist=shown(row)))


def shown(row: queries.Row) -> dict[str, Any]:
    """All that Captain's half says."""
    found, user = row.conversation, viewer().user
    similar = assistance.newest(found, SuggestionKind.SIMILAR, user_id=user.id)
    summary = assistance.newest(found, SuggestionKind.SUMMARY)
    return {
        "summary": summary,
        "is_fresh": summary is not None and assistance.is_fresh(found, summary),
        "is_long": assistance.is_long(found),
        "similar": similar,
        "alike": _alike(similar) if similar else [],
        "said": [one for one in copilot.said(found, user.id) if _quoted(one).keys() >= copilot.quoted(one)],
    }


def _quoted(one: Suggestion) -> dict[int, Conversation]:
    """The conversations it shows that the agent may see now."""
    visible = queries.visible_inbox_ids(viewer().member)
    query = select(Conversation).where(
        col(Conversation.account_id) == one.account_id, col(Conversation.id).in_(copilot.quoted(one))
    )
    return {other.id: other for other in session().exec(query) if visible is None or other.inbox_id in visible}


def _alike(similar: Suggestion) -> list[Alike]:
    """Those that the agent may still see, with what still stands in them."""
    known = _quoted(similar)
    found = []
    for place, one in enumerate(similar.shown):
        pair = memory.pair(similar.account_id, one["message_ids"])
        if pair and one["conversation_id"] in known:
            found.append(Alike(known[one["conversation_id"]].display_id, *pair, f"{similar.id}:{place}"))
    return found
