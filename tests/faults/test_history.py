"""The judge himself: each planted fault is found, and only that one."""

import pytest

from tests.faults.history import Verdict, gaps, judge

SENT = [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2"), ("a", "3")]


def test_a_faultless_history_is_clean_however_people_are_mixed():
    assert judge(SENT, sorted(SENT)).is_clean
    assert judge([], []).is_clean


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([line for line in SENT if line != ("a", "2")], Verdict((("a", "2"),), (), (), ())),
        ([*SENT, ("b", "2")], Verdict((), (("b", "2"),), (), ())),
        ([*SENT, ("b", "7")], Verdict((), (), (("b", "7"),), ())),
        ([*SENT, ("c", "1")], Verdict((), (), (("c", "1"),), ())),
        ([("a", "2"), ("a", "1"), *SENT[3:], ("b", "1")], Verdict((), (), (), (("a", "1"), ("b", "1")))),
        ([], Verdict(tuple(sorted(SENT)), (), (), ())),
    ],
)
def test_a_planted_fault_is_found(found, verdict):
    result = judge(SENT, found)
    assert not result.is_clean
    assert [sorted(part) for part in vars(result).values()] == [sorted(part) for part in vars(verdict).values()]


def test_gaps_and_repeats_in_a_numbering_are_found():
    assert gaps([1, 2, 3]) == gaps([]) == []
    assert gaps([1, 2, 4]) == [3]
    assert gaps([2, 3]) == [1]
    assert gaps([1, 2, 2, 3]) == [2]
