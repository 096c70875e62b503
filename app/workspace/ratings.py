"""What customers said of our help, and what an administrator notes beside it."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.conversations import queries as conversations
from app.conversations.models import Conversation
from app.doors import own_account, viewer
from app.errors import Invalid
from app.policies import policy
from app.surveys import actions, queries
from app.users import queries as people
from app.workspace.blueprint import bp, done


@bp.get("/settings/ratings")
@policy("administrator")
def ratings() -> ResponseReturnValue:
    """The latest answers."""
    return _page()


@bp.post("/settings/ratings/<int:survey_id>/review")
@policy("administrator")
def review_rating(survey_id: int) -> ResponseReturnValue:
    """A note for the team."""
    user = viewer().user
    try:
        with own_account():
            found = queries.survey(viewer().account_id, survey_id)
            actions.review(found, request.form.get("note", ""), user.id, by=user.actor)
    except Invalid as problem:
        return _page(problem), 422
    return done("/settings/ratings?saved=1")


def _page(problem: Invalid | None = None) -> str:
    account_id = viewer().account_id
    with own_account() as current:
        found = queries.answered(account_id)
        talks = [current.get_one(Conversation, (account_id, survey.conversation_id)) for survey in found]
        rows = {
            row.conversation.id: row for row in conversations.rows(list({talk.id: talk for talk in talks}.values()))
        }
        names = people.users({survey.resolver_id for survey in found if survey.resolver_id})
    return render_template("workspace/settings/ratings.html", surveys=found, rows=rows, names=names, problem=problem)
