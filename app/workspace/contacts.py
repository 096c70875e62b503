"""Contacts: who writes to us."""

from collections.abc import Callable
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.clock import now
from app.contacts import actions, queries
from app.contacts.models import Contact
from app.conversations import queries as conversation_queries
from app.doors import own_account, viewer
from app.erasure.actions import erase
from app.errors import Invalid
from app.labels.actions import labels
from app.policies import policy
from app.users import queries as people
from app.workspace.activity import STATUS_NAMES
from app.workspace.blueprint import bp, done

PAGE = 50


@bp.get("/contacts")
@policy("agent")
def contacts() -> ResponseReturnValue:
    """All contacts, or those whose name, e-mail or phone holds the words."""
    words = request.args.get("q", "")[:200].replace("\x00", "").strip()
    page = max(1, min(request.args.get("page", 1, type=int), 1000))
    with own_account():
        found = queries.page(viewer().account_id, limit=PAGE + 1, offset=(page - 1) * PAGE, words=words)
        colors = {label.title: label.color for label in labels(viewer().account_id)}
    context = {"contacts": found[:PAGE], "has_more": len(found) > PAGE, "page": page, "words": words, "colors": colors}
    return render_template("workspace/contacts/page.html", now=now(), **context)


@bp.get("/contacts/<int:contact_id>")
@policy("agent")
def contact(contact_id: int) -> ResponseReturnValue:
    """One contact and his conversations."""
    with own_account():
        return _page(contact_id)


@bp.post("/contacts/<int:contact_id>")
@policy("agent")
def update_contact(contact_id: int) -> ResponseReturnValue:
    """Other facts about him."""
    fields = {
        name: request.form[name] for name in ("name", "email", "phone_number", "identifier") if name in request.form
    }
    try:
        with own_account():
            actions.update_contact(queries.contact(viewer().account_id, contact_id), by=viewer().user.actor, **fields)
    except Invalid as problem:
        with own_account():
            return _page(contact_id, problem, fields), 422
    return done(f"/contacts/{contact_id}?saved=1")


@bp.post("/contacts/<int:contact_id>/labels")
@policy("agent")
def change_contact_labels(contact_id: int) -> ResponseReturnValue:
    """One label more, or one less."""
    add, remove = request.form.get("add", "").strip().lower(), request.form.get("remove", "")

    def change(found: Contact, by: str) -> None:
        wanted = (set(found.labels) | ({add} if add else set())) - {remove}
        actions.set_labels(found, sorted(wanted), by=by)

    return _change(contact_id, change)


@bp.post("/contacts/<int:contact_id>/attributes")
@policy("agent")
def change_contact_attribute(contact_id: int) -> ResponseReturnValue:
    """One attribute written anew, or taken away."""
    form = request.form
    if "remove" in form:
        return _change(contact_id, lambda found, by: actions.forget_attributes(found, [form["remove"]], by=by))
    key, value = form.get("key", ""), form.get("value", "")
    return _change(contact_id, lambda found, by: actions.set_attribute(found, key, value, by=by))


@bp.post("/contacts/<int:contact_id>/notes")
@policy("agent")
def write_contact_note(contact_id: int) -> ResponseReturnValue:
    """One note more."""
    content, user_id = request.form.get("content", ""), viewer().user.id
    return _change(contact_id, lambda found, by: actions.write_note(found, content, user_id, by=by))


@bp.post("/contacts/<int:contact_id>/notes/<int:note_id>/deletion")
@policy("agent")
def delete_contact_note(contact_id: int, note_id: int) -> ResponseReturnValue:
    """One note less: one's own, or an administrator's decision."""

    def change(found: Contact, by: str) -> None:
        asking = viewer()
        note = queries.note_to_change(
            found.account_id, found.id, note_id, user_id=asking.user.id, is_administrator=asking.is_administrator
        )
        actions.delete_note(found, note, by=by)

    return _change(contact_id, change)


@bp.post("/contacts/<int:contact_id>/block")
@policy("agent")
def block_contact(contact_id: int) -> ResponseReturnValue:
    """Let nobody be told of his messages, or end that."""
    with own_account():
        found = queries.contact(viewer().account_id, contact_id)
        actions.block(found, not found.is_blocked, by=viewer().user.actor)
    return done(f"/contacts/{contact_id}")


@bp.post("/contacts/<int:contact_id>/deletion")
@policy("administrator")
def delete_contact(contact_id: int) -> ResponseReturnValue:
    """Take him out of everything: see app/erasure."""
    with own_account():
        erase(queries.contact(viewer().account_id, contact_id), by=viewer().user.actor)
    return redirect("/contacts?deleted=1", 303)


def known_of(found: Contact) -> dict[str, Any]:
    """What is known of him besides his addresses, for `_known.html` and `_notes.html`."""
    notes = queries.notes(found.account_id, found.id)
    return {
        "contact": found,
        "contact_notes": notes,
        "note_authors": people.users({note.user_id for note in notes}),
        "all_labels": labels(found.account_id),
    }


def _change(contact_id: int, change: Callable[[Contact, str], object]) -> ResponseReturnValue:
    with own_account():
        change(queries.contact(viewer().account_id, contact_id, lock=True), viewer().user.actor)
    return done(f"/contacts/{contact_id}")


def _page(contact_id: int, problem: Invalid | None = None, values: dict[str, Any] | None = None) -> str:
    found = queries.contact(viewer().account_id, contact_id)
    visible = conversation_queries.visible_inbox_ids(viewer().member)
    others = conversation_queries.of_contact(found.account_id, found.id, inbox_ids=visible, limit=50)
    context = {"conversations": conversation_queries.rows(others), "statuses": STATUS_NAMES, **known_of(found)}
    context["colors"] = {label.title: label.color for label in context["all_labels"]}
    return render_template("workspace/contacts/contact.html", problem=problem, values=values or {}, **context)
