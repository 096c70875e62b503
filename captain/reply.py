"""A draft with its sources: the help center's own words, three links, or an honest "I do not know"."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby, pairwise

from captain.confidence import features, probability, rarities, share, verdict
from captain.embedder import Embedder
from captain.index import Hit, best_of_each_article, text_of
from captain.passages import WHOLE, Block, in_place, told
from captain.text import (
    AnswerType,
    answer_type,
    concepts,
    content,
    counts,
    holds,
    language,
    meanings,
    script,
    stems,
)
from captain.wire import Alternative, Calibration, Candidate, Citation, Ranked, Ranking, Reply, Thresholds, Verdict
from captain.writer import PASSAGES, Said, Source

# A model's wording of the passages of these hits: what of it holds, or nothing.
Wording = Callable[[Sequence[Source]], list[Said]]

LINKS = 3  # the right article is among three much more often than it is the first
SHOWN = 10  # hits a ranking carries
SENTENCES = 2
COSINE, WANTED_KIND, WANTED_STEPS = 4.0, 0.15, 1.0  # against the share of the question's words, which weighs 1
# Another article is looked through too when it is less than this behind the best in fused score, and pays for each such step
CLOSE, AHEAD = 0.8, 0.3
LEFT_OPEN = 1.0  # for a second sentence, the share of the question's words that the first does not say
SAME_QUESTION = 0.6  # of the question's words, by their rarity, that the title says
SHORT = 1200  # characters of an article all of whose passages are looked through, at 20 ms a sentence
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
    wording: Wording | None = None,
    candidates: Sequence[Candidate] = (),
) -> Reply:
    """The reply to a question made ready by `text.question`, from hits ranked by `index.fuse`.

    candidates: what was ranked, of which hits hold but the best few of each article. language: the customer's, `ru` or
    `en`. What is quoted stays as it was written, unless a model's wording of it holds.
    """
    ranking = ranked(question, hits, calibration)
    decision = verdict(ranking.confidence, thresholds) if hits else Verdict.ABSTAIN
    is_answer = decision is Verdict.ANSWER
    said, citations = _said(question, hits, embedder, wording, candidates) if is_answer else ([], ())
    alternatives = _alternatives(question, hits, cited=citations) if decision is not Verdict.ABSTAIN else ()
    lines = [PHRASES[language]["greeting"]] if greeting else []
    lines += _body(decision, said, alternatives, language)
    return Reply("\n\n".join(lines), citations, ranking.confidence, decision, alternatives, language, ranking)


def ranked(question: str, hits: Sequence[Hit], calibration: Calibration = Calibration()) -> Ranking:
    """The SHOWN best hits and how sure the first one is."""
    found = features(question, hits) if hits else None
    return Ranking(
        question=question,
        hits=tuple(_ranked(question, hit) for hit in hits[:SHOWN]),
        confidence=probability(question, hits, calibration, found=found),
        features=asdict(found) if found else {},
    )


@dataclass(frozen=True)
class Part:
    """A sentence of a passage, with the block it stands in."""

    hit: Hit
    block: Block
    said: str
    cosine: float | None  # with the question, where it is known
    first: str  # sentence of its article
    behind: float  # fused score of its article below that of the best one

    @property
    def is_kept_whole(self) -> bool:
        return self.block.is_list and len(self.block.text) <= WHOLE

    @property
    def in_place(self) -> str:
        """What the model reads where the cosine is not known."""
        found = self.hit.candidate
        return in_place(" — ".join(part for part in (found.title, found.heading) if part), self.said, self.first)


def quotes(
    question: str,
    hits: Sequence[Hit],
    embedder: Embedder,
    count: int = SENTENCES,
    candidates: Sequence[Candidate] = (),
) -> list[tuple[Hit, str]]:
    """The words that answer, each with the hit they stand in, in the article's order.

    A short article whole, else the list or the `count` sentences that fit best. Looked for in the passages of the best
    hit's article, in the customer's language if there is a translation, and in the prose of the next one where it is
    CLOSE behind. At most WHOLE characters together.
    """
    best = best_of_each_article(hits, script(question))[0]
    if best.candidate.is_whole and 0 < len(best.candidate.text) <= WHOLE:
        return [(best, best.candidate.text)]
    return picked(question, hits, embedder, count, candidates)


def picked(
    question: str, hits: Sequence[Hit], embedder: Embedder, count: int, candidates: Sequence[Candidate] = ()
) -> list[tuple[Hit, str]]:
    """The list or the `count` sentences of the best hit's article that fit best, as `quotes` does, however short it is."""
    best = best_of_each_article(hits, script(question))[0]
    near = [hit for hit in hits if hit.candidate.article_id == best.candidate.article_id]
    near += _steps_of(question, best, near, hits, candidates)
    near += _rest_of(best, near, candidates)
    own = _parts(near)
    if not own:
        return [(best, best.candidate.title)]
    parts = own + [part for part in _parts(*_close_second(question, hits)) if not part.is_kept_whole]
    scores = _scores(question, parts, hits, embedder)
    winner = parts[max(range(len(parts)), key=scores.__getitem__)]
    if winner.is_kept_whole:
        return [(winner.hit, winner.block.text)]
    prose = [i for i, part in enumerate(parts) if not part.is_kept_whole]
    chosen = sorted(_complementing(question, parts, scores, prose, count))
    if sum(len(parts[i].said) for i in chosen) + len(ELISION) * len(chosen) > WHOLE:
        return [(winner.hit, _cut(winner.said))]
    said = [part.said for part in parts]
    by_hit = [(hit, list(mine)) for hit, mine in groupby(chosen, key=lambda i: parts[i].hit)]
    return [(hit, _joined(said, mine)) for hit, mine in by_hit]


def _parts(near: Sequence[Hit], behind: float = 0.0) -> list[Part]:
    """The sentences of one article's passages, in its order."""
    ordered = sorted(near, key=lambda hit: hit.candidate.position or 0)
    single = [(hit, *each) for hit in ordered for each in _single(hit.candidate)]
    return [Part(hit, block, said, cosine, single[0][2], behind) for hit, block, said, cosine in single]


def _single(found: Candidate) -> list[tuple[Block, str, float | None]]:
    """The passage's sentences, each with the block it stands in and its cosine, where that is known."""
    said = told(found.text)
    own = found.sentence_cosines or (found.cosine,)  # the only one is the passage itself
    known = own if len(own) == len(said) else [None] * len(said)
    return [(*each, cosine) for each, cosine in zip(said, known, strict=True)]


def _close_second(question: str, hits: Sequence[Hit]) -> tuple[list[Hit], float]:
    """(the second article's passages among the hits, how far behind it is); none where it is not CLOSE."""
    best, *others = best_of_each_article(hits, script(question))
    behind = best.score - others[0].score if others else CLOSE
    near = [hit for hit in hits if behind < CLOSE and hit.candidate.article_id == others[0].candidate.article_id]
    return list({hit.candidate.text: hit for hit in near}.values()), behind


def _steps_of(
    question: str, best: Hit, near: Sequence[Hit], hits: Sequence[Hit], candidates: Sequence[Candidate]
) -> list[Hit]:
    """The first steps of an article whose title asks the same, when its best passages have none.

    What stands around a list repeats the title's words, and the list itself seldom does.
    """
    article = best.candidate
    if answer_type(question) is not AnswerType.STEPS or any(
        holds(hit.candidate.text, AnswerType.STEPS) for hit in near
    ):
        return []
    if share(content(question), article.title, rarities(question, hits)) < SAME_QUESTION:
        return []
    mine = [one for one in candidates if one.article_id == article.article_id and holds(one.text, AnswerType.STEPS)]
    return [replace(best, candidate=one) for one in sorted(mine, key=lambda one: one.position or 0)[:1]]


def _rest_of(best: Hit, near: Sequence[Hit], candidates: Sequence[Candidate]) -> list[Hit]:
    """The other passages of a short article: too few of them were ranked to know that the answer stands in none."""
    known = {hit.candidate.text for hit in near}
    mine = {one.text: one for one in candidates if one.article_id == best.candidate.article_id}
    is_short = sum(map(len, mine)) <= SHORT
    return [replace(best, candidate=one) for text, one in mine.items() if is_short and text not in known]


def _complementing(
    question: str, parts: Sequence[Part], scores: Sequence[float], prose: Sequence[int], count: int
) -> list[int]:
    """The best sentence, then those that say best what the ones before leave open: a question may ask two things."""
    open_words, left, chosen = set(content(question)), list(prose), list[int]()
    while left and len(chosen) < count:
        told = {i: len(open_words & set(stems(parts[i].said))) / (len(content(question)) or 1) for i in left}
        best = max(left, key=lambda i: scores[i] + (LEFT_OPEN * told[i] if chosen else 0.0))
        chosen.append(best)
        left.remove(best)
        open_words -= set(stems(parts[best].said))
    return chosen


def _said(
    question: str,
    hits: Sequence[Hit],
    embedder: Embedder,
    wording: Wording | None,
    candidates: Sequence[Candidate],
) -> tuple[list[str], tuple[Citation, ...]]:
    """(what is said, each piece with its number; the citations by these numbers): worded where that holds, else quoted."""
    told = [(hit, words, words) for hit, words in quotes(question, hits, embedder, candidates=candidates)]
    if wording is not None:
        read = _read(question, hits)
        held = wording([Source(hit.candidate.title, hit.candidate.text) for hit in read])
        told = [(read[said.source], said.quote, said.text) for said in held] or told
    citations = tuple(_citation(n, hit, words) for n, (hit, words, _) in enumerate(told, 1))
    pieces = [f"{words} [{n}]" for n, (_, _, words) in enumerate(told, 1)]
    return ([" ".join(pieces)] if wording is not None and told and told[0][1] != told[0][2] else pieces), citations


def _read(question: str, hits: Sequence[Hit]) -> list[Hit]:
    """What a model reads: the passages of the best article first, then the best of others."""
    best = best_of_each_article(hits, script(question))[0]
    own = [hit for hit in hits if hit.candidate.article_id == best.candidate.article_id]
    return [*own, *(hit for hit in hits if hit.candidate.subject != best.candidate.subject)][:PASSAGES]


def _scores(question: str, parts: Sequence[Part], hits: Sequence[Hit], embedder: Embedder) -> list[float]:
    """How well each sentence answers."""
    wanted, asked, rarity = answer_type(question), content(question), rarities(question, hits)
    cosines = _all_cosines(question, parts, embedder)
    return [
        COSINE * cosine + share(asked, part.said, rarity) + _wanted(part, wanted) - AHEAD * part.behind
        for cosine, part in zip(cosines, parts, strict=True)
    ]


def _all_cosines(question: str, parts: Sequence[Part], embedder: Embedder) -> list[float]:
    """Those of sentences that have no vector yet are made, at 20 ms each."""
    unread = [part.in_place for part in parts if part.cosine is None]
    made = iter((embedder.encode_document(unread) @ embedder.encode_query([question])[0]).tolist() if unread else ())
    return [next(made) if part.cosine is None else part.cosine for part in parts]


def _wanted(part: Part, wanted: AnswerType) -> float:
    if wanted is AnswerType.STEPS:
        return WANTED_STEPS * holds(part.block.text, wanted)
    return WANTED_KIND * holds(part.said, wanted)


def _joined(said: Sequence[str], chosen: Sequence[int]) -> str:
    """The chosen sentences in their order, with a mark where some are left out between them."""
    text = said[chosen[0]]
    for before, i in pairwise(chosen):
        text += (" " if i == before + 1 else ELISION) + said[i]
    return text


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= WHOLE else sentence[: sentence.rfind(" ", 0, WHOLE - 2) + 1 or WHOLE - 2] + "…"


def _body(decision: Verdict, said: Sequence[str], alternatives: Sequence[Alternative], spoken: str) -> list[str]:
    if decision is Verdict.ABSTAIN:
        return [PHRASES[spoken]["abstain"]]
    if decision is Verdict.SUGGEST:
        return [PHRASES[spoken]["suggest"], "\n".join(f"• {_link(alternative)}" for alternative in alternatives)]
    foreign = any(language(words) != spoken for words in said)
    return [PHRASES[spoken]["foreign"], *said] if foreign else list(said)


def _link(alternative: Alternative) -> str:
    return f"{alternative.title}: {alternative.url}" if alternative.url else alternative.title


def _citation(n: int, hit: Hit, quoted: str) -> Citation:
    found = hit.candidate
    return Citation(
        n=n,
        passage_id=found.passage_id,
        article_id=found.article_id,
        external_id=found.external_id,
        title=found.title,
        url=found.url,
        quote=quoted,
    )


def _alternatives(question: str, hits: Sequence[Hit], cited: Sequence[Citation]) -> tuple[Alternative, ...]:
    """The LINKS best articles besides those already cited."""
    known = {citation.article_id for citation in cited} | {citation.external_id for citation in cited} - {None}
    best = best_of_each_article(hits, script(question))
    articles = [
        hit for hit in best if hit.candidate.article_id not in known and hit.candidate.external_id not in known
    ][:LINKS]
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


def _matched(question: str, hit: Hit) -> tuple[str, ...]:
    """The question's words that the hit says, in these or, by `concepts`, in other words."""
    text = text_of(hit.candidate)
    said, meant = counts(text), meanings(text).keys()
    return tuple(stem for stem in content(question) if stem in said or not meant.isdisjoint(concepts(stem)))


def _ranked(question: str, hit: Hit) -> Ranked:
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
        either=hit.either,
        sentence=hit.sentence,
        article=hit.article,
        title_similarity=hit.title_similarity,
        lexical=hit.lexical,
        cosine=found.cosine,
        title_cosine=found.title_cosine,
        matched=_matched(question, hit),
    )
