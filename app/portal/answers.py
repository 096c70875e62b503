"""Ask Captain: an answer with its sources, or articles worth a look and a way to a human."""

from dataclasses import asdict, replace
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app import limits
from app.assist.queries import Answer, answer
from app.config import settings
from app.database import transaction
from app.errors import Invalid
from app.help_center import actions, queries
from app.i18n import _
from app.policies import policy
from app.portal.blueprint import Place, answer_page, bp, entered, typed, wants_part
from app.text import cited_html

QUESTION_LIMIT = 1000
ALTERNATIVES = 3
PER_MINUTE = 3000


@bp.get("/hc/<portal>/<locale>/answer")
@policy("public")
def show(portal: str, locale: str) -> ResponseReturnValue:
    """Captain's answer to `q`: a page, or the part of it that a script on the search page asks for."""
    question = typed()[:QUESTION_LIMIT]
    with entered(portal, locale) as place:
        pass
    said = _ask(place, question) if question else None
    template = "answers/_answer.html" if wants_part() else "answers/page.html"
    html = Markup(cited_html(said.text, len(said.citations), "source_")) if said else None  # noqa: S704  safe by then
    return answer_page(template, words=question, said=said, html=html)


@bp.get("/hc/<portal>/<locale>/answer.json")
@policy("public")
def read(portal: str, locale: str) -> ResponseReturnValue:
    """{answered, text, citations: [{article_id, external_id, title, url, quote}], confidence, alternatives: […]}."""
    question = typed()[:QUESTION_LIMIT]
    with entered(portal, locale) as place:
        pass
    if not question:
        raise Invalid("q", _("This must not be empty."))
    response = jsonify(asdict(_ask(place, question)))
    response.headers["Cache-Control"] = "no-store"
    return response


def _ask(place: Place, question: str) -> Answer:
    limits.spend(f"answer:{request.remote_addr}", 60, PER_MINUTE)
    said = answer(place.account_id, place.portal.id, place.locale, question)
    cited = sorted({citation["article_id"] for citation in said.citations})
    with transaction(place.account_id):
        if not said.answered and not said.alternatives:
            said = replace(said, alternatives=_by_words(place, question))
        actions.note_answer(place.portal, place.locale, cited, said.confidence, is_answer=said.answered)
    return said


def _by_words(place: Place, question: str) -> list[dict[str, Any]]:
    """Captain may not have read the articles yet; they can be found all the same."""
    return [
        {
            "article_id": found.id,
            "external_id": found.external_id,
            "title": found.title,
            "url": settings().public_url + place.article(found.slug),
            "score": 0.0,
        }
        for found in queries.search(place.portal, place.locale, question, ALTERNATIVES).articles
    ]
