"""A survey: asked at one resolution, answered at most once more often than changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, UniqueConstraint, Uuid, text
from sqlmodel import Field

from app.columns import Row, belongs_to, moment, number, reference, words


class Survey(Row, table=True):
    """One question, 1 to 5 and a comment, about one resolution; attributed to who resolved and which team it was then."""

    conversation_id: int = reference()
    contact_id: int = reference()
    message_id: int | None = reference(nullable=True)
    uuid: Any = Field(default=None, sa_column=Column(Uuid, nullable=False, server_default=text("gen_random_uuid()")))
    resolved_seq: int = number()
    resolver_id: int | None = number(nullable=True)
    team_id: int | None = number(nullable=True)
    rating: int | None = Field(default=None, sa_type=Integer)
    comment: str = words()
    sent_at: datetime = moment(is_now=True)
    answered_at: datetime | None = moment()
    review_note: str = words()
    reviewer_id: int | None = number(nullable=True)
    reviewed_at: datetime | None = moment()

    __table_args__ = (
        belongs_to("conversation", "conversation_id"),
        belongs_to("contact", "contact_id"),
        UniqueConstraint("account_id", "conversation_id", "resolved_seq"),
        Index("ix_survey_uuid", "uuid", unique=True),
    )
