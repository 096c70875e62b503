"""What agents wrote down about contacts."""

from collections.abc import Sequence
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.contacts import ONE as CONTACT
from app.api.door import bp, change
from app.api.params import params
from app.contacts import actions, queries, wire
from app.contacts.actions import NOTE_LIMIT
from app.contacts.models import Note
from app.doors import own_account, viewer
from app.policies import policy
from app.users import queries as user_queries
from app.users import wire as user_wire

ALL = f"{CONTACT}/notes"
ONE = f"{ALL}/<int:note_id>"


@bp.get(ALL)
@policy("api_agent")
def list_notes(account_id: int, contact_id: int) -> ResponseReturnValue:
    """All notes on the contact, newest first."""
    with own_account():
        found = queries.contact(account_id, contact_id)
        return jsonify(_told(queries.notes(account_id, found.id)))


@bp.get(ONE)
@policy("api_agent")
def show_note(account_id: int, contact_id: int, note_id: int) -> ResponseReturnValue:
    """One note."""
    with own_account():
        found = queries.contact(account_id, contact_id)
        return jsonify(_told([queries.note(account_id, found.id, note_id)])[0])


@bp.post(ALL)
@policy("api_agent")
def create_note(account_id: int, contact_id: int) -> ResponseReturnValue:
    """One note more, by the caller."""
    content = params("note").text("content", NOTE_LIMIT)
    with own_account():
        found = queries.contact(account_id, contact_id, lock=True)
        made = actions.write_note(found, content, viewer().user.id, by=viewer().user.actor)
        return jsonify(_told([made])[0])


@change(ONE)
@policy("api_agent")
def update_note(account_id: int, contact_id: int, note_id: int) -> ResponseReturnValue:
    """Other words: of one's own note, or by an administrator's decision."""
    content = params("note").text("content", NOTE_LIMIT)
    with own_account():
        found = queries.contact(account_id, contact_id, lock=True)
        note = _to_change(contact_id, note_id)
        actions.rewrite_note(found, note, content, by=viewer().user.actor)
        return jsonify(_told([note])[0])


@bp.delete(ONE)
@policy("api_agent")
def delete_note(account_id: int, contact_id: int, note_id: int) -> ResponseReturnValue:
    """One note less: one's own, or by an administrator's decision."""
    with own_account():
        found = queries.contact(account_id, contact_id, lock=True)
        actions.delete_note(found, _to_change(contact_id, note_id), by=viewer().user.actor)
    return ""


def _to_change(contact_id: int, note_id: int) -> Note:
    asking = viewer()
    return queries.note_to_change(
        asking.account_id, contact_id, note_id, user_id=asking.user.id, is_administrator=asking.is_administrator
    )


def _told(notes: Sequence[Note]) -> list[dict[str, Any]]:
    """The notes with who wrote them: one query."""
    authors = user_queries.people(viewer().account_id, {note.user_id for note in notes})
    return [
        wire.note(note, user_wire.agent(authors[note.user_id]) if note.user_id in authors else None) for note in notes
    ]
