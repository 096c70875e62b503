"""What was done, what came of it, and the judge who compares the two."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import quantiles


@dataclass(frozen=True)
class Verdict:
    """Each is a list of what went wrong, as (who, what); all empty when nothing did."""

    lost: tuple[tuple[str, str], ...]
    doubled: tuple[tuple[str, str], ...]
    invented: tuple[tuple[str, str], ...]
    disordered: tuple[tuple[str, str], ...]

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.invented or self.disordered)


def judge(acknowledged: Iterable[tuple[str, str]], found: Iterable[tuple[str, str]]) -> Verdict:
    """Compare what was acknowledged with what is there, both as (who, what) in order; order counts per person."""
    sent, there = _by_person(acknowledged), _by_person(found)
    lost, doubled, invented, disordered = [], [], [], []
    for person in sent.keys() | there.keys():
        wanted, have = sent.get(person, []), there.get(person, [])
        lost += [(person, what) for what in wanted if what not in set(have)]
        invented += [(person, what) for what in have if what not in set(wanted)]
        doubled += [(person, what) for what, count in Counter(have).items() if count > 1]
        place = {what: number for number, what in enumerate(wanted)}
        places = [(place[what], what) for what in dict.fromkeys(have) if what in place]
        disordered += [(person, late[1]) for early, late in pairwise(places) if late < early]
    return Verdict(tuple(lost), tuple(doubled), tuple(invented), tuple(disordered))


def gaps(numbers: Sequence[int]) -> list[int]:
    """What is missing or doubled in 1 … n."""
    there = Counter(numbers)
    return [number for number in range(1, max(there, default=0) + 1) if there[number] != 1]


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


def _by_person(lines: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for person, what in lines:
        found[person].append(what)
    return found
