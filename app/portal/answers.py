"""Ask Captain: an answer with its sources, or articles worth a look; whether it helped, and a way to a human with all of it."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from flask import Response, jsonify, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app import limits
from app.assist.actions import HELP_CENTER_ANSWER
from app.assist.assistants import in_portal
from app.assist.queries import Answer, Manner, Scope, answer
from app.assist.wishes import Wish, wish
from app.config import settings
from app.database import transaction
from app.errors import Invalid, NotAllowed
from app.help_center import actions, queries
from app.i18n import _
from app.policies import policy
from app.portal.blueprint import Place, answer_page, bp, entered, known, typed, wants_part
from app.security import signed, verified
from app.text import cited_html

QUESTION_LIMIT = 1000
ALTERNATIVES = 3
PER_MINUTE = 3000
RATINGS_PER_MINUTE = 60
# Who reads along may wait for a model's wording; a page that shows nothing meanwhile may not
STREAM_SECONDS = 16.0
RATED_SECONDS = 24 * 3600
# What no article answers: a person is wanted, or nothing has been asked
_ASKS_NOTHING = {Wish.HUMAN, Wish.HELLO, Wish.THANKS, Wish.NOTHING, Wish.WHO}
_END = re.compile(r"(?<=[.!?…\]])\s+(?=\S)|\n+")


@bp.get("/hc/<portal>/<locale>/answer")
@policy("public")
def show(portal: str, locale: str) -> ResponseReturnValue:
    """Captain's answer to `q`: a page, or the part of it that a script on the search page asks for."""
    question = typed()[:QUESTION_LIMIT]
    with entered(portal, locale) as place:
        asked = in_portal(place.portal, place.locale)
    said = _ask(place, asked, question) if question else None
    template = "answers/_answer.html" if wants_part() else "answers/page.html"
    return answer_page(template, words=question, **_shown(place, question, said))


@bp.get("/hc/<portal>/<locale>/answer.json")
@policy("public")
def read(portal: str, locale: str) -> ResponseReturnValue:
    """{answered, text, citations: [{article_id, external_id, title, url, quote}], confidence, alternatives: […]}."""
    question = typed()[:QUESTION_LIMIT]
    with entered(portal, locale) as place:
        asked = in_portal(place.portal, place.locale)
    if not question:
        raise Invalid("q", _("This must not be empty."))
    response = jsonify(asdict(_ask(place, asked, question)))
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/hc/<portal>/<locale>/answer.stream")
@policy("public")
def stream(portal: str, locale: str) -> ResponseReturnValue:
    """The same as it comes, a JSON object a line: {"html"}: what stands there by now, at first that Captain is reading, at
    last all of it with its sources."""
    question = typed()[:QUESTION_LIMIT]
    with entered(portal, locale) as place:
        asked = in_portal(place.portal, place.locale)
    if not question:
        raise Invalid("q", _("This must not be empty."))
    _spend()
    lines = stream_with_context(_as_it_comes(place, asked, question))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(lines, mimetype="application/x-ndjson", headers=headers)


@bp.post("/hc/<portal>/<locale>/answer/ratings")
@policy("public")
def rate(portal: str, locale: str) -> ResponseReturnValue:
    """Whether the answer helped, `helpful` being 1 or 0; `answer`: our own words of it, signed."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise NotAllowed(_("This request came from another site."))
    helpful = request.form.get("helpful")
    told = verified(HELP_CENTER_ANSWER, request.form.get("answer", ""), RATED_SECONDS)
    with entered(portal, locale) as place:
        if helpful not in {"0", "1"} or not isinstance(told, dict) or told["portal_id"] != place.portal.id:
            raise Invalid("helpful", _("Choose one of the answers offered."))
        limits.spend(f"rating:{request.remote_addr}", 60, RATINGS_PER_MINUTE)
        actions.note_rating(place.portal, place.locale, _articles(told["citations"]), is_helpful=helpful == "1")
    template = "answers/_rated.html" if wants_part() else "answers/rated.html"
    return answer_page(template, rated=helpful, words=told["question"], token=request.form["answer"])


def _as_it_comes(place: Place, asked: tuple[Scope, Manner], question: str) -> Iterator[str]:
    yield _line(**_shown(place, question, None) | {"is_waiting": True})
    said = _asked(place, asked, question, STREAM_SECONDS)
    shown = _shown(place, question, said)
    if said.answered:
        for end in _ends(said.text):
            yield _line(**shown | {"html": _html(replace(said, text=said.text[:end])), "is_partial": True})
    yield _line(**shown)


def _line(**values: Any) -> str:
    return json.dumps({"html": render_template("portal/answers/_answer.html", **known() | values)}) + "\n"


def _ends(text: str) -> list[int]:
    """Where its sentences and its lines end, but for the last."""
    return [found.start() for found in _END.finditer(text)]


def _shown(place: Place, question: str, said: Answer | None) -> dict[str, Any]:
    """What the answer's template asks for."""
    known_too = {"is_waiting": False, "is_partial": False, "said": said, "wanted": _wanted(question)}
    return known_too | {"html": _html(said), "token": _token(place, question, said)} if said else known_too


def _html(said: Answer) -> Markup:
    return Markup(cited_html(said.text, len(said.citations), "source_"))  # noqa: S704  safe by then


def _token(place: Place, question: str, said: Answer) -> str:
    """The question and its answer, signed: he can hand them to a person, and nobody can make up what Captain has said."""
    told = {"account_id": place.account_id, "portal_id": place.portal.id, "question": question, "text": said.text}
    return signed(HELP_CENTER_ANSWER, told | {"citations": said.citations})


def _ask(place: Place, asked: tuple[Scope, Manner], question: str) -> Answer:
    _spend()
    return _asked(place, asked, question)


def _asked(place: Place, asked: tuple[Scope, Manner], question: str, budget_seconds: float | None = None) -> Answer:
    if _wanted(question):
        return Answer(False, "", [], 0.0, [])
    said = answer(*asked, question, budget_seconds)
    with transaction(place.account_id):
        if not said.answered and not said.alternatives:
            said = replace(said, alternatives=_by_words(place, question))
        cited = _articles(said.citations)
        actions.note_answer(place.portal, place.locale, cited, said.confidence, is_answer=said.answered)
    return said


def _wanted(question: str) -> Wish | None:
    """What is wanted instead of an answer, if that is so."""
    found = wish(question)
    return found if found in _ASKS_NOTHING else None


def _spend() -> None:
    limits.spend(f"answer:{request.remote_addr}", 60, PER_MINUTE)


def _articles(citations: list[dict[str, Any]]) -> list[int]:
    """The articles cited; what an assistant knows besides has a negative number."""
    return sorted({citation["article_id"] for citation in citations if citation["article_id"] > 0})


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
