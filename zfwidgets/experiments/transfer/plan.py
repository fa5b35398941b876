"""Which images are learnt from, and which are tested on: at random, and none on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_TESTS = 50  # images of a class, as in the paper


@dataclass(frozen=True, eq=False)
class Split:
    """One random division of a data set."""

    learn: tuple[np.ndarray, ...]  # for each count, numbers of images; those of a smaller one are among the next
    test: np.ndarray  # numbers of images, by class


@dataclass(frozen=True, eq=False)
class Plan:
    """All divisions of a data set: the same images are tested for each count, so that only the count differs."""

    splits: tuple[Split, ...]
    per_class: tuple[int, ...]
    test_share: float  # for the corrected interval: see `statistics`


def planned(
    targets: np.ndarray,
    readable: np.ndarray,
    classes: Sequence[str],
    per_class: int | Sequence[int],
    folds: int,
    seed: int,
) -> Plan:
    """Divide a data set so many times. Raises ValueError, in words, where a class has too few images."""
    counts = checked_counts(per_class)
    if folds < 1:
        raise ValueError(f"folds is at least 1; {folds} was given")
    own = [np.flatnonzero((targets == label) & readable) for label in range(len(classes))]
    _check_enough([len(numbers) for numbers in own], classes, counts)
    splits = tuple(_split(own, counts, np.random.default_rng([seed, fold])) for fold in range(folds))
    return Plan(splits, counts, _test_share(own, targets[splits[0].test]))


def _test_share(own: Sequence[np.ndarray], tested: np.ndarray) -> float:
    """How much of what varies is the same from split to split, as tests for each image that is not tested on.

    An accuracy is a mean over classes: it varies with the class of few tests most, of which other splits have the same.
    Where classes are alike, this is the ratio of the sizes of test and training set.
    """
    of_all = sum(1 / len(numbers) for numbers in own)
    of_tests = (1 / np.bincount(tested)).sum()
    shared = float(of_all / of_tests)
    return shared / (1 - shared)


def _split(own: Sequence[np.ndarray], counts: tuple[int, ...], rng: np.random.Generator) -> Split:
    most = counts[-1]
    mixed = [rng.permutation(numbers) for numbers in own]
    test = np.concatenate([np.sort(numbers[most : most + MOST_TESTS]) for numbers in mixed])
    learn = tuple(np.concatenate([numbers[:count] for numbers in mixed]) for count in counts)
    return Split(learn, test)


def checked_counts(per_class: int | Sequence[int]) -> tuple[int, ...]:
    """Numbers of images of each class, the least first. Raises ValueError where they are none, or one is below 1."""
    counts = tuple(sorted({int(count) for count in np.atleast_1d(np.asarray(per_class))}))
    if not counts or counts[0] < 1:
        raise ValueError(f"per_class are numbers of images, 1 or more each; {per_class} was given")
    return counts


def _check_enough(there: list[int], classes: Sequence[str], counts: tuple[int, ...]) -> None:
    if len(classes) < 2:
        raise ValueError(f"there are at least two classes to tell apart; the data set has {len(classes)}")
    few = [(name, count) for name, count in zip(classes, there, strict=True) if count <= counts[-1]]
    if not few:
        return
    name, count = min(few, key=lambda one: one[1])
    others = f", and {len(few) - 1} other class{'es' if len(few) > 2 else ''} too few" if len(few) > 1 else ""
    would = (
        f"per_class of at most {count - 1} would do"
        if count > 1
        else "leave that class out, or give it more: one to learn from and one to test on are the least"
    )
    raise ValueError(
        f"the class {name!r} has {count} image{'' if count == 1 else 's'} that can be read{others}; to learn from "
        f"{counts[-1]} and test on another takes {counts[-1] + 1}: {would}"
    )
