"""When a desk gives a label, learned: shown only where it was right on conversations that had not been learned from."""

import numpy as np
from numpy.typing import NDArray

from captain.labelling import WANTED, at_least, learned


def desk(clear: int, noise: float, seed: int = 1) -> tuple[NDArray[np.float32], list[set[str]], list[int]]:
    """(vectors, labels, owners): `clear` conversations of each of two subjects, a share `noise` of them labelled at random."""
    dice = np.random.default_rng(seed)
    subjects = np.repeat([0, 1], clear)
    vectors = dice.normal(0, 0.3, (len(subjects), 16)).astype(np.float32)
    vectors[np.arange(len(subjects)), subjects] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = np.array(["возврат", "доставка"])
    given = [names[dice.integers(2)] if dice.random() < noise else names[subject] for subject in subjects]
    return vectors, [{str(name)} for name in given], list(range(len(subjects)))


def test_a_label_that_its_words_tell_is_learned_and_proved() -> None:
    vectors, labels, owners = desk(80, 0.05)
    found = {one.label: one for one in learned(vectors, labels, owners)}
    assert set(found) == {"возврат", "доставка"}
    for one in found.values():
        assert one.precision_low >= WANTED
        assert one.recall > 0.5
        sure = 1 / (1 + np.exp(-(vectors @ np.array(one.weights) + one.intercept))) >= one.threshold
        truth = np.array([one.label in given for given in labels])
        assert truth[sure].mean() >= WANTED


def test_a_label_given_at_random_is_never_suggested() -> None:
    vectors, labels, owners = desk(80, 1.0)
    assert learned(vectors, labels, owners) == []


def test_a_label_that_few_conversations_have_is_not_learned() -> None:
    vectors, labels, owners = desk(80, 0.0)
    labels[0] |= {"vip"}
    assert {one.label for one in learned(vectors, labels, owners)} == {"возврат", "доставка"}


def test_what_one_customer_asks_again_proves_nothing() -> None:
    """Each customer has a subject of his own and one label at random: known again by his vector, of no use for others."""
    dice = np.random.default_rng(3)
    own = dice.normal(size=(40, 16)).astype(np.float32)
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    owners = list(np.repeat(range(40), 4))
    labels = [{"возврат"} if owner % 2 else {"доставка"} for owner in owners]
    assert learned(own[owners], labels, owners) == []
    assert learned(own[owners], labels, list(range(160))) != []


def test_the_bound_is_lower_the_fewer_there_were() -> None:
    assert at_least(0, 0) == 0
    assert at_least(10, 10) < at_least(100, 100) < 1
    assert at_least(80, 100) < 0.8
