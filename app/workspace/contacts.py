"""Contacts: who writes to us."""

from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.clock import now
from app.contacts import actions, queries
from app.conversations import queries as conversation_queries
from app.doors import own_account, viewer
from app.erasure.actions import erase
from app.errors import Invalid
from app.labels.actions import labels
from app.policies import policy
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
    return done(f"/contacts/{contact_id}")


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


def _page(contact_id: int, problem: Invalid | None = None, values: dict[str, Any] | None = None) -> str:
    found = queries.contact(viewer().account_id, contact_id)
    visible = conversation_queries.visible_inbox_ids(viewer().member)
    others = conversation_queries.of_contact(found.account_id, found.id, inbox_ids=visible, limit=50)
    context = {"contact": found, "conversations": conversation_queries.rows(others), "statuses": STATUS_NAMES}
    return render_template("workspace/contacts/contact.html", problem=problem, values=values or {}, **context)
