"""Questions about surveys."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import BigInteger, and_, cast, or_
from sqlmodel import col, select

from app.database import session
from app.errors import NotFound
from app.events.log import Event
from app.i18n import _
from app.surveys.models import Survey


def by_uuid(uuid: UUID) -> Survey:
    """The survey of that address, in whatever account. NotFound when there is none."""
    found = session().exec(select(Survey).where(col(Survey.uuid) == uuid)).first()
    if found is None:
        raise NotFound(_("There is no such survey."))
    return found


def survey(account_id: int, survey_id: int) -> Survey:
    """A survey of the account. NotFound for any other."""
    found = session().get(Survey, (account_id, survey_id))
    if found is None:
        raise NotFound(_("There is no such survey."))
    return found


def answered(account_id: int, limit: int = 100) -> list[Survey]:
    """The surveys that were answered, the latest first."""
    query = select(Survey).where(col(Survey.account_id) == account_id, col(Survey.answered_at).is_not(None))
    return list(session().exec(query.order_by(col(Survey.answered_at).desc(), col(Survey.id).desc()).limit(limit)))


def worded(account_id: int, seqs: Collection[int], limit: int = 50) -> list[tuple[Event, Survey]]:
    """Answers, by their place in the log, with the surveys in which words stand beside the rating; the latest first."""
    survey_id = cast(col(Event.data)["survey_id"].astext, BigInteger)
    query = select(Event, Survey).join(
        Survey, and_(col(Survey.account_id) == col(Event.account_id), col(Survey.id) == survey_id)
    )
    is_worded = or_(col(Survey.comment) != "", col(Survey.review_note) != "")
    wanted = query.where(
        col(Event.account_id) == account_id, col(Event.seq).in_(seqs), col(Event.name) == "csat.answered", is_worded
    )
    return list(session().exec(wanted.order_by(col(Event.occurred_at).desc(), col(Event.seq).desc()).limit(limit)))
