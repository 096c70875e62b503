"""The page where a customer rates a resolution, for channels that cannot show the question in place."""

from uuid import UUID

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.models import Account
from app.database import across_accounts, transaction
from app.errors import Invalid, Problem
from app.i18n import _, speak
from app.policies import policy
from app.surveys import actions, queries
from app.surveys.models import Survey
from app.widget.blueprint import pages


@pages.get("/survey/<uuid:uuid>")
@policy("public")
def survey(uuid: UUID) -> ResponseReturnValue:
    """Five faces and room for a word; whoever has the address may answer, and change his mind for two weeks."""
    return _page(uuid, is_answered="thanks" in request.args)


@pages.post("/survey/<uuid:uuid>")
@policy("public")
def answer_survey(uuid: UUID) -> ResponseReturnValue:
    """The rating counts at once."""
    found = _find(uuid)
    try:
        with transaction(found.account_id) as current:
            mine = current.get_one(Survey, (found.account_id, found.id), with_for_update=True)
            actions.answer(mine, request.form.get("rating"), request.form.get("comment", "")[:5000])
    except Invalid as problem:
        return _page(uuid, problem), 422
    return redirect(f"/survey/{uuid}?thanks=1", 303)


def _page(uuid: UUID, problem: Problem | None = None, *, is_answered: bool = False) -> str:
    found = _find(uuid)
    rates = [_("Terrible"), _("Bad"), _("So-so"), _("Good"), _("Excellent")]
    context = {"survey": found, "rates": rates, "problem": problem, "is_answered": is_answered}
    return render_template("widget/survey.html", **context)


def _find(uuid: UUID) -> Survey:
    with across_accounts() as current:
        found = queries.by_uuid(uuid)
        account = current.get_one(Account, found.account_id)
    speak(account.locale, account.timezone)
    return found
