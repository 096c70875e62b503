"""What Captain finds, and what he proposes now. He finds published articles of this account alone: filtered in SQL, first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import text
from sqlmodel import col, select

from app.assist.models import TITLE, Draft, DraftState
from app.config import settings
from app.conversations.models import Conversation
from app.database import session, transaction
from app.help_center.models import Portal
from captain.client import Captain, CaptainAway
from captain.wire import Candidate, Reply, Thresholds, Understood, Verdict

SIDE = 40  # candidates from each way of searching


@dataclass(frozen=True)
class Scope:
    """Where Captain may look: portals of one account, in these languages."""

    account_id: int
    portal_ids: tuple[int, ...]
    locales: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What a reader of the help center is told. Without an answer: articles worth a look."""

    answered: bool
    text: str
    citations: list[dict[str, Any]]
    confidence: float
    alternatives: list[dict[str, Any]]


def draft_for(conversation: Conversation) -> Draft | None:
    """The draft the agent is shown now."""
    query = select(Draft).where(
        col(Draft.account_id) == conversation.account_id,
        col(Draft.conversation_id) == conversation.id,
        col(Draft.state) == DraftState.SHOWN,
    )
    return session().exec(query.order_by(col(Draft.id).desc()).limit(1)).first()


def scope_of_account(account_id: int) -> Scope | None:
    """All open portals of the account; None when there is none."""
    query = select(Portal).where(col(Portal.account_id) == account_id, col(Portal.is_archived).is_(False))
    portals = list(session().exec(query))
    if not portals:
        return None
    locales = {locale for portal in portals for locale in (*portal.locales, portal.default_locale)}
    return Scope(account_id, tuple(portal.id for portal in portals), tuple(sorted(locales)))


def ask(
    captain: Captain,
    scope: Scope,
    question: str,
    context: Sequence[str] = (),
    *,
    sure_from: float,
    language: str | None = None,
) -> Reply:
    """Captain's reply, from the passages in scope: an answer if he is as sure as `sure_from`.

    CaptainAway when he is; not to be called inside a transaction.
    """
    understood = captain.understand(question, context)
    found = _in_scope(scope, understood)
    thresholds = Thresholds(sure_from, min(sure_from, Thresholds().suggest))
    return captain.answer(question, found, context=context, language=language, thresholds=thresholds)


def search(captain: Captain, scope: Scope, question: str, limit: int) -> list[dict[str, Any]]:
    """The articles that fit best, with the passage that does: full text alone while Captain is away."""
    try:
        understood = captain.understand(question)
        found = _in_scope(scope, understood)
        hits = captain.rank(question, found).hits
    except CaptainAway:
        return _by_words(scope, question, limit)
    known = {candidate.passage_id: candidate for candidate in found}
    rows: dict[int, dict[str, Any]] = {}
    for hit in hits:
        candidate = known[hit.passage_id]
        rows.setdefault(int(hit.article_id), _told(candidate, hit.score))
    return list(rows.values())[:limit]


def answer(
    account_id: int, portal_id: int, locale: str, question: str, *, budget_seconds: float | None = None
) -> Answer:
    """What the help center says to the question, within the budget; opens its own transactions, raises nothing."""
    scope = Scope(account_id, (portal_id,), (locale,))
    captain = Captain(settings().captain_socket, (budget_seconds or settings().captain_budget_seconds) / 2)
    try:
        reply = ask(captain, scope, question, sure_from=settings().captain_answer_confidence, language=locale)
    except CaptainAway:
        links = _by_words(scope, question, 3)
        return Answer(False, "", [], 0.0, links)
    is_answer = reply.verdict == Verdict.ANSWER
    alternatives = [
        {
            "article_id": other.article_id,
            "external_id": other.external_id,
            "title": other.title,
            "url": other.url,
            "score": other.score,
        }
        for other in reply.alternatives
    ]
    return Answer(
        is_answer, reply.text if is_answer else "", cited(reply) if is_answer else [], reply.confidence, alternatives
    )


def cited(reply: Reply) -> list[dict[str, Any]]:
    """The sources of a reply, in the order of their numbers, each linked to its very words."""
    return [
        {
            "n": citation.n,
            "article_id": citation.article_id,
            "external_id": citation.external_id,
            "title": citation.title,
            "url": f"{citation.url}{_fragment(citation.quote)}",
            "quote": citation.quote,
        }
        for citation in reply.citations
    ]


def _in_scope(scope: Scope, understood: Understood) -> list[Candidate]:
    with transaction(scope.account_id) as current:
        return _candidates(current, scope, understood)


def _candidates(current: Any, scope: Scope, understood: Understood) -> list[Candidate]:
    values = {
        "account": scope.account_id,
        "portals": list(scope.portal_ids),
        "locales": list(scope.locales),
        "vector": "[" + ",".join(f"{value:.5f}" for value in understood.vector) + "]",
        "model": understood.embedder,
        "lexemes": list(understood.lexemes),
        "question": understood.text[:500].lower(),
        "side": SIDE,
        "title": TITLE,
    }
    return [_candidate(row) for row in current.connection().execute(_CANDIDATES, values)]


def _candidate(row: Any) -> Candidate:
    return Candidate(
        passage_id=row.id,
        article_id=row.article_id,
        title=row.title,
        text=row.content,
        external_id=row.external_id,
        url=_url(row.portal, row.locale, row.slug),
        heading=row.heading,
        locale=row.locale,
        cosine=row.cosine,
        title_cosine=row.title_cosine,
        lexical=row.lexical,
        title_similarity=row.title_similarity,
        is_whole=row.is_whole,
    )


def _by_words(scope: Scope, question: str, limit: int) -> list[dict[str, Any]]:
    """By full text alone: each article once, with the passage that has most of the words."""
    values = {"account": scope.account_id, "portals": list(scope.portal_ids), "locales": list(scope.locales)}
    config = "russian" if "ru" in scope.locales else "english"
    with transaction(scope.account_id) as current:
        rows = current.connection().execute(
            _WORDS, values | {"question": question[:500].lower().replace("ё", "е"), "config": config, "limit": limit}
        )
        return [
            {
                "article_id": row.article_id,
                "external_id": row.external_id,
                "title": row.title,
                "url": _url(row.portal, row.locale, row.slug),
                "passage": row.content,
                "score": float(row.rank),
            }
            for row in rows
        ]


def _told(candidate: Candidate, score: float) -> dict[str, Any]:
    return {
        "article_id": candidate.article_id,
        "external_id": candidate.external_id,
        "title": candidate.title,
        "url": candidate.url,
        "passage": candidate.text,
        "score": score,
    }


def _url(portal: str, locale: str, slug: str) -> str:
    return f"{settings().public_url}/hc/{portal}/{locale}/articles/{slug}"


def _fragment(words: str) -> str:
    """A text fragment, so that the browser shows the quoted words. https://wicg.github.io/scroll-to-text-fragment/"""
    first = words.split("…")[0].split("\n")[0].strip()
    return f"#:~:text={quote(' '.join(first.split()[:8]), safe='').replace('-', '%2D')}" if first else ""


_SCOPE = """
    select p.id, p.article_id, p.position, p.title, p.heading, p.content, p.is_whole, p.locale, p.embedding, p.model, p.words,
        a.external_id, a.slug, o.slug as portal
    from passage p
    join article a on a.account_id = p.account_id and a.id = p.article_id
    join portal o on o.account_id = p.account_id and o.id = p.portal_id
    where p.account_id = :account and p.portal_id = any(:portals) and p.locale = any(:locales)
        and a.status = 'published' and not o.is_archived
"""
# The best of each way of searching, then every score of each of them.
_CANDIDATES = text(f"""
    with asked as (
        select cast(:vector as halfvec) as vector,
            (select string_agg(quote_literal(lexeme), ' | ')::tsquery from unnest(cast(:lexemes as text[])) lexeme) as words
    ), scope as ({_SCOPE}),
    near as (
        select id from scope, asked where position <> :title and model = :model
        order by embedding <=> asked.vector limit :side
    ), titled as (
        select b.id from (
            select article_id from scope, asked where position = :title and model = :model
            order by embedding <=> asked.vector limit :side / 4
        ) t join lateral (
            select s.id from scope s, asked where s.article_id = t.article_id and s.position <> :title
            order by s.embedding <=> asked.vector nulls last limit 2
        ) b on true
    ), worded as (
        select id from scope, asked where position <> :title and scope.words @@ asked.words
        order by ts_rank(scope.words, asked.words, 1) desc limit :side
    )
    select s.*,
        case when s.model = :model then 1 - (s.embedding <=> asked.vector) end as cosine,
        case when t.model = :model then 1 - (t.embedding <=> asked.vector) end as title_cosine,
        coalesce(ts_rank(s.words, asked.words, 1), 0)::float as lexical,
        similarity(lower(s.title), :question)::float as title_similarity
    from scope s cross join asked
    left join passage t on t.account_id = :account and t.article_id = s.article_id and t.position = :title
    where s.id in (select id from near union select id from titled union select id from worded)
""")  # noqa: S608  the pieces are constants of this file
_WORDS = text(f"""
    with asked as (
        select string_agg(quote_literal(lexeme), ' | ')::tsquery as words
        from unnest(to_tsvector(cast(:config as regconfig), :question))
    ), scope as ({_SCOPE})
    select * from (
        select distinct on (article_id) scope.*, ts_rank(scope.words, asked.words, 1) as rank
        from scope, asked where scope.position >= 0 and scope.words @@ asked.words
        order by article_id, rank desc
    ) best order by rank desc limit :limit
""")  # noqa: S608
