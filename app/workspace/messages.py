"""Writing: replies, notes, drafts, Captain's proposals, files."""

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app import files
from app.assist import actions as assist
from app.assist.assistance import note_use
from app.assist.queries import draft_for
from app.conversations import actions, queries
from app.conversations.actions import Writing, by_user
from app.conversations.models import Conversation, Message
from app.doors import own_account, viewer
from app.errors import Invalid, NotFound, Stale
from app.i18n import _
from app.policies import policy
from app.shortcuts.queries import canned_responses
from app.workspace.blueprint import bp, done, part
from app.workspace.suggestions import offered
from app.workspace.thread import said
from app.workspace.variables import filled


@bp.post("/conversations/<int:display_id>/messages")
@policy("agent")
def write(display_id: int) -> ResponseReturnValue:
    """A reply or a note. 409 with what is new when the thread has grown; the same `client_message_id` writes once."""
    stored, names = _uploads()
    is_note = request.form.get("kind") == "note"
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        writing = Writing(
            request.form.get("content", ""),
            client_message_id=request.form.get("client_message_id") or None,
            attachments=stored,
            file_names=names,
            in_reply_to_id=_quoted(found),
        )
        by = by_user(viewer().user)
        try:
            message = (
                actions.write_note(found, by, writing)
                if is_note
                else actions.reply(found, by, writing, seen_version=_seen())
            )
        except Stale as stale:
            return _held(found, stale)
        actions.keep_draft(found, viewer().user, "", is_private=is_note)
        if not is_note:
            assist.note_reply(found, message, by=viewer().user, proposed_id=request.form.get("captain_draft", type=int))
        used = [offered(queries.row(found), one) for one in dict.fromkeys(request.form.getlist("suggestions")[:20])]
        note_use(found, message, [one for one in used if one is not None], by=viewer().user)
        html = _rendered(found, message)
    return part(html, 201) if request.headers.get("X-Part") else done(f"/conversations/{display_id}")


@bp.get("/conversations/<int:display_id>/messages/<int:message_id>")
@policy("agent")
def message(display_id: int, message_id: int) -> ResponseReturnValue:
    """One message, as it is now."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
        return part(_rendered(found, _message(found, message_id)))


@bp.post("/conversations/<int:display_id>/messages/<int:message_id>/retry")
@policy("agent")
def send_again(display_id: int, message_id: int) -> ResponseReturnValue:
    """Try once more what failed or may not have arrived."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        actions.send_again(_message(found, message_id), by=viewer().user.actor)
    return done(f"/conversations/{display_id}")


@bp.post("/conversations/<int:display_id>/messages/<int:message_id>/deletion")
@policy("agent")
def delete(display_id: int, message_id: int) -> ResponseReturnValue:
    """Take it back, here; what the customer's app has it keeps."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        actions.delete_message(_message(found, message_id), by=viewer().user.actor)
    return done(f"/conversations/{display_id}")


@bp.put("/conversations/<int:display_id>/draft")
@bp.post("/conversations/<int:display_id>/draft")
@policy("agent")
def keep_draft(display_id: int) -> ResponseReturnValue:
    """What has been begun, kept for this agent."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
        is_note = request.form.get("kind") == "note"
        actions.keep_draft(found, viewer().user, request.form.get("content", ""), is_private=is_note)
    return "", 204


@bp.get("/conversations/<int:display_id>/captain")
@policy("agent")
def captain_draft(display_id: int) -> ResponseReturnValue:
    """Captain's proposal, if there is one now."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id)
        row = queries.row(found)
        return part(render_template("workspace/conversations/_captain.html", row=row, draft=draft_for(found)))


@bp.post("/conversations/<int:display_id>/captain/<int:draft_id>/acceptance")
@policy("agent")
def accept_draft(display_id: int, draft_id: int) -> ResponseReturnValue:
    """Send Captain's words as one's own."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        try:
            assist.accept(found, draft_id, by=viewer().user, seen_version=_seen())
        except Stale as stale:
            return _held(found, stale)
    return done(f"/conversations/{display_id}")


@bp.post("/conversations/<int:display_id>/captain/<int:draft_id>/rejection")
@policy("agent")
def reject_draft(display_id: int, draft_id: int) -> ResponseReturnValue:
    """Not this."""
    with own_account():
        found = queries.visible_to(viewer().member, display_id, lock=True)
        assist.reject(found, draft_id, by=viewer().user)
    return done(f"/conversations/{display_id}")


@bp.get("/canned-responses")
@policy("agent")
def canned() -> ResponseReturnValue:
    """What `/` offers, as it will stand in the text."""
    with own_account():
        found = canned_responses(viewer().account_id, request.args.get("q", "")[:100].replace("\x00", ""))[:20]
        display_id = request.args.get("conversation", type=int)
        row = queries.row(queries.visible_to(viewer().member, display_id)) if display_id else None
        offered = [(response, filled(response.content, row)) for response in found]
        return part(render_template("workspace/conversations/_canned.html", offered=offered))


def _uploads() -> tuple[list[files.Stored], list[str]]:
    """The files of the form, on disk before anything is said of them."""
    uploads = [upload for upload in request.files.getlist("attachments") if upload.filename]
    if len(uploads) > actions.ATTACHMENTS_LIMIT:
        raise Invalid("attachments", _("15 files at most."))
    stored = [files.put(viewer().account_id, upload.stream, upload.filename or "") for upload in uploads]
    return stored, [upload.filename or "" for upload in uploads]


def _seen() -> int | None:
    """How far the thread had grown when the author looked; None when he sends all the same."""
    return None if request.form.get("anyway") else request.form.get("seen_version", type=int)


def _quoted(found: Conversation) -> int | None:
    wanted = request.form.get("in_reply_to", type=int)
    return _message(found, wanted).id if wanted else None


def _message(found: Conversation, message_id: int) -> Message:
    message = queries.message(found.account_id, message_id)
    if message.conversation_id != found.id:
        raise NotFound(_("There is no such message."))
    return message


def _rendered(found: Conversation, message: Message) -> str:
    row = queries.row(found)
    before = queries.thread(found, before=message.id, limit=1)
    item: Any = said(row, [*before, message])[-1]
    return render_template("workspace/conversations/_message.html", row=row, item=item)


def _held(found: Conversation, stale: Stale) -> ResponseReturnValue:
    row = queries.row(found)
    last = row.last_message
    html = render_template("workspace/conversations/_held.html", row=row, reason=stale.reason, last=last)
    response = part(html, 409)
    response.headers["X-Thread-Version"] = str(found.thread_version)
    return response
