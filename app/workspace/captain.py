"""Captain's own desk: assistants, what they know, questions put to them on trial, and how they see an article."""

from dataclasses import asdict
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ImmutableMultiDict

from app import files
from app.assist import actions, assistants, gaps, insight, reading, reembedding, trials
from app.assist.models import Assistant, Document, DocumentState, Mode, Source, SourceKind, Tone, TrialState
from app.assist.wishes import language
from app.conversations.queries import visible_inbox_ids
from app.database import session
from app.doors import own_account, viewer
from app.errors import Invalid, NotFound
from app.help_center import queries as help_center
from app.help_center.models import Article, Portal
from app.i18n import LOCALES, N_, _
from app.inboxes.queries import inboxes
from app.policies import policy
from app.workspace.blueprint import bp

MODE_NAMES = {
    Mode.OFF: N_("off"),
    Mode.DRAFTS: N_("drafts for agents"),
    Mode.ANSWERS: N_("answers customers"),
}
TONE_NAMES = {Tone.FRIENDLY: N_("friendly"), Tone.FORMAL: N_("formal")}
# Of a hundred answers so many may be wrong
ERRORS = (1, 2, 5, 10, 15, 20, 30)
TRIAL_NAMES = {
    TrialState.WAITING: N_("under way"),
    TrialState.RUNNING: N_("under way"),
    TrialState.DONE: N_("over"),
    TrialState.STOPPED: N_("stopped"),
    TrialState.FAILED: N_("given up"),
}


@bp.get("/captain")
@policy("administrator")
def captain() -> ResponseReturnValue:
    """All assistants: whom they serve and how."""
    return _assistants_page()


@bp.post("/captain/assistants")
@policy("administrator")
def create_assistant() -> ResponseReturnValue:
    """One more."""
    try:
        with own_account():
            made = actions.create_assistant(viewer().account_id, request.form.get("name", ""), by=viewer().user.actor)
    except Invalid as problem:
        return _assistants_page(problem), 422
    return redirect(f"/captain/assistants/{made.id}", 303)


@bp.get("/captain/assistants/<int:assistant_id>")
@policy("administrator")
def assistant(assistant_id: int) -> ResponseReturnValue:
    """One assistant."""
    return assistant_page(assistant_id)


@bp.post("/captain/assistants/<int:assistant_id>")
@policy("administrator")
def update_assistant(assistant_id: int) -> ResponseReturnValue:
    """Other settings for him."""
    form, fields = request.form, wanted(request.form)
    fields |= {name: form[name] for name in ("name", "greeting") if name in form}
    inbox_ids = _numbers("inbox_ids")
    try:
        with own_account():
            found = assistants.assistant(viewer().account_id, assistant_id)
            trials.refuse_worse(found, fields)
            actions.change_assistant(found, by=viewer().user.actor, inbox_ids=inbox_ids, **fields)
    except Invalid as problem:
        return assistant_page(assistant_id, problem, fields), 422
    return redirect(f"/captain/assistants/{assistant_id}?saved=1", 303)


def wanted(form: ImmutableMultiDict[str, str]) -> dict[str, Any]:
    """The settings in the form that may be tried first."""
    fields: dict[str, Any] = {name: form[name] for name in ("tone", "instructions", "mode") if name in form}
    if "error_percent" in form:
        fields["accepted_error"] = (form.get("error_percent", type=float) or 0) / 100
    for name in ("portal_ids", "category_ids"):
        fields[name] = [int(value) for value in form.getlist(name) if value.isdigit()]
    fields["locales"] = form.getlist("locales")
    return fields


@bp.post("/captain/assistants/<int:assistant_id>/deletion")
@policy("administrator")
def delete_assistant(assistant_id: int) -> ResponseReturnValue:
    """Without him."""
    try:
        with own_account():
            actions.delete_assistant(assistants.assistant(viewer().account_id, assistant_id), by=viewer().user.actor)
    except Invalid as problem:
        return assistant_page(assistant_id, problem), 422
    return redirect("/captain?saved=1", 303)


# -- what he knows


@bp.get("/captain/sources")
@policy("administrator")
def captain_sources() -> ResponseReturnValue:
    """Files and addresses that an assistant reads besides the help center."""
    return _sources_page()


@bp.post("/captain/assistants/<int:assistant_id>/sources")
@policy("administrator")
def add_source(assistant_id: int) -> ResponseReturnValue:
    """A file, a page, a site."""
    form, upload, by = request.form, request.files.get("file"), viewer().user.actor
    try:
        stored = files.put(viewer().account_id, upload.stream) if upload and upload.filename else None
        with own_account():
            found = assistants.assistant(viewer().account_id, assistant_id)
            if stored is not None and upload is not None:
                source = actions.add_file(found, stored.path, upload.filename or "", stored.content_type, by=by)
            else:
                every = form.get("every_hours", 24, type=int)
                source = actions.add_address(found, form.get("kind", ""), form.get("url", ""), by=by, every_hours=every)
            reading.owe_reading(source)
    except Invalid as problem:
        return _sources_page(problem), 422
    return redirect(f"/captain/sources?assistant={assistant_id}", 303)


@bp.post("/captain/sources/<int:source_id>/reading")
@policy("administrator")
def read_source(source_id: int) -> ResponseReturnValue:
    """Read it again now."""
    with own_account():
        source = _source(source_id)
        reading.owe_reading(source)
    return redirect(f"/captain/sources?assistant={source.assistant_id}", 303)


@bp.post("/captain/sources/<int:source_id>/deletion")
@policy("administrator")
def delete_source(source_id: int) -> ResponseReturnValue:
    """Forget it."""
    with own_account():
        source = _source(source_id)
        actions.remove_source(source, by=viewer().user.actor)
    return redirect(f"/captain/sources?assistant={source.assistant_id}", 303)


@bp.get("/captain/questions")
@policy("administrator")
def captain_questions() -> ResponseReturnValue:
    """Pairs of question and answer, those that wait for a look first."""
    return _questions_page()


@bp.post("/captain/assistants/<int:assistant_id>/questions")
@policy("administrator")
def create_question(assistant_id: int) -> ResponseReturnValue:
    """One more pair, known at once: an administrator has written it."""
    form, by = request.form, viewer().user.actor
    try:
        with own_account():
            found = assistants.assistant(viewer().account_id, assistant_id)
            actions.suggest_pair(found, form.get("title", ""), form.get("content", ""), by=by)
    except Invalid as problem:
        return _questions_page(problem), 422
    return redirect(f"/captain/questions?assistant={assistant_id}", 303)


@bp.post("/captain/questions/<int:document_id>")
@policy("administrator")
def decide_question(document_id: int) -> ResponseReturnValue:
    """Other words for it, and whether Captain may know it."""
    form, by = request.form, viewer().user.actor
    try:
        with own_account():
            pair = session().get(Document, (viewer().account_id, document_id))
            if pair is None or pair.kind != "faq":
                raise NotFound(_("There is no such pair."))
            actions.change_pair(pair, form.get("title", pair.title), form.get("content", pair.content), by=by)
            if form.get("state", "") in set(DocumentState):
                actions.decide(pair, DocumentState(form["state"]), by=by)
    except Invalid as problem:
        return _questions_page(problem, document_id), 422
    return redirect(f"/captain/questions?assistant={pair.assistant_id}", 303)


@bp.get("/captain/gaps")
@policy("administrator")
def captain_gaps() -> ResponseReturnValue:
    """What customers asked and nobody but a person could answer."""
    with own_account():
        everyone = assistants.assistants(viewer().account_id)
        chosen = _chosen(everyone)
    found = gaps.gaps(viewer().account_id)
    with own_account():
        portal = next(iter(help_center.portals(viewer().account_id)), None)
    spoken = [_offered(portal, language(gap.question, "ru")) for gap in found]
    context = {"assistants": everyone, "chosen": chosen, "gaps": found, "days": gaps.DAYS, "locales": spoken}
    return render_template("workspace/captain/gaps.html", has_portal=portal is not None, **context)


def _offered(portal: Portal | None, spoken: str) -> str:
    """The language of a question, where the help center speaks it."""
    return spoken if portal is None or spoken in portal.locales else portal.default_locale


# -- looking into his head


@bp.get("/captain/playground")
@policy("administrator")
def playground() -> ResponseReturnValue:
    """What he would say to a question, and why: nobody is told, nothing is kept."""
    question = request.args.get("q", "").replace("\x00", "").strip()[:1000]
    with own_account():
        everyone = assistants.assistants(viewer().account_id)
        chosen = _chosen(everyone)
    trial = insight.trial(chosen, question) if question else None
    context = {"question": question, "trial": trial, "assistants": everyone, "chosen": chosen}
    return render_template("workspace/captain/playground.html", asdict=asdict, **context)


@bp.get("/help-center/articles/<int:article_id>/captain")
@policy("agent")
def article_for_captain(article_id: int) -> ResponseReturnValue:
    """The article as Captain sees it: its passages, what it has answered, what would help him."""
    with own_account() as current:
        article = current.get(Article, (viewer().account_id, article_id))
        if article is None:
            raise NotFound(_("There is no such article."))
        seen = insight.article(article, visible_inbox_ids(viewer().member))
    return render_template("workspace/captain/article.html", article=article, seen=seen)


def _assistants_page(problem: Invalid | None = None) -> str:
    with own_account():
        everyone = assistants.assistants(viewer().account_id)
        served = {found.id: assistants.served_by(found) for found in everyone}
        reread = reembedding.progress(viewer().account_id)
        context = {"assistants": everyone, "served": served, "modes": MODE_NAMES, "problem": problem, "reread": reread}
        return render_template("workspace/captain/assistants.html", **context)


def assistant_page(assistant_id: int, problem: Invalid | None = None, fields: dict[str, Any] | None = None) -> str:
    """The page of one assistant. fields: what a form held that was refused, shown again as far as it can be."""
    with own_account():
        account_id = viewer().account_id
        found = assistants.assistant(account_id, assistant_id)
        portals = help_center.portals(account_id)
        shelves = [
            (portal, locale, help_center.categories(portal, locale)) for portal in portals for locale in portal.locales
        ]
        others = {inbox.id: other.name for other in assistants.assistants(account_id) if other.id != found.id
                  for inbox in assistants.served_by(other)}  # fmt: skip
        context = {
            "assistant": _as_asked(found, fields or {}),
            "trials": trials.trials(found),
            "inboxes": inboxes(account_id),
            "served": _numbers("inbox_ids") if fields else {inbox.id for inbox in assistants.served_by(found)},
            "others": others,
            "portals": portals,
            "shelves": shelves,
            "locales": LOCALES,
            "modes": MODE_NAMES,
            "tones": TONE_NAMES,
            "percents": sorted({*ERRORS, round(found.accepted_error * 100)}),
            "states": TRIAL_NAMES,
            "past": insight.past(found),
            "problem": problem,
            "values": request.form if problem else {},
        }
        return render_template("workspace/captain/assistant.html", **context)


def _numbers(name: str) -> set[int]:
    return {int(value) for value in request.form.getlist(name) if value.isdigit()}


def _as_asked(found: Assistant, fields: dict[str, Any]) -> Assistant:
    """The assistant with all of the fields that can be had."""
    try:
        return actions.considered(found, fields)
    except Invalid as refused:
        rest = {name: value for name, value in fields.items() if name != refused.field}
        return _as_asked(found, rest) if len(rest) < len(fields) else found


def _sources_page(problem: Invalid | None = None) -> str:
    with own_account():
        everyone = assistants.assistants(viewer().account_id)
        chosen = _chosen(everyone)
        context = {"assistants": everyone, "chosen": chosen, "sources": insight.sources(chosen), "kinds": SourceKind}
        values = request.form if problem else {}
        return render_template("workspace/captain/sources.html", problem=problem, values=values, **context)


def _questions_page(problem: Invalid | None = None, refused_id: int | None = None) -> str:
    """refused_id: the pair whose other words were refused; None when it was a new one."""
    with own_account():
        everyone = assistants.assistants(viewer().account_id)
        chosen = _chosen(everyone)
        context = {"assistants": everyone, "chosen": chosen, "pairs": insight.pairs(chosen)}
        values = request.form if problem else {}
        context |= {"values": values, "refused_id": refused_id}
        return render_template("workspace/captain/questions.html", problem=problem, **context)


def _chosen(everyone: list[Assistant]) -> Assistant:
    """The assistant named in the address, or the default."""
    wanted = request.args.get("assistant", type=int) or (request.view_args or {}).get("assistant_id")
    return next((found for found in everyone if found.id == wanted), everyone[0])


def _source(source_id: int) -> Source:
    found = session().get(Source, (viewer().account_id, source_id))
    if found is None:
        raise NotFound(_("There is no such source."))
    return found
