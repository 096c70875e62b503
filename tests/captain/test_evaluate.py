"""The numbers by which Captain is judged, against ones worked out by hand; the shelf; and his real coefficients."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from captain.embedder import Embedder
from captain.evaluate import (
    Labelled,
    Outcome,
    at_threshold,
    auroc,
    calibration_error,
    coverage_at,
    labelled,
    mean_reciprocal_rank,
    outcomes,
    recall_at,
    report,
)
from captain.fit import CORPORA, PRACTICE, QUESTIONS, REHEARSAL, corpora, letters, whitening
from captain.shelf import Article, Shelf, articles, rank
from captain.wire import Thresholds


def outcome(wanted: str | None, *found: str, probability: float = 0.5) -> Outcome:
    return Outcome(wanted, found, probability, None, is_same_script=True)


def test_recall_and_mrr_look_at_answerable_questions_only() -> None:
    found = [outcome("a", "a", "b"), outcome("b", "a", "b"), outcome("c", "a", "b"), outcome(None, "a")]
    assert recall_at(1, found) == pytest.approx(1 / 3)
    assert recall_at(3, found) == pytest.approx(2 / 3)
    assert mean_reciprocal_rank(found) == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_auroc_counts_ties_half() -> None:
    assert auroc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])) == 3.5 / 4
    assert math.isnan(auroc(np.array([0.9]), np.array([True])))


def test_coverage_is_the_most_that_keeps_the_precision() -> None:
    sure, right = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, False, True, True, False])
    assert coverage_at(0.75, sure, right) == (0.8, 0.6)
    assert coverage_at(0.9, sure, right) == (0.2, 0.9)
    assert coverage_at(0.9, sure, ~right) == (0.0, 1.0)
    assert at_threshold(0.6, sure, right) == (0.75, 0.8)


def test_calibration_error_is_the_gap_between_said_and_seen() -> None:
    assert calibration_error(np.array([0.75, 0.75, 0.25, 0.25]), np.array([True, True, False, False])) == pytest.approx(
        0.25
    )
    assert calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0


def test_a_question_whose_article_is_off_the_shelf_has_no_answer(shelf: Shelf) -> None:
    asked = [Labelled("забыл пароль", "ru", "password", "tea"), Labelled("кто президент", "ru", None, "tea")]
    having, lacking = outcomes(shelf, asked), outcomes(shelf, asked, without=frozenset(["password"]))
    assert [one.wanted for one in having] == ["password", None]
    assert having[0].is_right
    assert not having[1].is_right
    assert lacking[0].wanted is None
    assert "password" not in lacking[0].found


def test_a_report_names_every_number(shelf: Shelf) -> None:
    asked = [Labelled("забыл пароль", "ru", "password", "tea"), Labelled("кто президент", "ru", None, "tea")]
    numbers = report(outcomes(shelf, asked), Thresholds(0.5, 0.2))
    assert numbers["questions"] == 2
    assert numbers["hit@1"] == numbers["AUROC"] == numbers["answer precision"] == 1
    assert numbers["answer coverage"] == 0.5


def test_only_published_articles_are_on_the_shelf(tmp_path: Path) -> None:
    (tmp_path / "ru").mkdir()
    front = "---\nexternal_id: {0}\ntitle: Чай: какой бывает\nstatus: {0}\n---\n\nТекст.\n"
    for status in ("published", "draft", "archived"):
        (tmp_path / "ru" / f"{status}.md").write_text(front.format(status))
    assert articles(tmp_path) == [Article("published", "Чай: какой бывает", "\nТекст.\n", "ru")]


def test_rank_is_ts_rank_of_postgresql(model: Embedder) -> None:
    # select ts_rank(setweight(to_tsvector('russian', 'Цена чая'), 'A')
    #   || to_tsvector('russian', 'Чай стоит дорого. Чай зеленый.'), 'ча | стоит', 1) → 0.23546666
    entry = Shelf([Article("tea", "Цена чая", "Чай стоит дорого. Чай зеленый.")], model).entries[0]
    assert entry.text_stems[0] in entry.title_stems, "чай and чая share a stem"
    assert rank([], entry) == 0
    assert rank(["кофе"], entry) == 0
    assert rank([entry.title_stems[1]], entry) > rank([entry.text_stems[1]], entry) > 0


def test_letters_are_counted_with_the_edges_of_words() -> None:
    counted = letters(["чай чай час", "tea"])
    assert counted["ru"]["^ч"] > counted["ru"]["ас"] > counted["ru"]["never"]
    assert "te" in counted["en"]
    assert "te" not in counted["ru"]


def test_whitening_takes_the_shared_direction_away() -> None:
    random = np.random.default_rng(1)
    shared = np.eye(8)[0] * 5
    raw = random.normal(size=(200, 8)) + shared
    vectors = np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)
    made = whitening(vectors, vectors, vectors[::-1] - vectors)
    spread = made.apply(vectors, made.document_mean)
    assert (vectors @ vectors.T).mean() > 0.5
    assert abs((spread @ spread.T).mean()) < 0.05


def test_whitening_makes_little_of_directions_in_which_questions_differ_from_what_answers_them() -> None:
    matter, manner = np.eye(8, dtype=np.float32)[:4], np.eye(8, dtype=np.float32)[4]
    apart = np.outer(np.random.default_rng(1).normal(size=200), manner).astype(np.float32)
    made = whitening(matter, matter, apart)
    assert np.linalg.norm(manner @ made.matrix) < 0.8 * np.linalg.norm(matter[0] @ made.matrix)


def test_the_development_questions_name_articles_that_exist() -> None:
    for corpus, path in CORPORA.items():
        wanted = {item.external_id for item in labelled(QUESTIONS, corpus)} - {None}
        assert wanted <= {article.external_id for article in articles(path)}, corpus


@pytest.mark.parametrize("folder", [PRACTICE, REHEARSAL], ids=["practice", "rehearsal"])
def test_what_he_learns_from_names_articles_that_exist_and_asks_nothing_he_is_judged_by(folder: Path) -> None:
    judged = {item.question.lower() for item in labelled(QUESTIONS)}
    for name, corpus in corpora(folder).items():
        known = [article.external_id for article in corpus.articles]
        assert len(known) == len(set(known)), name
        assert {item.external_id for item in corpus.asked} == set(known), name
        # "возврат" anybody may ask
        assert not {item.question.lower() for item in corpus.asked if item.question.count(" ") > 2} & judged, name


def test_on_encyclopaedic_paragraphs_he_finds_the_right_one_and_answers_only_when_right(model: Embedder) -> None:
    """A floor under the stored weights and coefficients, far below what they reach."""
    facts = Shelf(articles(CORPORA["facts"]), model)
    numbers = report(outcomes(facts, labelled(QUESTIONS, "facts")))
    assert numbers["hit@1"] > 0.9
    assert numbers["AUROC"] > 0.9
    assert numbers["answer precision"] > 0.93
    assert numbers["answer coverage"] > 0.3


def test_the_sentence_that_answers_is_found_in_articles_without_titles_too(model: Embedder) -> None:
    """Alone the sentences of one article look alike; read after its first words they do not."""
    nameless = [replace(article, title="") for article in articles(CORPORA["facts"])]
    asked = [item for item in labelled(QUESTIONS, "facts") if item.answer][::2]
    held = [one.holds for one in outcomes(Shelf(nameless, model), asked, with_answers=True) if one.is_right]
    assert np.mean([first for first, _ in held]) > 0.8
    assert np.mean([both for _, both in held]) > 0.93
