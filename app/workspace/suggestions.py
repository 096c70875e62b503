"""What Captain suggests beside a conversation: labels and canned responses, other words for a reply, alike conversations, a
summary, translations; and what the agent does with each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue

from app.assist import actions, assistance, copilot, memory
from app.assist.another import another_now
from app.assist.hints import hints
from app.assist.models import SuggestionKind, SuggestionState
from app.conversations import queries
from app.conversations.actions import set_labels
from app.doors import own_account, viewer
from app.errors import Away, NotFound
from app.i18n import N_, _, locale
from app.policies import policy
from app.shortcuts.queries import canned_responses
from app.workspace.blueprint import bp, done, part, wants_part
from app.workspace.variables import filled
from captain.client import CaptainAway
from captain.wire import Wish

ANOTHER_SECONDS = 5.0
WISH_NAMES = {
    Wish.FIX: N_("Fix mistakes"),
    Wish.SHORTER: N_("Shorter"),
    Wish.FRIENDLIER: N_("Friendlier"),
    Wish.FORMAL: N_("More formal"),
}


@contextmanager
def captain_asked() -> Iterator[None]:
    """Says calmly that Captain is not there; what the agent has written stays where it is."""
    try:
        yield
    except CaptainAway as away:
        raise Away(_("Captain does not answer just now. Nothing is lost; try again in a moment.")) from away


@bp.post("/conversations/<int:display_id>/captain/<int:draft_id>/another")
@policy("agent")
def another_draft(display_id: int, draft_id: int) -> ResponseReturnValue:
    """Another answer, from other sources; or the word that there is none."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
    with captain_asked():
        draft = another_now(viewer().account_id, found.id, draft_id, ANOTHER_SECONDS, by=viewer().user)
    return done(f"/conversations/{display_id}") if draft else _say(display_id, _("Captain knows no other answer."))


@bp.get("/conversations/<int:display_id>/hints")
@policy("agent")
def conversation_hints(display_id: int) -> ResponseReturnValue:
    """The row above the composer, as it is now."""
    with own_account():
        row = queries.row(queries.visible_to(viewer().member, display_id))
        return part(render_template("workspace/conversations/_hints.html", row=row, hints=offered_hints(row)))


@bp.post("/conversations/<int:display_id>/suggestions/<int:suggestion_id>/use")
@policy("agent")
def use_label(display_id: int, suggestion_id: int) -> ResponseReturnValue:
    """Give the conversation the label that was suggested."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        one = assistance.suggestion(found, suggestion_id, viewer().user)
        if one.kind != SuggestionKind.LABEL:
            raise NotFound(_("There is no such suggestion."))
        set_labels(found, sorted({*found.labels, one.content}), by=viewer().user.actor)
        actions.settle(found, one, SuggestionState.USED, by=viewer().user)
    return done(f"/conversations/{display_id}")


@bp.post("/conversations/<int:display_id>/suggestions/<int:suggestion_id>/dismissal")
@policy("agent")
def dismiss(display_id: int, suggestion_id: int) -> ResponseReturnValue:
    """Not this."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        one = assistance.suggestion(found, suggestion_id, viewer().user)
        actions.settle(found, one, SuggestionState.DISMISSED, by=viewer().user)
    return done(f"/conversations/{display_id}")


@bp.post("/conversations/<int:display_id>/rewriting")
@policy("agent")
def rewrite(display_id: int) -> ResponseReturnValue:
    """The words in the composer, worded anew: {"text", "suggestion", "said"}; `said` when they stay as they are."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
        wanted = assistance.reword(found, request.form.get("content", ""), request.form.get("wish", ""), viewer().user)
    with captain_asked():
        told, kept = wanted.made()
    return jsonify(
        text=told.text, suggestion=kept.id if kept else None, said="" if kept else _kept_as_it_was(told.lost)
    )


@bp.post("/conversations/<int:display_id>/messages/<int:message_id>/translation")
@policy("agent")
def translate(display_id: int, message_id: int) -> ResponseReturnValue:
    """What the customer wrote, in the agent's language."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
    with captain_asked():
        assistance.translate(viewer().account_id, found.id, message_id, "en" if locale() == "en" else "ru")
    return done(f"/conversations/{display_id}")


def wishes() -> dict[str, str]:
    """What the composer offers to do with its words."""
    return {wish: WISH_NAMES[wish] for wish in assistance.wishes()}


def offered_hints(row: queries.Row) -> list[dict[str, Any]]:
    """Each hint with the words it would put into the composer."""
    codes = {one.id: one.short_code for one in canned_responses(row.conversation.account_id)}
    shown = []
    for one in hints(row.conversation):
        code = codes.get(one.shown[0].get("canned_response_id", 0), "") if one.shown else ""
        if one.kind == SuggestionKind.LABEL or code:
            shown.append({"one": one, "text": filled(one.content, row), "code": code})
    return shown


def offered(row: queries.Row, reference: str) -> tuple[int, str] | None:
    """(the suggestion's number, the words it put into the composer) of what a script calls `12`, or `12:0` for the first
    of several; None when it cannot be that."""
    number, _colon, place = reference.partition(":")
    if not number.isdigit() or len(number) > 18:
        return None
    try:
        one = assistance.suggestion(row.conversation, int(number), viewer().user)
    except NotFound:
        return None
    if one.kind == SuggestionKind.CANNED:
        return one.id, filled(one.content, row)
    if one.kind == SuggestionKind.COPILOT:
        return one.id, copilot.sendable(one)
    if one.kind == SuggestionKind.SIMILAR:
        chosen = one.shown[int(place) :][:1] if place.isdigit() else []
        pair = memory.pair(one.account_id, chosen[0]["message_ids"]) if chosen else None
        return (one.id, pair[1]) if pair else None
    return one.id, one.content


def _say(display_id: int, words: str) -> ResponseReturnValue:
    """A word for the person, where nothing has changed."""
    return jsonify(said=words) if wants_part() else done(f"/conversations/{display_id}")


def _kept_as_it_was(lost: tuple[str, ...]) -> str:
    if lost:
        return _("Left as it was: the new wording changed facts (%(facts)s).", facts=", ".join(lost[:5]))
    return _("There is nothing to make better here.")
