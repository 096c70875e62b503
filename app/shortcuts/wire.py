"""A canned response in Chatwoot's JSON."""

from typing import Any

from app.shortcuts.models import CannedResponse
from app.wire import iso


def canned_response(found: CannedResponse) -> dict[str, Any]:
    """The canned response."""
    return {
        "id": found.id,
        "account_id": found.account_id,
        "short_code": found.short_code,
        "content": found.content,
        "created_at": iso(found.created_at),
        "updated_at": iso(found.updated_at),
    }
