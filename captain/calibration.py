"""An account's own correction of how sure Captain is, from what its agents did with his drafts. Standard library only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from captain.wire import Calibration

ENOUGH = 200  # drafts; fewer say less than the coefficients Captain came with
OF_EACH = 20  # that were good, and that were not
PULL = 2.0  # drafts' worth of doubt that slope and intercept stay 1 and 0
STEPS, STRIDE = 200, 0.5  # of Newton, and how far one may go: far from the answer it would overshoot
EDGE = 1e-6


@dataclass(frozen=True)
class Judged:
    """A draft that an agent has decided about.

    probability: how sure Captain was. worth in [0, 1]: 1 sent as it was, 0 rejected; edited: the share that stayed.
    """

    probability: float
    worth: float

    @classmethod
    def edited(cls, probability: float, distance: int, length: int) -> "Judged":
        """distance: letters changed, of the draft's `length`."""
        return cls(probability, max(0.0, 1.0 - distance / max(1, length)))


def recalibration(judged: Sequence[Judged], used: Calibration = Calibration()) -> Calibration | None:
    """Platt scaling of what Captain said to what came of it; None while ENOUGH drafts, or OF_EACH kind, are missing.

    used: the calibration that the probabilities already went through. More confident stays more confident.
    """
    good = sum(one.worth >= 0.5 for one in judged)
    if len(judged) < ENOUGH or min(good, len(judged) - good) < OF_EACH:
        return None
    logits = [_undone(one.probability, used) for one in judged]
    slope, intercept = 1.0, 0.0
    for _ in range(STEPS):
        step = _step(logits, [one.worth for one in judged], slope, intercept)
        slope, intercept = slope - _bounded(step[0]), intercept - _bounded(step[1])
        if max(map(abs, step)) < 1e-8:
            break
    return Calibration(max(0.0, slope), intercept)


def raw(probability: float, used: Calibration) -> float:
    """What it was before the correction."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, _undone(probability, used)))))


def _step(logits: Sequence[float], worth: Sequence[float], slope: float, intercept: float) -> tuple[float, float]:
    """Newton's, of the log loss with a pull towards (1, 0)."""
    said = [1 / (1 + math.exp(-max(-30.0, min(30.0, slope * x + intercept)))) for x in logits]
    by_slope = sum((p - y) * x for p, y, x in zip(said, worth, logits, strict=True)) + PULL * (slope - 1)
    by_intercept = sum(p - y for p, y in zip(said, worth, strict=True)) + PULL * intercept
    weights = [p * (1 - p) for p in said]
    a = sum(w * x * x for w, x in zip(weights, logits, strict=True)) + PULL
    b = sum(w * x for w, x in zip(weights, logits, strict=True))
    c = sum(weights) + PULL
    determinant = a * c - b * b
    return (c * by_slope - b * by_intercept) / determinant, (a * by_intercept - b * by_slope) / determinant


def _bounded(step: float) -> float:
    return max(-STRIDE, min(STRIDE, step))


def _undone(probability: float, used: Calibration) -> float:
    clipped = min(1 - EDGE, max(EDGE, probability))
    return (math.log(clipped / (1 - clipped)) - used.intercept) / (used.slope or 1.0)
