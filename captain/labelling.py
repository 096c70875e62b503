"""When a desk gives a label, learned from its own conversations; shown only where it has proved right on others.

Imports scikit-learn: the worker alone calls it. Whoever scores needs `LabelModel`'s numbers and nothing else.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 15  # conversations with a label, and without; fewer teach nothing
FOLDS = 5
STRENGTH = 10.0  # of regularisation, inverse: vectors are of unit length
WANTED = 0.8  # of a hundred suggestions so many hundredths are right, with
LIKELY = 0.5  # nothing less likely is suggested, however right all above it were
CERTAINTY = 1.645  # standard deviations, 95 % one-sided


@dataclass(frozen=True)
class Learned:
    """A logistic for one label, and from which probability on it may be shown.

    precision: share of right ones there, among conversations that had not been learned from; at least precision_low.
    recall: share of the label's conversations that get it suggested.
    """

    label: str
    weights: tuple[float, ...]
    intercept: float
    threshold: float
    precision: float
    precision_low: float
    recall: float
    example_count: int


def learned(
    vectors: NDArray[np.float32], labels: Sequence[Collection[str]], owners: Sequence[int], wanted: float = WANTED
) -> list[Learned]:
    """What can be told from the questions, each label for itself; labels that cannot be told well enough are left out.

    vectors (n, d) of unit length; labels, owners: of each conversation what it was given, and whose it is. One person's
    conversations are never on both sides of a fold: he asks the same again.
    """
    found = []
    for label in sorted({label for given in labels for label in given}):
        truth = np.array([label in given for given in labels])
        if min(int(truth.sum()), int((~truth).sum())) < LEAST or len(set(owners)) < FOLDS:
            continue
        one = _learned(label, vectors, truth, np.asarray(owners), wanted)
        if one is not None:
            found.append(one)
    return found


def at_least(right: int, of: int, certainty: float = CERTAINTY) -> float:
    """The share that is surely reached when `right` of `of` were right: Wilson's lower bound."""
    if not of:
        return 0.0
    share, z2 = right / of, certainty**2
    spread = certainty * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return (share + z2 / (2 * of) - spread) / (1 + z2 / of)


def _learned(
    label: str, vectors: NDArray[np.float32], truth: NDArray[np.bool_], owners: NDArray[np.int64], wanted: float
) -> Learned | None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=7)  # type: ignore[no-untyped-call]
    model: Any = LogisticRegression(C=STRENGTH, max_iter=500)  # type: ignore[no-untyped-call]
    unseen = cross_val_predict(model, vectors, truth, groups=owners, cv=folds, method="predict_proba")[:, 1]
    cut = _cut(unseen, truth, wanted)
    if cut is None:
        return None
    threshold, right, shown = cut
    model.fit(vectors, truth)
    return Learned(
        label=label,
        weights=tuple(float(weight) for weight in model.coef_[0]),
        intercept=float(model.intercept_[0]),
        threshold=threshold,
        precision=right / shown,
        precision_low=at_least(right, shown),
        recall=right / int(truth.sum()),
        example_count=int(truth.sum()),
    )


def _cut(unseen: NDArray[np.float64], truth: NDArray[np.bool_], wanted: float) -> tuple[float, int, int] | None:
    """(the lowest threshold that holds what is wanted, how many of those above are right, how many there are)."""
    best = None
    right = 0
    for shown, place in enumerate(np.argsort(-unseen, kind="stable"), start=1):
        if unseen[place] < LIKELY:
            break
        right += int(truth[place])
        if at_least(right, shown) >= wanted:
            best = float(unseen[place]), right, shown
    return best
