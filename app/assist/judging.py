"""Whether an answer was right, by what a person answered to the same question; and whether other settings are worse.

No database here. How the numbers were chosen: docs/decisions/0013-a-change-is-tried-on-the-past.md
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from captain.text import content

# From this share of the shorter text's words on, two answers say the same: of 60 replies of people it finds 57 in the
# right article, and 2 in the likest wrong one
AGREE = 0.4
WORDS = 3  # fewer in common say nothing
CHANCE = 0.05
Z = 1.96  # of a 95 % interval


class Outcome(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    LINKS = "links"
    HANDED_OVER = "handed_over"


class Objection(StrEnum):
    """Why other settings may not go live."""

    ERRORS = "errors"  # more wrong answers, and more than are accepted
    LOSSES = "losses"  # fewer right answers for nothing


@dataclass(frozen=True)
class Evidence:
    """What a person answered: his words, and the articles he linked to or whose draft he sent."""

    words: str
    article_ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Made:
    """What Captain made of a question: an answer with its sources [(title, url)], links, or nothing."""

    outcome: Outcome
    confidence: float = 0.0
    text: str = ""
    sources: Sequence[Sequence[str]] = ()


def is_right(cited: Collection[int], quoted: str, evidence: Evidence) -> bool:
    """Whether the person cited the same article, or said the same: AGREE of the shorter one's words."""
    if evidence.article_ids & set(cited):
        return True
    said, answered = set(content(evidence.words)), set(content(quoted))
    common = len(said & answered)
    return common >= WORDS and common >= AGREE * min(len(said), len(answered))


@dataclass(frozen=True)
class Tally:
    """How often what came out, of `questions`."""

    questions: int
    right: int
    wrong: int
    links: int
    handed_over: int

    @property
    def answered(self) -> int:
        return self.right + self.wrong

    def share(self, name: str) -> tuple[float, float, float]:
        """(share, low, high): of the answers for `right` and `wrong`, of all questions for the others."""
        of = self.answered if name in {"right", "wrong"} else self.questions
        count: int = getattr(self, name)
        return (count / of if of else 0.0, *wilson(count, of))


@dataclass(frozen=True)
class Comparison:
    """Both sides on the same questions, the settings of now first."""

    pairs: Sequence[tuple[Outcome, Outcome]]

    @property
    def current(self) -> Tally:
        return tally(now for now, _then in self.pairs)

    @property
    def candidate(self) -> Tally:
        return tally(then for _now, then in self.pairs)

    def became(self, outcome: Outcome) -> int:
        """Questions that come out so with the candidate alone."""
        return sum(then == outcome != now for now, then in self.pairs)

    def ceased(self, outcome: Outcome) -> int:
        """Questions that come out so now alone."""
        return sum(now == outcome != then for now, then in self.pairs)

    @property
    def changed(self) -> int:
        return sum(now != then for now, then in self.pairs)


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """How often what came out."""
    all_of_them = list(outcomes)
    return Tally(len(all_of_them), *(all_of_them.count(outcome) for outcome in Outcome))


def objection(pairs: Sequence[tuple[Outcome, Outcome]], current: Any, candidate: Any) -> Objection | None:
    """Why the candidate may not answer customers; None when nothing speaks against it beyond chance.

    current, candidate: settings as `trials.settings_of` gives them. Drafts for agents are never objected to; who is not
    answered by Captain now gets a person; and to be more careful is everybody's right.
    """
    if candidate["mode"] != "answers":
        return None
    is_new = current["mode"] != "answers"
    both = Comparison([(Outcome.HANDED_OVER if is_new else now, then) for now, then in pairs])
    worse, better = both.became(Outcome.WRONG), both.ceased(Outcome.WRONG)
    _share, surely, _high = both.candidate.share("wrong")
    if is_beyond_chance(worse, better) and surely > candidate["accepted_error"]:
        return Objection.ERRORS
    lost, gained = both.ceased(Outcome.RIGHT), both.became(Outcome.RIGHT)
    is_choice = candidate["accepted_error"] < current["accepted_error"] or better > worse
    return Objection.LOSSES if is_beyond_chance(lost, gained) and not is_choice else None


def is_beyond_chance(more: int, fewer: int) -> bool:
    """Whether so many of these came out on one side, where a coin would rarely do so: the exact sign test, one-sided."""
    n = more + fewer
    return n > 0 and sum(math.comb(n, k) for k in range(more, n + 1)) / 2**n < CHANCE


def wilson(count: int, of: int) -> tuple[float, float]:
    """Where the true share lies in 95 cases of 100. https://doi.org/10.1080/01621459.1927.10502953"""
    if of == 0:
        return 0.0, 1.0
    share, spread = count / of, Z * Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)
