"""A canned response."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint

from app.columns import Row, moment, words


class CannedResponse(Row, table=True):
    """A text that `/short_code` puts into the composer."""

    __tablename__ = "canned_response"

    short_code: str = words()
    content: str = words()
    created_at: datetime = moment(is_now=True)
    updated_at: datetime = moment(is_now=True)

    __table_args__ = (UniqueConstraint("account_id", "short_code"),)

    def facts(self) -> dict[str, Any]:
        return {"canned_response_id": self.id}
