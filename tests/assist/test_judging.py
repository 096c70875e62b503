"""Whether an answer was right, and whether other settings are worse: by plain rules, whose numbers come from our own set."""

import json
from pathlib import Path

import pytest

from app.assist.judging import AGREE, Evidence, Objection, Outcome, is_beyond_chance, is_right, objection, wilson

DATA = Path("data/captain")
RIGHT, WRONG, LINKS, PERSON = Outcome.RIGHT, Outcome.WRONG, Outcome.LINKS, Outcome.HANDED_OVER


def test_an_answer_is_right_when_a_person_said_the_same_in_other_words() -> None:
    entries = {row["external_id"]: row["markdown"] for row in _lines("shop.jsonl")}
    replies = _lines("replies.jsonl")
    found = sum(is_right([], entries[row["external_id"]], Evidence(row["reply"])) for row in replies)
    mistaken = sum(
        any(is_right([], entry, Evidence(row["reply"])) for key, entry in entries.items() if key != row["external_id"])
        for row in replies
    )
    assert len(replies) == 60
    assert found >= 57, "right answers must be known for right"
    assert mistaken <= 3, "the likest of 61 wrong entries must not pass for right"
    assert AGREE == 0.4


def test_an_answer_is_right_when_it_cites_what_a_person_linked_to() -> None:
    evidence = Evidence("Посмотрите здесь, пожалуйста", frozenset({7}))
    assert is_right([3, 7], "Совсем другие слова об этом", evidence)
    assert not is_right([3], "Совсем другие слова об этом", evidence)


def test_two_words_in_common_prove_nothing() -> None:
    assert not is_right([], "Нажмите «Отменить» заказ", Evidence("Заказ отменить"))


def test_more_wrong_answers_than_accepted_are_an_objection() -> None:
    pairs = [(RIGHT, RIGHT)] * 20 + [(PERSON, WRONG)] * 10
    assert objection(pairs, _as(0.1), _as(0.1)) == Objection.ERRORS


def test_who_accepts_that_many_errors_may_have_them() -> None:
    pairs = [(RIGHT, RIGHT)] * 20 + [(PERSON, WRONG)] * 5
    assert objection(pairs, _as(0.1), _as(0.4)) is None


def test_what_chance_may_do_is_no_objection() -> None:
    assert objection([(RIGHT, RIGHT)] * 20 + [(PERSON, WRONG)] * 4, _as(0.1), _as(0.1)) is None
    assert objection([(RIGHT, RIGHT)] * 20 + [(RIGHT, LINKS)] * 4, _as(0.1), _as(0.1)) is None
    assert objection([], _as(0.1), _as(0.1)) is None


def test_right_answers_lost_for_nothing_are_an_objection() -> None:
    pairs = [(RIGHT, RIGHT)] * 10 + [(RIGHT, PERSON)] * 8
    assert objection(pairs, _as(0.1), _as(0.1)) == Objection.LOSSES
    assert objection(pairs, _as(0.1), _as(0.05)) is None, "to be more careful is everybody's right"
    fewer_errors = [*pairs, (WRONG, PERSON), (WRONG, PERSON)]
    assert objection(fewer_errors, _as(0.1), _as(0.1)) is None


def test_drafts_for_agents_are_never_objected_to() -> None:
    pairs = [(RIGHT, WRONG)] * 30
    assert objection(pairs, _as(0.1), _as(0.1, "drafts")) is None


def test_who_begins_to_answer_is_compared_with_a_person() -> None:
    pairs = [(WRONG, WRONG)] * 10 + [(RIGHT, RIGHT)] * 10
    assert objection(pairs, _as(0.1), _as(0.1)) is None
    assert objection(pairs, _as(0.1, "drafts"), _as(0.1)) == Objection.ERRORS


@pytest.mark.parametrize(
    ("more", "fewer", "is_so"), [(4, 0, False), (5, 0, True), (8, 2, False), (9, 1, True), (0, 0, False)]
)
def test_a_coin_rarely_does_that(more: int, fewer: int, is_so: bool) -> None:
    assert is_beyond_chance(more, fewer) is is_so


def test_an_interval_holds_the_share_and_narrows() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert [round(bound, 3) for bound in wilson(8, 10)] == [0.49, 0.943]
    assert wilson(80, 100)[0] > wilson(8, 10)[0]


def _as(accepted_error: float, mode: str = "answers") -> dict[str, object]:
    return {"mode": mode, "accepted_error": accepted_error}


def _lines(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]
