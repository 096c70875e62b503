"""What Captain said to a reader of the help center, brought to people by the reader himself."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.assist.actions import HELP_CENTER_ANSWER, bring
from app.contacts.actions import identify
from app.contacts.identity import BY
from app.conversations import queries
from app.errors import Invalid
from app.i18n import _
from app.policies import policy
from app.security import digest, verified
from app.widget import given, wire
from app.widget.blueprint import api
from app.widget.messages import conversation_for, spend, told
from app.widget.visitor import visitor

LIFETIME_SECONDS = 24 * 3600


@api.post("/conversations/from_answer")
@policy("visitor")
def create_from_answer() -> ResponseReturnValue:
    """He wants a person, who is to see what was asked and answered. `answer`: our own words of it, signed."""
    asking, body = visitor(), given.body()
    signed = str(body.get("answer", ""))
    answer = verified(HELP_CENTER_ANSWER, signed, LIFETIME_SECONDS)
    if not isinstance(answer, dict) or answer["account_id"] != asking.inbox.account_id:
        raise Invalid("answer", _("This answer is too old. Write your question here."))
    key = f"answer-{digest(signed)[:32]}"
    spend(asking)
    with asking.own_account():
        place = identify(asking.inbox, asking.source_id, by=BY)
        known = queries.by_client_id(place, key)
        if known is not None:
            conversation = queries.locked(known.account_id, known.conversation_id)
        else:
            conversation = conversation_for(asking, place, body, is_new_wanted=True)
            bring(conversation, answer, key)
        said = queries.thread(conversation, public_only=True)
        return jsonify({**wire.conversation(conversation), "messages": told(said, conversation)})
