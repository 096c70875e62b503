"""Captain for programs: what he finds in the account's help centers."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.door import bp
from app.api.params import params
from app.assist import queries
from app.assist.courier import draft_now
from app.assist.models import Draft
from app.config import settings
from app.conversations.models import MessageType
from app.conversations.queries import thread, visible_to
from app.doors import own_account, viewer
from app.errors import Invalid
from app.i18n import _
from app.policies import policy
from captain.client import Captain, CaptainAway

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


@bp.post("/api/v1/accounts/<int:account_id>/conversations/<int:display_id>/captain/draft")
@policy("api_agent")
def draft(account_id: int, display_id: int) -> ResponseReturnValue:
    """Captain's draft for the customer's last message, within the budget; `payload` is null when he has none."""
    with own_account():
        found = visible_to(viewer().member, display_id)
        asked = [message for message in thread(found, public_only=True) if message.message_type == MessageType.INCOMING]
    if not asked:
        return jsonify(payload=None)
    try:
        made = draft_now(account_id, asked[-1].id, settings().captain_budget_seconds)
    except CaptainAway:
        return jsonify(error=_("Captain does not answer just now.")), 503
    return jsonify(payload=None if made is None else _told(made))


def _told(made: Draft) -> dict[str, Any]:
    return {
        "id": made.id,
        "message_id": made.message_id,
        "content": made.content,
        "citations": made.citations,
        "confidence": made.confidence,
        "state": made.state,
    }
