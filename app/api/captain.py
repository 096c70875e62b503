"""Captain for programs: what he finds in the account's help centers."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp
from app.api.params import params
from app.assist import queries
from app.config import settings
from app.doors import own_account
from app.errors import Invalid
from app.i18n import _
from app.policies import policy
from captain.client import Captain

LIMIT, MOST = 5, 20
QUESTION_LIMIT = 1000


@bp.get("/api/v1/accounts/<int:account_id>/captain/search")
@policy("api_agent")
def search_articles(account_id: int) -> ResponseReturnValue:
    """The published articles that fit `q` best, `limit` of them at most, with the passage that does and its score."""
    sent = params()
    question, limit = sent.text("q", QUESTION_LIMIT), sent.number("limit") or LIMIT
    if not question:
        raise Invalid("q", _("Say in q what to look for."))
    with own_account():
        scope = queries.scope_of_account(account_id)
    if scope is None:
        return jsonify(payload=[])
    captain = Captain(settings().captain_socket, settings().captain_budget_seconds)
    return jsonify(payload=queries.search(captain, scope, question, min(max(limit, 1), MOST)))
