"""Candidates to ranked hits."""

from dataclasses import replace

import numpy as np
import pytest

from captain.index import Weights, best_of_each_article, fuse, nearest
from captain.text import Script
from captain.wire import Candidate


def candidate(passage: int, article: int | None = None, **scores: float | str | None) -> Candidate:
    plain = Candidate(
        passage_id=passage, article_id=passage if article is None else article, title="Чай", text="Чай вкусный."
    )
    return replace(plain, **scores)  # type: ignore[arg-type]


def order(*candidates: Candidate, query_script: Script = Script.CYRILLIC, weights: Weights = Weights()) -> list[object]:
    return [hit.candidate.passage_id for hit in fuse(candidates, query_script, weights)]


def test_the_nearest_come_best_first_with_their_cosines() -> None:
    passages = np.eye(4, dtype=np.float32)
    question = np.array([0.6, 0.8, 0, 0], np.float32)
    assert nearest(question, passages, k=2) == [(1, pytest.approx(0.8)), (0, pytest.approx(0.6))]
    assert len(nearest(question, passages, k=9)) == 4
    assert nearest(question, passages[:0]) == []


def test_vectors_of_two_models_do_not_compare() -> None:
    with pytest.raises(ValueError, match="3 dimensions among passages of 4"):
        nearest(np.ones(3, np.float32), np.eye(4, dtype=np.float32))


def test_every_way_of_searching_counts() -> None:
    base = {"cosine": 0.3, "title_cosine": 0.3, "lexical": 0.1, "title_similarity": 0.1}
    for way in base:
        assert order(candidate(1, **base), candidate(2, **base | {way: 0.9}), candidate(3, **base))[0] == 2, way


def test_weights_decide_between_ways_that_differ() -> None:
    found = (candidate(1, cosine=0.9, lexical=0.0), candidate(2, cosine=0.1, lexical=0.9))
    assert order(*found) == [1, 2]
    assert order(*found, weights=Weights(chunk=0.1, lexical=0.9)) == [2, 1]


@pytest.mark.parametrize("way", ["lexical", "title_similarity"])
def test_words_in_another_script_say_nothing(way: str) -> None:
    low = [candidate(i, cosine=0.1, **{way: 0.0}) for i in range(10, 14)]
    found = (candidate(1, cosine=0.5, **{way: 0.0}), candidate(2, cosine=0.49, **{way: 0.9}), *low)
    assert order(*found, query_script=Script.CYRILLIC)[:2] == [2, 1]
    assert order(*found, query_script=Script.LATIN)[:2] == [1, 2]


def test_in_a_help_center_of_two_languages_words_count_among_passages_of_the_questions_own() -> None:
    russian = [candidate(i, cosine=0.4, lexical=0.0) for i in range(3)]
    english = [candidate(i, cosine=0.4, lexical=lexical, text="Tea.") for i, lexical in ((10, 0.0), (11, 0.5))]
    assert order(*russian, *english, query_script=Script.LATIN)[0] == 11


def test_a_question_without_letters_is_searched_by_its_signs() -> None:
    assert (
        order(candidate(1, cosine=0.4, lexical=0.0), candidate(2, cosine=0.4, lexical=0.5), query_script=Script.NONE)[0]
        == 2
    )


def test_at_most_two_passages_of_an_article() -> None:
    found = [candidate(i, article=1, cosine=0.9 - i / 100) for i in range(5)] + [candidate(9, article=2, cosine=0.1)]
    assert order(*found) == [0, 1, 9]


def test_an_unknown_score_counts_as_the_lowest() -> None:
    found = (candidate(1, cosine=None), candidate(2, cosine=0.4), candidate(3, cosine=0.5), candidate(4, cosine=0.6))
    assert order(*found) == [4, 3, 1, 2]


def test_hits_carry_all_features() -> None:
    hit, _ = fuse([candidate(1, cosine=0.5, lexical=0.3), candidate(2, cosine=0.1, lexical=0.1)], Script.CYRILLIC)
    assert hit.candidate.cosine == 0.5
    assert (hit.chunk, hit.lexical, hit.title) == (pytest.approx(1), pytest.approx(1), 0)
    assert hit.score == pytest.approx(0.4 * hit.chunk + 0.2 * hit.lexical)


def test_nothing_to_rank_gives_nothing() -> None:
    assert fuse([], Script.CYRILLIC) == []


def test_one_candidate_is_average_and_equal_ones_keep_a_steady_order() -> None:
    assert fuse([candidate(1, cosine=0.9)], Script.CYRILLIC)[0].score == 0
    assert order(candidate(2), candidate(1)) == order(candidate(1), candidate(2)) == [1, 2]


def test_of_an_articles_translations_the_one_that_can_be_read_is_shown() -> None:
    found = fuse(
        [
            candidate(1, cosine=0.9, external_id="hours", text="We answer from 9 to 21."),
            candidate(2, cosine=0.8, external_id="hours", text="Мы отвечаем с 9 до 21."),
            candidate(3, cosine=0.7, external_id="tea"),
        ],
        Script.CYRILLIC,
    )
    assert [hit.candidate.passage_id for hit in best_of_each_article(found)] == [1, 3]
    assert [hit.candidate.passage_id for hit in best_of_each_article(found, Script.CYRILLIC)] == [2, 3]
