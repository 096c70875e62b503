"""What a measurement says, and how the table of them looks."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

from app.console import show


@dataclass(frozen=True)
class Figure:
    """One line of the table. goal: in words, `≤ 50`. peer: what did the same work in the same run, and how we compare."""

    what: str
    value: float
    unit: str
    n: int
    goal: str = ""
    peer: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed (nearest rank). ValueError without values."""
    if not values:
        raise ValueError("there is nothing to measure")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(what: str, seconds: Sequence[float], goals: tuple[str, str] = ("", ""), peer: str = "") -> list[Figure]:
    """The p50 and the p95 of these times, in ms."""
    return [
        Figure(f"{what}, {name}", percentile(seconds, share) * 1000, "ms", len(seconds), goal, peer)
        for name, share, goal in (("p50", 0.5, goals[0]), ("p95", 0.95, goals[1]))
    ]


def load() -> str:
    """How busy the machine is: the load of the last minute, and its cores."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def table(title: str, figures: Sequence[Figure]) -> None:
    """Print them, one a line."""
    show(f"\n{title}")
    width = max((len(figure.what) for figure in figures), default=0)
    for figure in figures:
        shown = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:,.1f}"
        goal = f"goal {figure.goal}" if figure.goal else ""
        show(
            f"  {figure.what:<{width}}  {shown:>9} {figure.unit:<8} n={figure.n:<8,} {goal:<12} {figure.peer}".rstrip()
        )
