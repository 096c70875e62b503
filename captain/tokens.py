"""A text as the encoder's numbers of known pieces: the unigram tokenizer of SentencePiece that stands in its file.

https://arxiv.org/abs/1804.10959
"""

import re
import struct
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from captain.encoder import Tokens, Weights, directory


class Tokenizer:
    """The likeliest way to cut a text into known pieces. Keeps 250,000 of them, 40 MB; safe to call from many threads."""

    def __init__(self, weights: Weights) -> None:
        tokens = directory(weights)[0]
        self.begin, self.end, _padding, self._unknown = tokens.special
        offsets = np.frombuffer(weights, "<u4", tokens.count + 1, tokens.offsets).tolist()
        pieces = (bytes(weights[tokens.text + at : tokens.text + end]) for at, end in pairwise(offsets))
        scores = np.frombuffer(weights, "<f4", tokens.count, tokens.scores).tolist()
        self._pieces = {
            piece.decode("utf-8", "replace"): (score, number)
            for number, (piece, score) in enumerate(zip(pieces, scores, strict=True))
            if piece and number != self._unknown
        }
        self._lost = min(scores) - 10  # the score of a letter that is in no piece
        self._longest = max(map(len, self._pieces))
        self._letters = str.maketrans(dict(_letters(weights, tokens)))

    def of(self, text: str) -> list[int]:
        """The text's tokens, without those that begin and end it."""
        read = re.sub(" {2,}", " ", text.translate(self._letters))
        return self._cut(f" {read}".replace(" ", "▁"))

    def _cut(self, text: str) -> list[int]:
        best: list[tuple[float, int, int]] = [(0.0, 0, 0)]  # of each length: score, last piece, where that begins
        pieces, longest = self._pieces, self._longest
        for end in range(1, len(text) + 1):
            top = (best[end - 1][0] + self._lost, self._unknown, end - 1)
            for begin in range(max(0, end - longest), end):
                known = pieces.get(text[begin:end])
                if known and best[begin][0] + known[0] > top[0]:
                    top = (best[begin][0] + known[0], known[1], begin)
            best.append(top)
        found, at = [], len(text)
        while at:
            found.append(best[at][1])
            at = best[at][2]
        return found[::-1]


def _letters(weights: Weights, tokens: Tokens) -> Iterator[tuple[str, str]]:
    """Letters that are read as others."""
    at = tokens.letters
    for _ in range(tokens.letter_count):
        letter, count = struct.unpack_from("<IB", weights, at)
        yield chr(letter), "".join(map(chr, struct.unpack_from(f"<{count}I", weights, at + 5)))
        at += 5 + 4 * count
