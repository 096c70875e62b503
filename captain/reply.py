"""A draft with its sources: the help center's own words, three links, or an honest "I do not know"."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from captain.confidence import features, probability, rarities, share, verdict
from captain.embedder import Embedder
from captain.index import Hit, best_of_each_article
from captain.passages import WHOLE, Block, blocks
from captain.text import AnswerType, answer_type, content, holds, language, script, sentences
from captain.wire import Alternative, Calibration, Citation, Ranked, Ranking, Reply, Thresholds, Verdict

LINKS = 3  # the right article is among three much more often than it is the first
SHOWN = 10  # hits a ranking carries
SENTENCES = 2
COSINE, WANTED_KIND, WANTED_STEPS = 8.0, 0.15, 1.0  # against the share of the question's words, which weighs 1
ELISION = " … "

PHRASES = {
    "ru": {
        "greeting": "Здравствуйте!",
        "suggest": "Возможно, это поможет:",
        "abstain": "Не нашёл ответа в базе знаний. Передаю вопрос сотруднику.",
        "foreign": "Ответ есть в статье на другом языке:",
    },
    "en": {
        "greeting": "Hello!",
        "suggest": "This may help:",
        "abstain": "I did not find an answer in the help center. I am passing your question to a colleague.",
        "foreign": "The answer is in an article in another language:",
    },
}


def reply(
    question: str,
    hits: Sequence[Hit],
    embedder: Embedder,
    *,
    language: str,
    thresholds: Thresholds = Thresholds(),
    calibration: Calibration = Calibration(),
    greeting: bool = False,
) -> Reply:
    """The reply to a question made ready by `text.question`, from hits ranked by `index.fuse`.

    language: the customer's, `ru` or `en`. What is quoted stays as it was written.
    """
    ranking = ranked(question, hits, calibration)
    decision = verdict(ranking.confidence, thresholds) if hits else Verdict.ABSTAIN
    citations = (_citation(question, hits, embedder),) if decision is Verdict.ANSWER else ()
    alternatives = _alternatives(question, hits, skipped=len(citations)) if decision is not Verdict.ABSTAIN else ()
    lines = [PHRASES[language]["greeting"]] if greeting else []
    lines += _body(decision, citations, alternatives, language)
    return Reply("\n\n".join(lines), citations, ranking.confidence, decision, alternatives, language, ranking)


def ranked(question: str, hits: Sequence[Hit], calibration: Calibration = Calibration()) -> Ranking:
    """The SHOWN best hits and how sure the first one is."""
    return Ranking(
        question=question,
        hits=tuple(_ranked(hit) for hit in hits[:SHOWN]),
        confidence=probability(question, hits, calibration),
        features=asdict(features(question, hits)) if hits else {},
    )


@dataclass(frozen=True)
class Part:
    """A sentence of a passage, with the block it stands in."""

    hit: Hit
    block: Block
    said: str

    @property
    def is_kept_whole(self) -> bool:
        return self.block.is_list and len(self.block.text) <= WHOLE


def quote(question: str, hits: Sequence[Hit], embedder: Embedder) -> tuple[Hit, str]:
    """The words that answer and the hit they stand in: a short article whole, else the list or two sentences that fit best.

    Looked for in the passages of the best hit's article, in the customer's language if there is a translation. At most
    WHOLE characters.
    """
    best = best_of_each_article(hits, script(question))[0]
    if best.candidate.is_whole and 0 < len(best.candidate.text) <= WHOLE:
        return best, best.candidate.text
    near = [hit for hit in hits if hit.candidate.article_id == best.candidate.article_id]
    parts = [
        Part(hit, block, said) for hit in near for block in blocks(hit.candidate.text) for said in sentences(block.text)
    ]
    if not parts:
        return best, best.candidate.title
    scores = _scores(question, parts, hits, embedder)
    winner = parts[max(range(len(parts)), key=scores.__getitem__)]
    if winner.is_kept_whole:
        return winner.hit, winner.block.text
    prose = [i for i, part in enumerate(parts) if part.hit is winner.hit and not part.is_kept_whole]
    chosen = sorted(sorted(prose, key=lambda i: -scores[i])[:SENTENCES])
    joined = _joined([part.said for part in parts], chosen)
    return winner.hit, joined if len(joined) <= WHOLE else _cut(winner.said)


def _scores(question: str, parts: Sequence[Part], hits: Sequence[Hit], embedder: Embedder) -> list[float]:
    """How well each sentence answers. Read under its title, for a sentence alone rarely says what it is about."""
    wanted, asked, rarity = answer_type(question), content(question), rarities(question, hits)
    vectors = embedder.encode_document([f"{_prefix(part.hit)}\n{part.said}" for part in parts])
    cosines = (vectors @ embedder.encode_query([question])[0]).tolist()
    return [
        COSINE * cosine + share(asked, part.said, rarity) + _wanted(part, wanted)
        for cosine, part in zip(cosines, parts, strict=True)
    ]


def _wanted(part: Part, wanted: AnswerType) -> float:
    if wanted is AnswerType.STEPS:
        return WANTED_STEPS * holds(part.block.text, wanted)
    return WANTED_KIND * holds(part.said, wanted)


def _prefix(hit: Hit) -> str:
    return " — ".join(part for part in (hit.candidate.title, hit.candidate.heading) if part)


def _joined(said: Sequence[str], chosen: Sequence[int]) -> str:
    """The chosen sentences in their order, with a mark where some are left out between them."""
    text = said[chosen[0]]
    for before, i in pairwise(chosen):
        text += (" " if i == before + 1 else ELISION) + said[i]
    return text


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= WHOLE else sentence[: sentence.rfind(" ", 0, WHOLE - 2) + 1 or WHOLE - 2] + "…"


def _body(
    decision: Verdict, citations: Sequence[Citation], alternatives: Sequence[Alternative], spoken: str
) -> list[str]:
    if decision is Verdict.ABSTAIN:
        return [PHRASES[spoken]["abstain"]]
    if decision is Verdict.SUGGEST:
        return [PHRASES[spoken]["suggest"], "\n".join(f"• {_link(alternative)}" for alternative in alternatives)]
    said = [f"{citation.quote} [{citation.n}]" for citation in citations]
    foreign = any(language(citation.quote) != spoken for citation in citations)
    return [PHRASES[spoken]["foreign"], *said] if foreign else said


def _link(alternative: Alternative) -> str:
    return f"{alternative.title}: {alternative.url}" if alternative.url else alternative.title


def _citation(question: str, hits: Sequence[Hit], embedder: Embedder) -> Citation:
    hit, quoted = quote(question, hits, embedder)
    found = hit.candidate
    return Citation(
        n=1,
        passage_id=found.passage_id,
        article_id=found.article_id,
        external_id=found.external_id,
        title=found.title,
        url=found.url,
        quote=quoted,
    )


def _alternatives(question: str, hits: Sequence[Hit], skipped: int) -> tuple[Alternative, ...]:
    """The LINKS best articles after those already cited."""
    articles = best_of_each_article(hits, script(question))[skipped : skipped + LINKS]
    return tuple(
        Alternative(
            article_id=hit.candidate.article_id,
            passage_id=hit.candidate.passage_id,
            external_id=hit.candidate.external_id,
            title=hit.candidate.title,
            url=hit.candidate.url,
            score=hit.score,
        )
        for hit in articles
    )


def _ranked(hit: Hit) -> Ranked:
    found = hit.candidate
    return Ranked(
        passage_id=found.passage_id,
        article_id=found.article_id,
        external_id=found.external_id,
        title=found.title,
        url=found.url,
        score=hit.score,
        chunk=hit.chunk,
        title_score=hit.title,
        title_similarity=hit.title_similarity,
        lexical=hit.lexical,
    )
