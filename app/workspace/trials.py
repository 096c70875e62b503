"""Other settings for an assistant, tried on the past: how they did beside those of now, and whether they may go live."""

from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.assist import assistants, trials
from app.doors import own_account, viewer
from app.errors import Invalid
from app.help_center import queries as help_center
from app.i18n import LOCALES, N_, language_name
from app.policies import policy
from app.workspace.blueprint import bp
from app.workspace.captain import MODE_NAMES, TONE_NAMES, assistant_page, wanted

OUTCOME_NAMES = {
    "right": N_("right answer"),
    "wrong": N_("wrong answer"),
    "links": N_("links"),
    "handed_over": N_("a person"),
}
# Fewer say little; the page says so
ENOUGH = 30


@bp.post("/captain/assistants/<int:assistant_id>/trials")
@policy("administrator")
def create_trial(assistant_id: int) -> ResponseReturnValue:
    """Try the settings in the form on the past; nothing of them is kept."""
    fields = wanted(request.form)
    try:
        with own_account():
            found = assistants.assistant(viewer().account_id, assistant_id)
            trial = trials.start(found, fields, by=viewer().user.actor)
    except Invalid as problem:
        return assistant_page(assistant_id, problem, fields), 422
    return redirect(f"/captain/trials/{trial.id}", 303)


@bp.get("/captain/trials/<int:trial_id>")
@policy("administrator")
def show_trial(trial_id: int) -> ResponseReturnValue:
    """How far it is, and how both sides do."""
    return _page(trial_id)


@bp.post("/captain/trials/<int:trial_id>/switch")
@policy("administrator")
def switch_trial(trial_id: int) -> ResponseReturnValue:
    """Let the assistant be as he was tried; `for=drafts` for drafts alone."""
    is_for_drafts = request.form.get("for") == "drafts"
    try:
        with own_account():
            trial = trials.trial_of(viewer().account_id, trial_id)
            found = trials.switch(trial, by=viewer().user.actor, is_for_drafts=is_for_drafts)
    except Invalid as problem:
        return _page(trial_id, problem), 422
    return redirect(f"/captain/assistants/{found.id}?saved=1", 303)


def _page(trial_id: int, problem: Invalid | None = None) -> str:
    with own_account():
        trial = trials.trial_of(viewer().account_id, trial_id)
        found = assistants.assistant(trial.account_id, trial.assistant_id)
        shown = trials.result(trial)
        context = {
            "trial": trial,
            "assistant": found,
            "shown": shown,
            "objection": trials.told(shown, trial.candidate["accepted_error"]),
            "doubt": trials.doubt(shown, trial.candidate),
            "changes": _changes(trial.account_id, trial.current, trial.candidate),
            "outcomes": OUTCOME_NAMES,
            "is_enough": len(shown.comparison.pairs) >= ENOUGH,
            "problem": problem,
        }
        return render_template("workspace/captain/trial.html", **context)


def _changes(account_id: int, current: dict[str, Any], candidate: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """[(field, now, then)] of what is tried, in words where there are any."""
    names: dict[str, dict[Any, str]] = {
        "mode": {str(key): str(value) for key, value in MODE_NAMES.items()},
        "tone": {str(key): str(value) for key, value in TONE_NAMES.items()},
        "locales": {code: language_name(code) for code in LOCALES},
    }
    portals = help_center.portals(account_id)
    names["portal_ids"] = {portal.id: portal.name for portal in portals}
    names["category_ids"] = {
        category.id: category.name
        for portal in portals
        for locale in portal.locales
        for category in help_center.categories(portal, locale)
    }
    differing = [field for field in trials.FIELDS if current[field] != candidate[field]]
    return [
        (field, *(_said(names.get(field, {}), side[field]) for side in (current, candidate))) for field in differing
    ]


def _said(names: dict[Any, str], value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(names.get(one, str(one)) for one in value)
    return names.get(value, value)
