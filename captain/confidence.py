"""How likely the best hit answers the question: features that mean the same on every help center, then a logistic.

Coefficients stand in `coefficients.json`; `captain.fit` made them. A raw cosine says little (wrong answers of E5 come
with .88, right ones with .90), so the features ask what is left unsaid: which words of the question the passage lacks,
how far the second best is behind, whether the ways of searching agree.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median

from captain.index import Hit, best_of_each_article
from captain.text import Script, content, script, sentences, stems, trigrams
from captain.wire import Calibration, Thresholds, Verdict

CLOSE = 0.5  # standard deviations behind the best hit that still count as a rival
ALIKE = 0.4  # shared trigrams from which two stems may be one word mistyped
CERTAIN = 0.99  # nobody is surer


@dataclass(frozen=True)
class Features:
    """What is known about the best hit. Shares of the question's words are weighted by rarity among the candidates."""

    overlap: float  # share of the question's words found in passage, heading and title
    sentence_overlap: float  # the same in its best sentence
    title_overlap: float  # the same in the title alone
    rarest_found: float  # whether the rarest word of the question is there
    margin: float  # how far the best hit of another article is behind, in standard deviations
    rivals: float  # log(1 + articles close behind)
    agreement: float  # share of the four ways of searching that put this article first
    chunk_gap: float  # cosine above the middle candidate's
    title_gap: float  # title cosine above the middle candidate's
    cosine: float
    title_cosine: float
    words: float  # log(1 + words that say something)


def features(question: str, hits: Sequence[Hit]) -> Features:
    """Features of the first hit. `hits` come from `index.fuse` and are not empty.

    A word's rarity is counted among the passages of `hits`: they are what a request knows of the corpus, and they share
    the question's subject, so a word that sets the right one apart weighs more here than in the whole corpus.
    """
    best, articles = hits[0].candidate, best_of_each_article(hits)
    asked = content(question)
    rarity = _rarity(asked, hits)
    read = f"{best.title} {best.heading} {best.text}"
    second = articles[1].score if len(articles) > 1 else articles[0].score - 1
    return Features(
        overlap=share(asked, read, rarity),
        sentence_overlap=max((share(asked, said, rarity) for said in sentences(best.text)), default=0.0),
        title_overlap=share(asked, f"{best.title} {best.heading}", rarity),
        rarest_found=share(sorted(asked, key=lambda stem: -rarity[stem])[:1], read, rarity),
        margin=articles[0].score - second,
        rivals=math.log1p(sum(hit.score > articles[0].score - CLOSE for hit in articles[1:])),
        agreement=_agreement(hits),
        chunk_gap=_above_middle([hit.candidate.cosine for hit in hits]),
        title_gap=_above_middle([hit.candidate.title_cosine for hit in hits]),
        cosine=best.cosine or 0.0,
        title_cosine=best.title_cosine or 0.0,
        words=math.log1p(len(asked)),
    )


def probability(question: str, hits: Sequence[Hit], calibration: Calibration = Calibration()) -> float:
    """In [0, CERTAIN]. 0 without hits, or when the question says nothing to search for ("спасибо", "👍")."""
    if not hits or not content(question):
        return 0.0
    logit = _logit(features(question, hits), _model(question, hits[0]))
    return min(CERTAIN, _logistic(calibration.slope * logit + calibration.intercept))


def verdict(probability: float, thresholds: Thresholds = Thresholds()) -> Verdict:
    if probability >= thresholds.answer:
        return Verdict.ANSWER
    return Verdict.SUGGEST if probability >= thresholds.suggest else Verdict.ABSTAIN


def share(asked: Sequence[str], text: str, rarity: dict[str, float]) -> float:
    """Share of the asked stems found in the text, by rarity, in [0, 1]. A mistyped word counts as far as it is alike."""
    total = sum(rarity[stem] for stem in asked)
    if not total:
        return 0.0
    present = frozenset(stems(text))
    return sum(rarity[stem] * _found(stem, present) for stem in asked) / total


@lru_cache(maxsize=65536)
def _found(stem: str, present: frozenset[str]) -> float:
    if stem in present:
        return 1.0
    mine = trigrams(stem)
    likeness = max((len(mine & theirs) / len(mine | theirs) for theirs in map(trigrams, present)), default=0.0)
    return likeness if likeness >= ALIKE else 0.0


def rarities(question: str, hits: Sequence[Hit]) -> dict[str, float]:
    """How rare each of the question's stems is among the hits."""
    return _rarity(content(question), hits)


def _rarity(asked: Sequence[str], hits: Sequence[Hit]) -> dict[str, float]:
    texts = [frozenset(stems(f"{hit.candidate.title} {hit.candidate.heading} {hit.candidate.text}")) for hit in hits]
    counts = {stem: sum(stem in text for text in texts) for stem in asked}
    return {stem: math.log1p((len(texts) - count + 0.5) / (count + 0.5)) for stem, count in counts.items()}


def _agreement(hits: Sequence[Hit]) -> float:
    """Share of the four ways that put the first hit's article first. A way that found nothing agrees with nobody."""
    ways = ("chunk", "title", "title_similarity", "lexical")
    winners = [max(hits, key=lambda hit: (getattr(hit, way), hit.score)) for way in ways]
    firsts = [
        winner.candidate.article_id == hits[0].candidate.article_id and getattr(winner, way) > 0
        for winner, way in zip(winners, ways, strict=True)
    ]
    return sum(firsts) / len(firsts)


def _above_middle(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return (values[0] or 0.0) - median(known) if known else 0.0


def _model(question: str, best: Hit) -> dict[str, float]:
    """Across scripts no words can match, so other features decide."""
    same = script(question) in (script(best.candidate.text), Script.NONE)
    return _coefficients()["same_script" if same else "other_script"]


def _logit(found: Features, model: dict[str, float]) -> float:
    return model["intercept"] + sum(model.get(name, 0.0) * value for name, value in asdict(found).items())


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


@lru_cache(maxsize=1)
def _coefficients() -> dict[str, dict[str, float]]:
    return dict(json.loads(Path(__file__).with_name("coefficients.json").read_text("utf-8")))
