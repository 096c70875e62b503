"""Asking for a rating, and taking it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import col, select

from app.clock import now
from app.config import settings
from app.contacts.actions import touch
from app.conversations.actions import Writing, by_contact, change_content_attributes, write_template
from app.conversations.models import Conversation, Message
from app.conversations.queries import locked
from app.database import session
from app.errors import Invalid, NotFound
from app.events.record import record
from app.i18n import _, speaking
from app.inboxes.models import Channel, Inbox
from app.surveys.models import Survey
from app.text import checked

# So long may the customer change his mind
CHANGEABLE = timedelta(days=14)


def ask(
    conversation: Conversation, *, resolved_seq: int, resolver_id: int | None, team_id: int | None, locale: str
) -> Survey | None:
    """Ask how this resolution was; once for each. None if it was asked already.

    The website's chat shows the question in place; everywhere else it comes with the address of a page.
    """
    query = select(Survey).where(
        col(Survey.account_id) == conversation.account_id,
        col(Survey.conversation_id) == conversation.id,
        col(Survey.resolved_seq) == resolved_seq,
    )
    if session().exec(query).first() is not None:
        return None
    uuid = uuid4()
    with speaking(locale):
        words = _("How was our help? Your rating takes a second.")
    inbox = session().get_one(Inbox, (conversation.account_id, conversation.inbox_id))
    if inbox.channel != Channel.WEBSITE:
        words += f"\n{settings().public_url}/survey/{uuid}"
    writing = Writing(words, content_type="input_csat")
    message = write_template(conversation, writing)
    survey = Survey(
        account_id=conversation.account_id,
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        message_id=message.id,
        uuid=uuid,
        resolved_seq=resolved_seq,
        resolver_id=resolver_id,
        team_id=team_id,
        sent_at=now(),
    )
    session().add(survey)
    session().flush()
    record("csat.sent", conversation, by="automation", **_facts(survey))
    return survey


def answer(survey: Survey, rating: object, comment: object = "") -> None:
    """Take the rating, 1 to 5, and the comment; the last answer counts. Invalid for other numbers or too late."""
    if isinstance(rating, str) and rating.isdigit():
        rating = int(rating)
    if not isinstance(rating, int) or isinstance(rating, bool) or not 1 <= rating <= 5:
        raise Invalid("rating", _("Choose from 1 to 5."))
    if survey.sent_at + CHANGEABLE < now():
        raise Invalid("rating", _("It is too late to rate this conversation."))
    words = checked("comment", comment, 5000)
    if survey.rating == rating and survey.comment == words:
        return
    conversation = locked(survey.account_id, survey.conversation_id)
    touch(survey.account_id, survey.contact_id)
    survey.rating, survey.comment, survey.answered_at = rating, words, now()
    by = by_contact(survey.contact_id).actor
    record("csat.answered", conversation, by=by, rating=rating, **_facts(survey))
    if survey.message_id is not None:
        message = session().get_one(Message, (survey.account_id, survey.message_id))
        values = {"csat_survey_response": {"rating": rating, "feedback_message": words}}
        change_content_attributes(message, {"submitted_values": values}, by=by)


def review(survey: Survey, note: object, reviewer_id: int, *, by: str) -> None:
    """What an administrator thinks of the answer, for the team alone."""
    wanted = checked("note", note, 5000)
    if wanted == survey.review_note:
        return
    survey.review_note, survey.reviewer_id, survey.reviewed_at = wanted, reviewer_id, now()
    conversation = locked(survey.account_id, survey.conversation_id)
    record("csat.reviewed", conversation, by=by, **_facts(survey))


def of_message(account_id: int, message_id: int) -> Survey:
    """The survey that a message asks. NotFound if it asks none."""
    query = select(Survey).where(col(Survey.account_id) == account_id, col(Survey.message_id) == message_id)
    found = session().exec(query).first()
    if found is None:
        raise NotFound(_("There is no such survey."))
    return found


def _facts(survey: Survey) -> dict[str, Any]:
    return {"survey_id": survey.id, "resolver_id": survey.resolver_id, "resolver_team_id": survey.team_id}
