"""Labels."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp, change
from app.api.params import Params, params
from app.doors import own_account, viewer
from app.labels import actions, wire
from app.policies import policy

FIELDS = ("description", "color")


@bp.get("/api/v1/accounts/<int:account_id>/labels")
@policy("api_agent")
def list_labels(account_id: int) -> ResponseReturnValue:
    """All labels."""
    with own_account():
        return jsonify(payload=[wire.label(label) for label in actions.labels(account_id)])


@bp.get("/api/v1/accounts/<int:account_id>/labels/<int:label_id>")
@policy("api_agent")
def show_label(account_id: int, label_id: int) -> ResponseReturnValue:
    """One label."""
    with own_account():
        return jsonify(wire.label(actions.label(account_id, label_id)))


@bp.post("/api/v1/accounts/<int:account_id>/labels")
@policy("api_administrator")
def create_label(account_id: int) -> ResponseReturnValue:
    """A new label."""
    sent = params("label")
    with own_account():
        made = actions.create_label(account_id, sent.text("title"), by=viewer().user.actor, **_fields(sent))
    return jsonify(wire.label(made))


@change("/api/v1/accounts/<int:account_id>/labels/<int:label_id>")
@policy("api_administrator")
def update_label(account_id: int, label_id: int) -> ResponseReturnValue:
    """Another description, colour or place."""
    sent = params("label")
    with own_account():
        found = actions.label(account_id, label_id)
        actions.update_label(found, by=viewer().user.actor, **_fields(sent))
    return jsonify(wire.label(found))


@bp.delete("/api/v1/accounts/<int:account_id>/labels/<int:label_id>")
@policy("api_administrator")
def delete_label(account_id: int, label_id: int) -> ResponseReturnValue:
    """Take it off the list."""
    with own_account():
        actions.delete_label(actions.label(account_id, label_id), by=viewer().user.actor)
    return ""


def _fields(sent: Params) -> dict[str, object]:
    fields: dict[str, object] = {name: sent.text(name, 1000) for name in FIELDS if name in sent}
    if sent.flag("show_on_sidebar") is not None:
        fields["show_on_sidebar"] = sent.flag("show_on_sidebar")
    return fields
