"""Questions about canned responses."""

from sqlalchemy import case
from sqlmodel import col, select

from app.database import session
from app.shortcuts.models import CannedResponse


def canned_responses(account_id: int, words: str = "") -> list[CannedResponse]:
    """All of them, or those with `words` in code or text: codes that begin so first, then codes, then texts."""
    query = select(CannedResponse).where(col(CannedResponse.account_id) == account_id)
    if not words:
        return list(session().exec(query.order_by(col(CannedResponse.short_code))))
    code, text = col(CannedResponse.short_code), col(CannedResponse.content)
    rank = case((code.istartswith(words, autoescape=True), 0), (code.icontains(words, autoescape=True), 1), else_=2)
    found = query.where(code.icontains(words, autoescape=True) | text.icontains(words, autoescape=True))
    return list(session().exec(found.order_by(rank, code)))
