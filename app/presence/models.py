"""Where each agent is just now."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint
from sqlmodel import Field, SQLModel

from app.columns import moment, number, words


class AgentPresence(SQLModel, table=True):
    """What the log was told last. beat_at: when his workspace was last heard of; looked_at: when he last did something
    in conversation `conversation_id`, which he has before him."""

    __tablename__ = "agent_presence"

    account_id: int = Field(primary_key=True, sa_type=BigInteger)
    user_id: int = Field(primary_key=True, sa_type=BigInteger)
    presence: str = words("offline")
    beat_at: datetime | None = moment()
    conversation_id: int | None = number(nullable=True)
    looked_at: datetime | None = moment()

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "user_id"], ["account_user.account_id", "account_user.user_id"]),
    )
