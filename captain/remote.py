"""Models at any OpenAI-compatible server: vectors and JSON answers. Who starts Captain hands in the client that calls.

https://platform.openai.com/docs/api-reference
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from captain.embedder import Vectors
from captain.text import for_model

# url, JSON body, seconds → (status, body). It raises OSError or ModelAway when there is no answer.
Post = Callable[[str, Mapping[str, Any], float], tuple[int, bytes]]

EMBED_SECONDS = 60.0
BATCH = 64  # texts a request


class ModelAway(Exception):
    """The model did not answer, or not as asked. The message says which, and holds nothing of what was sent."""


@dataclass(frozen=True)
class Address:
    """`<model>@<base url>`, as in `gpt-5-mini@https://api.openai.com/v1`."""

    model: str
    base: str

    @classmethod
    def read(cls, spec: str) -> "Address":
        """ValueError when it is not one."""
        model, _, base = spec.rpartition("@")
        if not model or not base.startswith(("http://", "https://")):
            raise ValueError(f'"{spec}" should be <model>@<base url>, as in bge-m3@http://127.0.0.1:8000/v1')
        return cls(model, base.rstrip("/"))


class OpenAI:
    """An embedding model at a server; the same words for questions and documents, as that interface has it."""

    def __init__(self, address: Address, post: Post) -> None:
        self.name = f"openai:{address.model}@{address.base}"
        self._address, self._post = address, post
        self.dimension = len(self._asked(["dimension"])[0])

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        read = [for_model(text) or " " for text in texts]
        rows = [row for i in range(0, len(read), BATCH) for row in self._asked(read[i : i + BATCH])]
        vectors = np.asarray(rows, np.float32).reshape(len(texts), self.dimension)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)

    def _asked(self, texts: Sequence[str]) -> list[list[float]]:
        body = {"model": self._address.model, "input": list(texts), "encoding_format": "float"}
        told = answer_of(self._post, f"{self._address.base}/embeddings", body, EMBED_SECONDS)
        try:
            rows = [row["embedding"] for row in sorted(told["data"], key=lambda row: row["index"])]
            finite = all(np.isfinite(np.asarray(row, np.float32)).all() for row in rows)
        except (KeyError, TypeError, ValueError) as odd:
            raise ModelAway("the server answered without vectors") from odd
        if len(rows) != len(texts) or len({len(row) for row in rows}) != 1 or not finite:
            raise ModelAway("the server answered with other vectors than were asked for")
        return rows


def answer_of(post: Post, url: str, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """The JSON object a server answers with. Refused when it says no (4xx, 5xx); ModelAway when nothing usable comes."""
    try:
        status, raw = post(url, body, seconds)
    except OSError as absent:
        raise ModelAway(f"no answer: {absent}") from absent
    if status != 200:
        raise Refused(status)
    try:
        told = json.loads(raw)
    except ValueError as odd:
        raise ModelAway("the server answered something else than JSON") from odd
    if not isinstance(told, dict):
        raise ModelAway("the server answered something else than an object")
    return told


class Refused(ModelAway):
    """The server does not want this request, or any."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the server answered {status}")
        self.status = status
