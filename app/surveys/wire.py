"""A survey's answer in Chatwoot's JSON."""

from typing import Any

from app.contacts import wire as contact_wire
from app.conversations.queries import Row
from app.surveys.models import Survey
from app.users import wire as user_wire
from app.users.queries import Person
from app.wire import epoch


def response(found: Survey, row: Row, resolver: Person | None) -> dict[str, Any]:
    """An answered survey: of whom, about which conversation, and who had resolved it."""
    answer = {
        "id": found.id,
        "rating": found.rating,
        "feedback_message": found.comment or None,
        "csat_review_notes": None,
        "account_id": found.account_id,
        "message_id": found.message_id,
        "contact": contact_wire.contact(row.contact),
        "conversation_id": row.conversation.display_id,
        "created_at": epoch(found.answered_at or found.sent_at),
    }
    return answer | ({"assigned_agent": user_wire.agent(resolver)} if resolver else {})
