"""A label. Conversations and contacts carry titles; this row gives a title its colour and description."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint

from app.columns import Row, flag, moment, words


class Label(Row, table=True):
    """A word to sort by."""

    title: str = words()
    description: str = words()
    color: str = words("#1f93ff")
    show_on_sidebar: bool = flag(True)
    created_at: datetime = moment(is_now=True)

    __table_args__ = (UniqueConstraint("account_id", "title"),)

    def facts(self) -> dict[str, Any]:
        return {"label_id": self.id}
