"""Candidates to ranked hits."""

from dataclasses import replace

import numpy as np
import pytest

from captain.index import Weights, best_of_each_article, fuse, lexical, names, nearest, sentence
from captain.text import Script, concepts, stems
from captain.wire import Candidate


def candidate(passage: int, article: int | None = None, **scores: float | str | tuple[float, ...] | None) -> Candidate:
    text = f"Напиток номер {passage} вкусный."
    plain = Candidate(passage_id=passage, article_id=passage if article is None else article, title="", text=text)
    return replace(plain, **scores)  # type: ignore[arg-type]


def order(*candidates: Candidate, question: str = "чай", weights: Weights = Weights()) -> list[object]:
    return [hit.candidate.passage_id for hit in fuse(question, candidates, weights)]


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
    base: dict[str, float | str | None] = {
        "cosine": 0.3, "title_cosine": 0.3, "article_cosine": 0.3, "title_similarity": 0.1,
    }  # fmt: skip
    for way in base:
        assert order(candidate(1, **base), candidate(2, **base | {way: 0.9}), candidate(3, **base))[0] == 2, way
    assert order(candidate(1), candidate(2, text="Чай вкусный."), candidate(3))[0] == 2


def test_weights_decide_between_ways_that_differ() -> None:
    found = (candidate(1, cosine=0.9), candidate(2, cosine=0.1, text="Чай."))
    assert order(*found, weights=Weights(chunk=0.9, either=0, lexical=0.1)) == [1, 2]
    assert order(*found, weights=Weights(chunk=0.1, either=0, lexical=0.9)) == [2, 1]


def test_the_stored_weights_are_those_of_the_file() -> None:
    assert Weights.stored() == Weights()


def test_of_words_in_another_script_names_and_numbers_count_and_nothing_else() -> None:
    low = [candidate(i, cosine=0.1) for i in range(10, 14)]
    near = candidate(1, cosine=0.5)
    for found, question in {
        "Астрахань стоит на Волге.": "Where is Astrakhan?",
        "Основана в 1905 году.": "What was founded in 1905?",
        "Напиток Sencha вкусный.": "What is Sencha?",
    }.items():
        assert order(near, candidate(2, cosine=0.45, text=found), *low, question=question)[:2] == [2, 1], question
    for found in ("Фром хау вэр.", "Стопка стаканов.", "Вазы."):
        assert order(near, candidate(2, cosine=0.45, text=found), *low, question="From where was it sent?")[0] == 1


def test_names_of_a_question_in_russian_letters_are_left_to_bm25() -> None:
    assert not names("где Астрахань", [candidate(1, text="Астрахань стоит на Волге.")]).any()


def test_titles_that_are_all_alike_set_no_passage_apart() -> None:
    numbered = [candidate(i, cosine=0.5 - i / 100, title_cosine=0.1 + i / 100) for i in range(4)]
    named = [candidate(i, cosine=0.5 - i / 100, title_cosine=0.1 + i / 5) for i in range(4)]
    assert order(*numbered)[0] == 0
    assert order(*named)[0] == 3


def test_in_a_help_center_of_two_languages_words_count_among_passages_of_the_questions_own() -> None:
    russian = [candidate(i, cosine=0.4) for i in range(3)]
    english = [candidate(10, cosine=0.4, text="Coffee."), candidate(11, cosine=0.4, text="Tea.")]
    assert order(*russian, *english, question="tea")[0] == 11


def test_a_question_without_letters_is_searched_by_its_signs() -> None:
    assert order(candidate(1), candidate(2, text="Ошибка 4711."), question="4711?")[0] == 2


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    common = [candidate(i, text="Доставка чая быстрая.") for i in range(5)]
    assert order(*common, candidate(9, text="Пряники медовые."), question="доставка пряников")[0] == 9


def test_a_word_is_found_by_another_word_for_it() -> None:
    assert set(concepts(stems("наличка")[0])) & set(concepts(stems("наличными")[0]))
    found = [candidate(1, text="Платите картой."), candidate(2, text="Принимаем наличные."), candidate(3)]
    assert order(*found, question="наличку берёте?")[0] == 2


def test_a_mistyped_word_is_found_and_counts_less_than_one_typed_right() -> None:
    found = [candidate(1), candidate(2, text="Доставка чая."), candidate(3)]
    assert order(*found, question="даставка")[0] == 2
    typed, mistyped = (max(lexical(words, found, 0.0)) for words in ("доставка", "даставка"))
    assert typed > mistyped > 0


def test_at_most_two_passages_of_an_article() -> None:
    found = [candidate(i, article=1, cosine=0.9 - i / 100) for i in range(5)] + [candidate(9, article=2, cosine=0.1)]
    assert order(*found) == [0, 1, 9]


def test_an_unknown_score_counts_as_the_lowest() -> None:
    found = (candidate(1, cosine=None), candidate(2, cosine=0.4), candidate(3, cosine=0.5), candidate(4, cosine=0.6))
    assert order(*found) == [4, 3, 1, 2]


def test_no_text_of_an_article_comes_twice() -> None:
    found = [candidate(i, article=1, cosine=0.9, text="Одно и то же.") for i in range(3)] + [candidate(9, cosine=0.1)]
    assert order(*found) == [0, 9]


def test_hits_carry_all_features() -> None:
    hit, _ = fuse("кофе", [candidate(1, cosine=0.5, text="Кофе."), candidate(2, cosine=0.1)], Weights())
    assert hit.candidate.cosine == 0.5
    assert (hit.chunk, hit.lexical, hit.title) == (pytest.approx(1), pytest.approx(1), 0)
    weighed = Weights()
    assert hit.score == pytest.approx(
        weighed.chunk * hit.chunk
        + weighed.sentence * hit.sentence
        + weighed.either * hit.either
        + weighed.lexical * hit.lexical
    )


def test_a_passage_is_found_by_its_best_sentence() -> None:
    found = [candidate(i, cosine=0.5) for i in range(4)] + [candidate(9, cosine=0.4, sentence_cosines=(0.1, 0.8))]
    assert order(*found)[0] == 9


def test_a_passage_whose_sentences_nobody_has_read_counts_by_itself() -> None:
    assert sentence(candidate(1, cosine=0.5)) == 0.5
    found = [candidate(1, cosine=0.5), candidate(2, cosine=0.2, sentence_cosines=(0.3, 0.4)), candidate(3, cosine=0.1)]
    assert order(*found) == [1, 2, 3]


def test_nothing_to_rank_gives_nothing() -> None:
    assert fuse("чай", []) == []


def test_one_candidate_is_average_and_equal_ones_keep_a_steady_order() -> None:
    assert fuse("кофе", [candidate(1, cosine=0.9)])[0].score == 0
    assert order(candidate(2), candidate(1)) == order(candidate(1), candidate(2)) == [1, 2]


def test_of_an_articles_translations_the_one_that_can_be_read_is_shown() -> None:
    found = fuse(
        "часы",
        [
            candidate(1, cosine=0.9, external_id="hours", text="We answer from 9 to 21."),
            candidate(2, cosine=0.8, external_id="hours", text="Мы отвечаем с 9 до 21."),
            candidate(3, cosine=0.7, external_id="tea"),
        ],
    )
    assert [hit.candidate.passage_id for hit in best_of_each_article(found)] == [1, 3]
    assert [hit.candidate.passage_id for hit in best_of_each_article(found, Script.CYRILLIC)] == [2, 3]
