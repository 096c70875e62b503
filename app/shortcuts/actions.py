"""What can be done to a canned response."""

from app.clock import now
from app.database import session
from app.errors import Invalid
from app.events.record import record
from app.i18n import _
from app.shortcuts import queries
from app.shortcuts.models import CannedResponse
from app.text import checked


def create_canned_response(account_id: int, short_code: str, content: str, *, by: str) -> CannedResponse:
    """A new canned response; its code is unique in the account."""
    made = CannedResponse(
        account_id=account_id,
        short_code=checked("short_code", short_code, 100, required=True),
        content=checked("content", content, required=True),
        created_at=now(),
    )
    if any(made.short_code == other.short_code for other in queries.canned_responses(account_id)):
        raise Invalid("short_code", _("There is a canned response of this code."))
    session().add(made)
    record("shortcut.created", made, by=by)
    return made
