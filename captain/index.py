"""Passages most like a question: by vectors alone, and by everything the database knows about each candidate."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from captain.text import Script, script
from captain.wire import Candidate, Key


@dataclass(frozen=True)
class Weights:
    """How much each way of searching counts. Fixed: weights learned on one help center did worse on another."""

    chunk: float = 0.4
    title: float = 0.3
    title_similarity: float = 0.1
    lexical: float = 0.2
    per_article: int = 2  # passages of one article among the hits


@dataclass(frozen=True)
class Hit:
    """A candidate with its place: `score` is the weighted sum of the four, each in standard deviations (0: average)."""

    candidate: Candidate
    score: float
    chunk: float
    title: float
    title_similarity: float
    lexical: float


def nearest(question: NDArray[np.float32], passages: NDArray[np.float32], k: int = 3) -> list[tuple[int, float]]:
    """The `k` passages most like the question, best first, as (row, cosine in [-1, 1]).

    question (d,), passages (n, d): float32, unit length. ValueError if their d differ: two embedding models were mixed.
    """
    if question.shape[-1] != passages.shape[-1]:
        raise ValueError(f"a question of {question.shape[-1]} dimensions among passages of {passages.shape[-1]}")
    cosines = passages @ question
    best = np.argsort(-cosines, kind="stable")[:k]
    return [(int(row), float(cosines[row])) for row in best]


def fuse(candidates: Sequence[Candidate], query_script: Script, weights: Weights = Weights()) -> list[Hit]:
    """All candidates as hits, best first, at most `weights.per_article` of one article.

    Letters count only among passages written in the question's script. To all others they say nothing (0): otherwise
    an English question over Russian articles would find whatever happens to hold a Latin word.
    """
    alike = np.array([query_script in (script(candidate.text), Script.NONE) for candidate in candidates], bool)
    all_alike = np.ones(len(candidates), bool)
    chunk = _deviations([candidate.cosine for candidate in candidates], all_alike, least=0.01)
    title = _deviations([candidate.title_cosine for candidate in candidates], all_alike, least=0.01)
    similarity = _deviations([candidate.title_similarity for candidate in candidates], alike, least=0.02)
    lexical = _deviations([candidate.lexical for candidate in candidates], alike, least=0.001)
    score = (
        weights.chunk * chunk
        + weights.title * title
        + weights.title_similarity * similarity
        + weights.lexical * lexical
    )
    columns = np.stack([score, chunk, title, similarity, lexical], axis=1).tolist() if candidates else []
    hits = [Hit(candidate, *row) for candidate, row in zip(candidates, columns, strict=True)]
    hits.sort(key=lambda hit: (-hit.score, str(hit.candidate.article_id), str(hit.candidate.passage_id)))
    return _at_most(weights.per_article, hits)


def best_of_each_article(hits: Sequence[Hit], read: Script = Script.NONE) -> list[Hit]:
    """One hit for every article, best first: its best, or of its translations the best one in the script that is read."""
    firsts: dict[Key, Hit] = {}
    for hit in hits:
        known = firsts.setdefault(hit.candidate.subject, hit)
        if script(known.candidate.text) is not read and script(hit.candidate.text) is read:
            firsts[hit.candidate.subject] = hit
    return list(firsts.values())


def _at_most(limit: int, hits: Sequence[Hit]) -> list[Hit]:
    seen: Counter[Key] = Counter()
    kept = []
    for hit in hits:
        seen[hit.candidate.article_id] += 1
        if seen[hit.candidate.article_id] <= limit:
            kept.append(hit)
    return kept


def _deviations(scores: Sequence[float | None], counted: NDArray[np.bool_], least: float) -> NDArray[np.float64]:
    """How many standard deviations each counted score lies above their mean; 0 for the others.

    An unknown score counts as the lowest. `least` keeps a handful of near-equal scores from looking far apart.
    """
    known = [score for score in scores if score is not None]
    if not known or not counted.any():
        return np.zeros(len(scores))
    lowest = min(known)
    filled = np.array([lowest if score is None else score for score in scores])
    mean, deviation = filled[counted].mean(), max(float(filled[counted].std()), least)
    return np.where(counted, (filled - mean) / deviation, 0.0)
