"""Passages most like a question: by vectors alone, and by everything the database knows about each candidate."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from captain.letters import spelled_russian
from captain.text import Script, concepts, content, counts, meanings, most_alike, script
from captain.wire import Candidate, Key

SATURATION, LENGTH_MATTERS = 1.2, 0.75  # k₁ and b of BM25, as everybody sets them
ALIKE = 0.4  # shared trigrams from which two stems may be one word mistyped
SURE_LETTERS = 4  # a stem of fewer letters is taken at its word
NAME_LETTERS, NAME_ALIKE = 5, 0.5  # of a name spelled in other letters, and from which likeness it may be that name

Scores = NDArray[np.float64]
Term = TypeVar("Term", str, int)


@dataclass(frozen=True)
class Weights:
    """How much each way of searching counts. Fixed: weights learned on one help center did worse on another.

    `stored()` reads those of weights.json, which an operator may change.
    """

    chunk: float = 0.2  # cosine of passage and question
    title: float = 0.1  # of title and question
    sentence: float = 0.2  # of the sentence that is nearest to it
    either: float = 0.45  # the greatest of the three: in a FAQ the title says it all, in prose a sentence does
    article: float = 0.2  # mean cosine of the article's passages: what it is about as a whole
    title_similarity: float = 0.05  # shared trigrams
    lexical: float = 0.3  # BM25 over the candidates, of words and, by `concepts`, of what they mean
    concepts: float = 0.8
    per_article: int = 2  # passages of one article among the hits

    @classmethod
    @lru_cache(maxsize=1)
    def stored(cls) -> "Weights":
        return cls(**json.loads(Path(__file__).with_name("weights.json").read_text("utf-8")))


@dataclass(frozen=True)
class Hit:
    """A candidate with its place: `score` is the weighted sum of the seven, each in standard deviations (0: average)."""

    candidate: Candidate
    score: float
    chunk: float
    title: float
    sentence: float
    either: float
    article: float
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


def fuse(question: str, candidates: Sequence[Candidate], weights: Weights | None = None) -> list[Hit]:
    """All candidates as hits, best first, at most `weights.per_article` of one article, and no text of it twice.

    Letters count only among passages written in the question's script. Of all others only the names that the question
    spells are looked for: otherwise an English question over Russian articles would find whatever happens to hold a
    Latin word. Titles that are all alike, because they name nothing ("Document 12"), set no passage apart.
    """
    chosen, asked = weights or Weights.stored(), script(question)
    alike = np.array([asked in (script(candidate.text), Script.NONE) for candidate in candidates], bool)
    all_alike = np.ones(len(candidates), bool)
    columns = {
        "chunk": _deviations([one.cosine for one in candidates], all_alike, least=0.01),
        "title": _deviations([one.title_cosine for one in candidates], all_alike, least=0.1),
        "sentence": _deviations([sentence(one) for one in candidates], all_alike, least=0.01),
        "either": _deviations([either(one) for one in candidates], all_alike, least=0.01),
        "article": _deviations([one.article_cosine for one in candidates], all_alike, least=0.01),
        "title_similarity": _deviations([one.title_similarity for one in candidates], alike, least=0.1),
        "lexical": _deviations(lexical(question, candidates, chosen.concepts).tolist(), alike, least=0.1)
        + _deviations(names(question, candidates).tolist(), ~alike, least=0.5),
    }
    score = sum((getattr(chosen, name) * column for name, column in columns.items()), np.zeros(len(candidates)))
    rows = np.stack([score, *columns.values()], axis=1).tolist()
    hits = [Hit(candidate, *row) for candidate, row in zip(candidates, rows, strict=True)]
    hits.sort(key=lambda hit: (-hit.score, str(hit.candidate.article_id), str(hit.candidate.passage_id)))
    return _at_most(chosen.per_article, hits)


def lexical(question: str, candidates: Sequence[Candidate], concepts_count: float) -> Scores:
    """BM25 (n,) of the question's stems among the candidates, mistyped ones as far as they are alike, plus
    `concepts_count` times that of their groups of synonyms.

    A word's rarity is counted among the candidates: they share the question's subject, so what sets the right one apart
    weighs more than in the whole corpus, and nobody has to count a corpus.
    """
    texts = [text_of(one) for one in candidates]
    said = [counts(text) for text in texts]
    asked = {stem: 1.0 for stem in content(question)}
    meant = {group: 1.0 for stem in asked for group in concepts(stem)}
    of_words = bm25(_corrected(asked, said), said)
    return of_words + concepts_count * bm25(meant, [meanings(text) for text in texts]) if meant else of_words


def names(question: str, candidates: Sequence[Candidate]) -> Scores:
    """BM25 (n,) of what reads alike in Latin and in Russian letters: numbers, and names as a Russian ear writes them.

    Zeros for a question that is not in Latin letters.
    """
    if script(question) is not Script.LATIN:
        return np.zeros(len(candidates))
    said = [counts(text_of(one)) for one in candidates]
    known: dict[str, list[str]] = {}
    for stem in set[str]().union(*said):
        known.setdefault(stem[0], []).append(stem)
    asked: dict[str, float] = {}
    for stem in content(question):
        spelled = spelled_russian(stem)
        if stem in known.get(stem[0], ()):
            asked[stem] = 1.0
        elif len(stem) >= NAME_LETTERS:
            likeness, name = most_alike(spelled, known.get(spelled[0], ()))
            asked |= {name: likeness} if likeness >= NAME_ALIKE else {}
    return bm25(asked, said)


def text_of(candidate: Candidate) -> str:
    """All that its words are looked for in."""
    return f"{candidate.title} {candidate.heading} {candidate.text}"


def _corrected(asked: dict[str, float], said: Sequence[Counter[str]]) -> dict[str, float]:
    """The stems asked for, each that nobody has replaced by the stem most like it, which then counts so much less."""
    known = set[str]().union(*said)
    corrected: dict[str, float] = {}
    for stem in asked:
        if stem in known or len(stem) < SURE_LETTERS:
            corrected[stem] = 1.0
            continue
        likeness, nearest_stem = most_alike(stem, known)
        if likeness >= ALIKE:
            corrected[nearest_stem] = max(likeness, corrected.get(nearest_stem, 0.0))
    return corrected


def bm25(asked: Mapping[Term, float], texts: Sequence[Counter[Term]]) -> Scores:
    """https://en.wikipedia.org/wiki/Okapi_BM25, each term weighted by `asked`. texts: how often each says what."""
    lengths = np.array([text.total() for text in texts], float)
    usual = 1 - LENGTH_MATTERS + LENGTH_MATTERS * lengths / max(1.0, float(lengths.mean()) if len(texts) else 1.0)
    scores = np.zeros(len(texts))
    for term, weight in asked.items():
        found = np.array([text.get(term, 0) for text in texts], float)
        having = int((found > 0).sum())
        rarity = math.log1p((len(texts) - having + 0.5) / (having + 0.5))
        scores += weight * rarity * found * (SATURATION + 1) / (found + SATURATION * usual)
    return scores


def sentence(candidate: Candidate) -> float | None:
    """The cosine of the passage's nearest sentence; its own where there is but one, or none has a vector yet."""
    return max(candidate.sentence_cosines, default=candidate.cosine)


def either(candidate: Candidate) -> float | None:
    """The greatest of the cosines of passage, title and sentence."""
    known = (candidate.cosine, candidate.title_cosine, *candidate.sentence_cosines)
    return max((one for one in known if one is not None), default=None)


def best_of_each_article(hits: Sequence[Hit], read: Script = Script.NONE) -> list[Hit]:
    """One hit for every article, best first: its best, or of its translations the best one in the script that is read."""
    firsts: dict[Key, Hit] = {}
    for hit in hits:
        known = firsts.setdefault(hit.candidate.subject, hit)
        if script(known.candidate.text) is not read and script(hit.candidate.text) is read:
            firsts[hit.candidate.subject] = hit
    return list(firsts.values())


def _at_most(limit: int, hits: Iterable[Hit]) -> list[Hit]:
    seen: Counter[Key] = Counter()
    told: set[tuple[Key, str]] = set()
    kept = []
    for hit in hits:
        article, text = hit.candidate.article_id, hit.candidate.text
        if seen[article] < limit and (article, text) not in told:
            kept.append(hit)
            seen[article] += 1
            told.add((article, text))
    return kept


def _deviations(scores: Sequence[float | None], counted: NDArray[np.bool_], least: float) -> Scores:
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
