"""Questions about surveys."""

from uuid import UUID

from sqlmodel import col, select

from app.database import session
from app.errors import NotFound
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
