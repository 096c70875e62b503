"""What Captain finds, and what he proposes now. He finds published articles of this account alone: filtered in SQL, first."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import text
from sqlmodel import col, select

from app.assist.calibrating import correction
from app.assist.models import INDEXED_DIMENSIONS, TITLE, Draft, DraftState
from app.config import settings
from app.conversations.models import Conversation
from app.database import across_accounts, session, transaction
from app.help_center.models import Portal
from captain.client import Captain, CaptainAway
from captain.text import content
from captain.text import question as readable
from captain.wire import Calibration, Candidate, Reply, Thresholds, Understood, Verdict

_MARK = re.compile(r"^(\d+[.)]|•)\s+")  # of a list item; a browser does not count it as text
_ROW = re.compile(r": (?=.* — )")  # behind the first cell of a table's row, which stands alone in the page

SIDE = 40  # candidates from each way of searching
RAREST = 6  # words of a question that full text looks for
MATCHES = 600  # passages that may have one of them


@dataclass(frozen=True)
class Scope:
    """Where Captain may look: portals of one account, in these languages (and, if any are named, these categories);
    and what an assistant knows besides. A document's `article_id` is its own number, negative."""

    account_id: int
    portal_ids: tuple[int, ...]
    locales: tuple[str, ...]
    category_ids: tuple[int, ...] = ()
    assistant_id: int | None = None

    @property
    def bounds(self) -> dict[str, Any]:
        """As the statements below want it."""
        return {
            "account": self.account_id,
            "portals": list(self.portal_ids),
            "locales": list(self.locales),
            "categories": list(self.category_ids),
            "assistant": self.assistant_id,
        }


@dataclass(frozen=True)
class Manner:
    """From which certainty on a reader is answered, and how: language `ru` or `en`, None for the question's own."""

    sure_from: float
    language: str | None = None
    tone: str = "friendly"
    instructions: str = ""


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
    tone: str = "friendly",
    instructions: str = "",
    without: frozenset[int] = frozenset(),
    is_worded: bool = True,
    arrange: Callable[[Understood, list[Candidate]], list[Candidate]] | None = None,
    calibration: Calibration | None = None,
) -> Reply:
    """Captain's reply, from the passages in scope: an answer if he is as sure as `sure_from`. tone, instructions: how a
    model, where one is configured, is to word it, unless `is_worded` is false. without: articles he is not to know.
    arrange: leaves out some of what was found, or adds to it. calibration: the account's own, unless another is given.

    CaptainAway when he is; not to be called inside a transaction.
    """
    if calibration is None:
        with transaction(scope.account_id):
            calibration = correction(scope.account_id)
    understood, candidates = found(captain, scope, question, context)
    known = [candidate for candidate in candidates if candidate.article_id not in without]
    known = arrange(understood, known) if arrange else known
    thresholds = Thresholds(sure_from, min(sure_from, Thresholds().suggest))
    return captain.answer(
        question,
        known,
        context=context,
        language=language,
        thresholds=thresholds,
        calibration=calibration,
        tone=tone,
        instructions=instructions,
        is_worded=is_worded,
    )


def found(
    captain: Captain, scope: Scope, question: str, context: Sequence[str] = ()
) -> tuple[Understood, list[Candidate]]:
    """The question made ready to search with, and what each way of searching finds best.

    The words are looked up while Captain makes the vector: by his own model, and again by the account's where that is
    another one. Where he has it no more, the question's words alone find something. Opens its own transactions. CaptainAway.
    """
    with captain.understanding(question, context) as told:
        with across_accounts():
            model = model_in_use(scope.account_id)
            worded = _worded(scope, content(readable(question, context)))
        understood = told()
    if model not in (None, understood.embedder):
        understood = captain.understand(question, context, model)
    return understood, _candidates(scope, understood, worded)


def model_in_use(account_id: int) -> str | None:
    """The model that made the vectors of this account; None when there are none yet."""
    return session().connection().execute(_IN_USE, {"account": account_id}).scalar()


def search(captain: Captain, scope: Scope, question: str, limit: int) -> list[dict[str, Any]]:
    """The articles that fit best, with the passage that does: full text alone while Captain is away."""
    try:
        _, candidates = found(captain, scope, question)
        hits = captain.rank(question, candidates).hits
    except CaptainAway:
        return _by_words(scope, question, limit)
    known = {candidate.passage_id: candidate for candidate in candidates}
    rows: dict[int, dict[str, Any]] = {}
    for hit in hits:
        candidate = known[hit.passage_id]
        rows.setdefault(int(hit.article_id), _told(candidate, hit.score))
    return list(rows.values())[:limit]


def answer(scope: Scope, manner: Manner, question: str, budget_seconds: float | None = None) -> Answer:
    """What the help center says to the question, within the budget; opens its own transactions, raises nothing."""
    captain = Captain(settings().captain_socket, (budget_seconds or settings().captain_budget_seconds) / 2)
    try:
        reply = ask(
            captain,
            scope,
            question,
            sure_from=manner.sure_from,
            language=manner.language,
            tone=manner.tone,
            instructions=manner.instructions,
        )
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
            "passage_id": citation.passage_id,
            "article_id": citation.article_id,
            "external_id": citation.external_id,
            "title": citation.title,
            "url": f"{citation.url}{_fragment(citation.quote)}" if citation.url else "",
            "quote": citation.quote,
        }
        for citation in reply.citations
    ]


def _worded(scope: Scope, lexemes: Sequence[str]) -> list[int]:
    """Numbers of the passages that full text finds best, in a transaction across accounts: see _WORDED."""
    values = scope.bounds | {
        "lexemes": list(lexemes),
        "side": SIDE,
        "rarest": RAREST,
        "matches": MATCHES,
        "title": TITLE,
    }
    return list(session().connection().execute(_WORDED, values).scalars())


def _candidates(scope: Scope, understood: Understood, worded: Sequence[int]) -> list[Candidate]:
    values = scope.bounds | {
        "vector": "[" + ",".join(f"{value:.5f}" for value in understood.vector) + "]",
        "model": understood.embedder,
        "question": understood.text[:500].lower(),
        "side": SIDE,
        "title": TITLE,
        "worded": list(worded),
    }
    statement = _CANDIDATES if len(understood.vector) <= INDEXED_DIMENSIONS else _OF_MANY_DIMENSIONS
    with transaction(scope.account_id) as current:
        return [_candidate(row) for row in current.connection().execute(statement, values).all()]


def _candidate(row: Any) -> Candidate:
    return Candidate(
        passage_id=row.id,
        article_id=row.article_id,
        title=row.title,
        text=row.content,
        external_id=row.external_id,
        url=_url(row) or None,
        heading=row.heading,
        locale=row.locale,
        cosine=row.cosine,
        title_cosine=row.title_cosine,
        article_cosine=row.article_cosine,
        sentence_cosines=tuple(row.sentence_cosines),
        title_similarity=row.title_similarity,
        is_whole=row.is_whole,
        position=row.position,
    )


def _by_words(scope: Scope, question: str, limit: int) -> list[dict[str, Any]]:
    """By full text alone: each article once, with the passage that has most of the words."""
    config = "russian" if "ru" in scope.locales else "english"
    with transaction(scope.account_id) as current:
        rows = current.connection().execute(
            _WORDS,
            scope.bounds | {"question": _plain(question).lower().replace("ё", "е"), "config": config, "limit": limit},
        )
        return [
            {
                "article_id": row.article_id,
                "external_id": row.external_id,
                "title": row.title,
                "url": _url(row),
                "passage": row.content,
                "score": float(row.rank),
            }
            for row in rows
        ]


def _plain(words: str) -> str:
    """Without what PostgreSQL takes for no text."""
    return words[:500].encode("utf-8", "ignore").decode().replace("\x00", " ")


def _told(candidate: Candidate, score: float) -> dict[str, Any]:
    return {
        "article_id": candidate.article_id,
        "external_id": candidate.external_id,
        "title": candidate.title,
        "url": candidate.url,
        "passage": candidate.text,
        "score": score,
    }


def _url(row: Any) -> str:
    """Where it can be read: the article's page, the document's own address, or nowhere."""
    if row.slug is None:
        return str(row.url)
    return f"{settings().public_url}/hc/{row.portal}/{row.locale}/articles/{row.slug}"


def _fragment(words: str) -> str:
    """A text fragment, so that the browser shows the quoted words. https://wicg.github.io/scroll-to-text-fragment/"""
    first = _ROW.split(_MARK.sub("", words.split("…")[0].split("\n")[0].strip()))[0]
    return f"#:~:text={quote(' '.join(first.split()[:8]), safe='').replace('-', '%2D')}" if first else ""


_IN_USE = text("select model from passage where account_id = :account and model <> '' limit 1")
# Whose passages may be seen, before anything is ranked. A document's passages are there only while it is approved. Nearly
# every article is shown, so those that are not make the shorter list: a passage is cheaper to compare with that.
_IS_SHOWN = """
    a.portal_id = any(:portals) and a.locale = any(:locales) and a.status = 'published' and not o.is_archived
    and (cardinality(cast(:categories as bigint[])) = 0 or a.category_id = any(:categories))
"""
_HIDDEN = f"""
    hidden as materialized (
        select a.id from article a join portal o on o.account_id = a.account_id and o.id = a.portal_id
        where a.account_id = :account and ({_IS_SHOWN}) is not true
    )
"""  # noqa: S608  the pieces are constants of this file
_MAY_BE_SEEN = """
    p.account_id = :account and (p.assistant_id = cast(:assistant as bigint)
        or p.article_id is not null and p.article_id not in (select id from hidden))
"""
_TOLD = """
    p.id, coalesce(p.article_id, -p.document_id) as article_id, p.position, p.title, p.heading, p.content, p.is_whole,
    p.locale, p.url, a.external_id, a.slug, o.slug as portal
"""
# Of the passages that are told, once more: what is told must be known to be shown.
_WITH_ARTICLE = """
    left join article a on a.account_id = p.account_id and a.id = p.article_id
    left join portal o on o.account_id = a.account_id and o.id = a.portal_id
"""
_IS_TOLD = f"(p.assistant_id = cast(:assistant as bigint) or {_IS_SHOWN})"
# Full text looks for the rarest words only, and no more of them than MATCHES passages have: ranking every passage with a
# common word is what takes long. It finds numbers alone, as the installation: under row-level security PostgreSQL may not
# use an index of words (`@@` is not leakproof), and reads every passage instead.
_WORDED = text(f"""
    with {_HIDDEN}, lexemes as (
        select lexeme, found, row_number() over rarest as place, sum(found) over rarest as total
        from unnest(cast(:lexemes as text[])) lexeme cross join lateral (
            select count(*) as found from (
                select from passage p where p.account_id = :account and p.words @@ quote_literal(lexeme)::tsquery
                limit :matches
            ) few
        ) counted where found > 0 window rarest as (order by found, lexeme)
    ), asked as materialized (
        select string_agg(quote_literal(lexeme), ' | ')::tsquery as words from lexemes
        where place = 1 or place <= :rarest and total <= :matches
    )
    select p.id from passage p cross join asked
    where {_MAY_BE_SEEN} and p.position <> :title and p.words @@ asked.words
    order by ts_rank(p.words, asked.words, 1) desc limit :side
""")  # noqa: S608
# The best of each way of searching; then every score of these, and of the articles they are from. Whatever is compared is
# compared exactly, but in ix_passage_near, where vectors lie side by side: whole passages take four times as long to read.
# An index that guesses (HNSW) would miss some. Where vectors are too long for it, passages are read after all.
_CANDIDATES, _OF_MANY_DIMENSIONS = (
    text(f"""
    with {_HIDDEN}, asked as materialized (select cast(:vector as halfvec) as vector), near as (
        select p.id from passage p
        where {_MAY_BE_SEEN} and p.position > :title and p.model = :model {of_these}
        order by p.embedding <=> (select vector from asked) limit :side
    ), named as materialized (
        select p.article_id, p.document_id from passage p
        where {_MAY_BE_SEEN} and p.position = :title and p.model = :model {of_these}
        order by p.embedding <=> (select vector from asked) limit :side / 4
    ), titled as (
        select best.id from named n cross join lateral (
            select p.id from passage p
            where p.account_id = :account and p.position > :title
                and (p.article_id = n.article_id or p.document_id = n.document_id)
            order by case when p.model = :model then p.embedding <=> (select vector from asked) end nulls last limit 2
        ) best
    ), chosen as (
        select id from near union select id from titled union select unnest(cast(:worded as bigint[]))
    )
    select {_TOLD},
        case when p.model = :model then 1 - (p.embedding <=> (select vector from asked)) end as cosine,
        case when p.title <> '' then whole.title_cosine end as title_cosine,
        array(
            select (1 - (one.vector <=> (select vector from asked)))::real
            from unnest(p.sentence_embeddings) with ordinality as one (vector, place)
            where p.model = :model order by one.place
        ) as sentence_cosines,
        whole.article_cosine,
        similarity(lower(p.title), :question)::float as title_similarity
    from chosen join passage p on p.account_id = :account and p.id = chosen.id
    {_WITH_ARTICLE}
    cross join lateral (
        select avg(1 - (o.embedding <=> (select vector from asked))) filter (where o.position <> :title) as article_cosine,
            max(1 - (o.embedding <=> (select vector from asked))) filter (where o.position = :title) as title_cosine
        from passage o
        where o.account_id = :account and (o.article_id = p.article_id or o.document_id = p.document_id)
            and o.model = :model
    ) whole
    where {_IS_TOLD}
""")  # noqa: S608
    for of_these in (f"and vector_dims(p.embedding) <= {INDEXED_DIMENSIONS}", "")
)
_WORDS = text(f"""
    with asked as (
        select string_agg(quote_literal(lexeme), ' | ')::tsquery as words
        from unnest(to_tsvector(cast(:config as regconfig), :question))
    )
    select * from (
        select distinct on (coalesce(p.article_id, -p.document_id)) {_TOLD}, ts_rank(p.words, asked.words, 1) as rank
        from asked cross join passage p {_WITH_ARTICLE}
        where p.account_id = :account and {_IS_TOLD} and p.position >= 0 and p.words @@ asked.words
        order by coalesce(p.article_id, -p.document_id), rank desc, p.position
    ) best order by rank desc limit :limit
""")  # noqa: S608
