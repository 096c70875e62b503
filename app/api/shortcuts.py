"""Canned responses."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp
from app.api.params import params
from app.doors import own_account, viewer
from app.policies import policy
from app.shortcuts import actions, queries, wire
from app.text import CONTENT_LIMIT


@bp.get("/api/v1/accounts/<int:account_id>/canned_responses")
@policy("api_agent")
def list_canned_responses(account_id: int) -> ResponseReturnValue:
    """All of them, or those found by `search`, the best first."""
    with own_account():
        found = queries.canned_responses(account_id, params().text("search"))
    return jsonify([wire.canned_response(one) for one in found])


@bp.post("/api/v1/accounts/<int:account_id>/canned_responses")
@policy("api_agent")
def create_canned_response(account_id: int) -> ResponseReturnValue:
    """A new canned response."""
    sent = params("canned_response")
    short_code, content = sent.text("short_code"), sent.text("content", CONTENT_LIMIT)
    with own_account():
        made = actions.create_canned_response(account_id, short_code, content, by=viewer().user.actor)
    return jsonify(wire.canned_response(made))
