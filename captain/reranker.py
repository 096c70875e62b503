"""A second look at the best hits: question and passage read together by a cross-encoder. On demand, as heavy as torch."""

import os
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from captain.embedder import NOT_INSTALLED
from captain.index import Hit
from captain.text import for_model

DEPTH = 20  # hits that are read again; a cross-encoder of 100 million weights needs 20 ms for each
SHARE = 0.6  # of the new order that is its judgement; the rest is the place the hit had


class Reranker(Protocol):
    """Judges how well passages answer. Any scale, the higher the better."""

    @property
    def name(self) -> str: ...

    def predict(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]: ...


class CrossEncoder:
    """Any cross-encoder that sentence-transformers can load."""

    def __init__(self, model: Any, name: str) -> None:
        self.name = name
        self._model = model
        self._alone = Lock()  # as in `SentenceTransformers`

    def predict(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        pairs = [(for_model(question), for_model(text)) for text in texts]
        with self._alone:
            return np.asarray(self._model.predict(pairs, show_progress_bar=False), np.float32).reshape(len(texts))


def reranker(spec: str) -> Reranker | None:
    """The reranker that `spec` names: `cross-encoder:<model>`; None for an empty one.

    ValueError for any other spec; RuntimeError if its package is not installed.
    """
    if not spec:
        return None
    kind, _, model = spec.partition(":")
    if kind != "cross-encoder" or not model:
        raise ValueError(f'no reranker "{spec}": use cross-encoder:<model>')
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        from sentence_transformers import CrossEncoder as Loaded
    except ImportError as missing:
        raise RuntimeError(NOT_INSTALLED) from missing
    return CrossEncoder(Loaded(model), spec)


def rerank(question: str, hits: Sequence[Hit], judge: Reranker) -> list[Hit]:
    """The hits with the first DEPTH in their new order; their scores stay in standard deviations, and above the rest."""
    first, rest = list(hits[:DEPTH]), list(hits[DEPTH:])
    if len(first) < 2:
        return [*first, *rest]
    texts = [_read(hit) for hit in first]
    judged, before = judge.predict(question, texts).astype(float), np.array([hit.score for hit in first])
    places = SHARE * _deviations(judged) + (1 - SHARE) * _deviations(before)
    scores = before.mean() + before.std() * places
    lift = max(0.0, (rest[0].score if rest else -np.inf) - float(scores.min()))
    again = [replace(hit, score=float(score) + lift) for hit, score in zip(first, scores, strict=True)]
    return sorted(again, key=lambda hit: -hit.score) + rest


def _deviations(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((scores - scores.mean()) / max(float(scores.std()), 1e-6), np.float64)


def _read(hit: Hit) -> str:
    prefix = " — ".join(part for part in (hit.candidate.title, hit.candidate.heading) if part)
    return f"{prefix}\n{hit.candidate.text}"
