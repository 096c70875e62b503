"""How far each reader has come in each account, and the events it could not handle."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Integer, text
from sqlmodel import Field, SQLModel

from app.columns import moment, number, words
from app.database import across_accounts


class Cursor(SQLModel, table=True):
    """Reader `reader` has handled, or parked, every event of the account up to `seq`."""

    account_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="account.id")
    reader: str = Field(primary_key=True)
    seq: int = number()


class ParkedEvent(SQLModel, table=True):
    """An event that `reader` failed on, waiting for an administrator to mend the cause and try again."""

    __tablename__ = "parked_event"

    account_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="account.id")
    reader: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    error: str = words()
    attempts: int = Field(default=1, sa_type=Integer, sa_column_kwargs={"server_default": text("1")})
    parked_at: datetime = moment(is_now=True)


@dataclass(frozen=True)
class Lag:
    """Reader `reader` is `behind` events behind in the account; the oldest of them was recorded at `since`."""

    account_id: int
    reader: str
    behind: int


def lagging(readers: list[str]) -> list[Lag]:
    """Every reader of `readers` that has something to read, in every account; one query over the small tables."""
    with across_accounts() as current:
        rows = current.connection().execute(_LAGGING, {"readers": readers})
        return [Lag(row.account_id, row.reader, row.behind) for row in rows]


_LAGGING = text(
    "select c.account_id, r.reader, c.value - coalesce(u.seq, 0) as behind"
    " from counter c cross join unnest(cast(:readers as text[])) as r (reader)"
    " left join cursor u on u.account_id = c.account_id and u.reader = r.reader"
    " where c.kind = 'event' and c.value > coalesce(u.seq, 0)"
    " order by c.account_id, r.reader"
)
