"""The second look at the best hits, with a judge that needs no model."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from captain.index import fuse
from captain.reranker import DEPTH, rerank, reranker
from captain.wire import Candidate


class Longest:
    name = "longest"

    def predict(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        assert question == "чай"
        return np.array([len(text) for text in texts], np.float32)


def test_what_the_judge_prefers_rises_and_the_rest_keeps_its_place() -> None:
    found = [Candidate(i, i, "", "Текст" * (1 + 9 * (i == 3)), cosine=1 - i / 100) for i in range(DEPTH + 5)]
    hits = fuse("чай", found)
    again = rerank("чай", hits, Longest())
    assert again[0].candidate.passage_id == 3
    assert again[DEPTH:] == hits[DEPTH:]
    assert [hit.score for hit in again] == sorted((hit.score for hit in again), reverse=True)


def test_one_hit_or_none_needs_no_judge() -> None:
    assert rerank("чай", [], Longest()) == []
    one = fuse("чай", [Candidate(1, 1, "", "Текст", cosine=0.5)])
    assert rerank("чай", one, Longest()) == one


def test_without_a_name_there_is_none_and_an_unknown_one_is_named() -> None:
    assert reranker("") is None
    for spec in ("bge", "cross-encoder:", "flashrank:x"):
        with pytest.raises(ValueError, match="no reranker"):
            reranker(spec)
