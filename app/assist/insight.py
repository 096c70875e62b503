"""What people are shown of Captain: a question on trial with all that led to the reply, an article as he sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select

from app.assist import queries, steps
from app.assist.assistants import scope_of, served_by
from app.assist.models import Assistant, Document, DocumentKind, DocumentState, Passage, Source
from app.assist.steps import Past as NoPast
from app.assist.steps import Step
from app.assist.wishes import Wish, language, wish
from app.config import settings
from app.database import session, transaction
from app.help_center.models import Article
from app.i18n import speaking
from captain.client import Captain, CaptainAway
from captain.passages import Passage as Piece
from captain.passages import passages
from captain.wire import Reply, Thresholds, Verdict

TRIAL_SECONDS = 10.0
VAGUE_WORDS = 1  # a title of so few words says little
ALIKE = 0.6  # trigram similarity of two titles, from which they are taken for each other


@dataclass(frozen=True)
class Trial:
    """A question put to an assistant. `reply` is None when words alone decide (`step`), and when Captain is away."""

    question: str
    wish: Wish
    step: Step | None
    reply: Reply | None
    citations: Sequence[dict[str, Any]]
    answers_from: float
    suggests_from: float
    is_away: bool = False
    knows_nothing: bool = False


@dataclass(frozen=True)
class Answered:
    """A customer's question that the article was cited for."""

    question: str
    display_id: int
    was: str
    asked_at: datetime
    is_stale: bool  # the article does not say any more what was quoted


@dataclass(frozen=True)
class Seen:
    """An article before Captain's eyes. `twins`: (id, title, similarity) of articles he may take for it."""

    passages: Sequence[Piece]
    waiting: int
    model: str | None
    is_vague: bool
    twins: Sequence[tuple[int, str, float]]
    answered: Sequence[Answered]


@dataclass(frozen=True)
class Shown:
    """A source with how far Captain has come with it."""

    source: Source
    documents: int
    passages: int
    embedded: int


@dataclass(frozen=True)
class Past:
    """What agents decided about his drafts: `sureness` of each, and whether it was right (sent, at most half rewritten)."""

    decided: Sequence[tuple[float, bool]]

    def at(self, accepted_error: float) -> tuple[int, int]:
        """(how many he would have answered by himself, how many of them rightly)."""
        sure = [is_right for sureness, is_right in self.decided if sureness >= 1 - accepted_error]
        return len(sure), sum(sure)


def past(found: Assistant) -> Past:
    """His last decided drafts in the inboxes he serves: what an accepted error would have meant there."""
    values = {"account": found.account_id, "inboxes": [inbox.id for inbox in served_by(found)]}
    rows = session().connection().execute(_DECIDED, values)
    return Past([(row.confidence, row.is_right) for row in rows])


def trial(found: Assistant, question: str) -> Trial:
    """The full trace of one question. Opens its own transactions: Captain is asked outside of any."""
    with transaction(found.account_id):
        scope = scope_of(found)
    sure_from = 1 - found.accepted_error
    wanted, spoken = wish(question), language(question, "ru")
    with speaking(spoken):
        step = steps.by_words(question, NoPast(), has_files=False)
    known: dict[str, Any] = {
        "question": question,
        "wish": wanted,
        "step": step,
        "answers_from": sure_from,
        "suggests_from": min(sure_from, Thresholds().suggest),
    }
    if scope is None:
        return Trial(reply=None, citations=(), knows_nothing=True, **known)
    captain = Captain(settings().captain_socket, TRIAL_SECONDS / 2)
    try:
        reply = queries.ask(
            captain,
            scope,
            question,
            sure_from=sure_from,
            language=spoken,
            tone=found.tone,
            instructions=found.instructions,
        )
    except CaptainAway:
        return Trial(reply=None, citations=(), is_away=True, **known)
    cited = queries.cited(reply) if reply.verdict == Verdict.ANSWER else ()
    return Trial(reply=reply, citations=cited, **known)


def article(found: Article, inbox_ids: Sequence[int] | None) -> Seen:
    """How Captain sees it. inbox_ids: whose conversations the reader may know of, None for all."""
    query = select(Passage).where(col(Passage.account_id) == found.account_id, col(Passage.article_id) == found.id)
    known = list(session().exec(query))
    values = {"account": found.account_id, "article": found.id, "title": found.title.lower(), "alike": ALIKE}
    current = session().connection()
    twins = current.execute(_TWINS, values | {"portal": found.portal_id, "locale": found.locale}).all()
    answered = current.execute(_ANSWERED, values | {"inboxes": None if inbox_ids is None else list(inbox_ids)}).all()
    pieces = passages(found.title, found.content)
    says = " ".join(_squeezed(piece.text) for piece in pieces)
    return Seen(
        passages=pieces,
        waiting=sum(row.model is None for row in known),
        model=next((row.model for row in known if row.model), None),
        is_vague=len(found.title.split()) <= VAGUE_WORDS,
        twins=[(row.id, row.title, row.alike) for row in twins],
        answered=[
            Answered(row.content, row.display_id, row.was, row.created_at, not _says(says, row.quotes))
            for row in answered
        ],
    )


def _says(article: str, quotes: Sequence[str]) -> bool:
    """Whether the article still holds the words that were quoted from it."""
    return all(_squeezed(part) in article for quote in quotes for part in quote.removesuffix("…").split(" … "))


def _squeezed(words: str) -> str:
    return " ".join(words.split())


def sources(found: Assistant) -> list[Shown]:
    """What he reads besides the help center, the newest first."""
    values = {"account": found.account_id, "assistant": found.id}
    counts = {row.source_id: row for row in session().connection().execute(_COUNTS, values)}
    query = select(Source).where(col(Source.account_id) == found.account_id, col(Source.assistant_id) == found.id)
    shown = []
    for source in session().exec(query.order_by(col(Source.id).desc())):
        row = counts.get(source.id)
        numbers = (row.documents, row.passages, row.embedded) if row else (0, 0, 0)
        shown.append(Shown(source, *numbers))
    return shown


def pairs(found: Assistant, limit: int = 200) -> list[Document]:
    """Questions with answers: those to be looked at first, then the newest."""
    query = select(Document).where(
        col(Document.account_id) == found.account_id,
        col(Document.assistant_id) == found.id,
        col(Document.kind) == DocumentKind.FAQ,
    )
    waiting_first = col(Document.state) != DocumentState.PENDING
    return list(session().exec(query.order_by(waiting_first, col(Document.id).desc()).limit(limit)))


_DECIDED = text("""
    select d.confidence, d.state = 'accepted' or d.state = 'edited' and d.edit_distance <= length(d.content) / 2 as is_right
    from draft d join conversation c on c.account_id = d.account_id and c.id = d.conversation_id
    where d.account_id = :account and c.inbox_id = any(:inboxes) and d.state in ('accepted', 'edited', 'rejected')
    order by d.id desc limit 500
""")
_TWINS = text("""
    select id, title, similarity(lower(title), :title)::float as alike from article
    where account_id = :account and portal_id = :portal and locale = :locale and id <> :article and status <> 'archived'
        and similarity(lower(title), :title) >= :alike
    order by alike desc limit 5
""")
# Drafts that cited the article, and Captain's own answers: the question each of them was for
_ANSWERED = text("""
    with cited as (
        select message_id as question_id, state::text as was, citations from draft
        where account_id = :account and citations @> jsonb_build_array(jsonb_build_object('article_id', :article))
        union all
        select (content_attributes->>'question_id')::bigint, 'answered', content_attributes->'citations' from message
        where account_id = :account and sender_type = 'captain'
            and content_attributes->'citations' @> jsonb_build_array(jsonb_build_object('article_id', :article))
    )
    select m.content, c.display_id, cited.was, m.created_at, array(
            select source->>'quote' from jsonb_array_elements(cited.citations) source
            where (source->>'article_id')::bigint = :article and source->>'quote' <> ''
        ) as quotes
    from cited join message m on m.account_id = :account and m.id = cited.question_id
    join conversation c on c.account_id = :account and c.id = m.conversation_id
    where m.content <> '' and (cast(:inboxes as bigint[]) is null or c.inbox_id = any(cast(:inboxes as bigint[])))
    order by m.id desc limit 30
""")
_COUNTS = text("""
    select d.source_id, count(distinct d.id) as documents, count(p.id) as passages, count(p.embedding) as embedded
    from document d left join passage p on p.account_id = d.account_id and p.document_id = d.id
    where d.account_id = :account and d.assistant_id = :assistant and d.source_id is not null group by d.source_id
""")
