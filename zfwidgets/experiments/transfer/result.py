"""How well the features of a network tell apart what it never learnt, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Bool, Float64, Int64, check
from zfwidgets.experiments.statistics import corrected_interval, corrected_p

if TYPE_CHECKING:
    import pandas

NOT_YET = -1


class Estimate(NamedTuple):
    """A mean over random splits."""

    mean: float
    spread: float  # standard deviation over the splits; NaN of one
    low: float  # where the mean lies with 95 % confidence
    high: float


class Confusion(NamedTuple):
    """Images of one class that are taken for another."""

    truth: str
    answer: str
    share: float  # of the answers to images of that class
    images: tuple[int, ...]  # numbers in the data set, those that were taken so in most splits first


@dataclass(frozen=True, eq=False)
class Transfer(Result):
    """A linear classifier on the frozen features of each layer (Tables 4, 5 and 7, Fig. 9).

    Accuracies are means over the classes, so that a class with many images counts as one with few.
    """

    layers: tuple[str, ...]
    titles: tuple[str, ...]  # of the layers
    per_class: tuple[int, ...]  # images of each class that were learnt from
    classes: tuple[str, ...]
    targets: Int64[np.ndarray, "images"]  # class of each image of the data set
    tests: Int64[np.ndarray, "folds tests"]  # numbers of the images that were tested on, by split
    answers: Int64[np.ndarray, "layers counts folds tests"]  # the class that was answered; -1 where it is to come
    strengths: Float64[np.ndarray, "layers counts folds"]  # inverse, of the regularisation; NaN where it is to come
    searched: Bool[np.ndarray, "counts"]  # whether that was searched inside the training fold, or fixed
    test_share: float  # for the corrected interval: images tested on for each that is not
    classifier: str  # "softmax", "svm", or the training of a whole network
    data: str  # name of the data set
    images: str  # fingerprint of its images
    network: str  # its name
    weights: str  # its fingerprint
    broken: tuple[tuple[int, str], ...] = ()  # images that could not be read, and why
    left_out: tuple[str, ...] = ()  # what lies beside the images, in words

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        count = len(self.classes)
        check((self.targets >= 0) & (self.targets < count), "there are images of no class")
        check((self.tests >= 0) & (self.tests < len(self.targets)), "images were tested on that are not there")
        check((self.answers >= NOT_YET) & (self.answers < count), "there are answers of no class")
        check(len(self.layers) == len(self.titles) == len(self.answers), "layers have not one title each")
        check(len(self.per_class) == self.answers.shape[1], "there are not answers for each number of images")
        check(self.test_share > 0, "no image was tested on")

    @property
    def complete(self) -> bool:
        """Whether no answer is to come."""
        return bool((self.answers != NOT_YET).all())

    @cached_property
    def accuracy(self) -> np.ndarray:
        """Mean accuracy per class, (layers, counts, folds); NaN where answers are to come."""
        truth = self.targets[self.tests]
        right = self.answers == truth
        found = np.zeros(self.answers.shape[:3])
        for label in range(len(self.classes)):
            own = truth == label
            found += (right & own).sum(axis=3) / own.sum(axis=1)
        return np.where((self.answers == NOT_YET).any(axis=3), np.nan, found / len(self.classes))

    @property
    def chance(self) -> float:
        """The accuracy of who guesses."""
        return 1 / len(self.classes)

    def estimate(self, layer: str, count: int | None = None) -> Estimate:
        """The accuracy with a layer's features, after so many images of each class (the most by default).

        NaN where no split is done. Raises ValueError for a layer or number of images that there is not.
        """
        values = self.accuracy[self._place(layer), self._count(count)]
        return _estimated(values[~np.isnan(values)], self.test_share, self._step, bounded=True)

    def difference(self, other: Transfer, layer: str, count: int | None = None, of: str | None = None) -> Estimate:
        """How much higher the accuracy is here than in another result, with the same images in the same splits.

        `of` is the other's layer, where it is not called the same. Raises ValueError where they are not of the same
        images.
        """
        return _estimated(self._differences(other, layer, count, of), self.test_share, self._step, bounded=False)

    def p(self, other: Transfer, layer: str, count: int | None = None, of: str | None = None) -> float:
        """How often chance alone gives a difference as large (corrected resampled t-test); raises as `difference`."""
        return corrected_p(self._differences(other, layer, count, of), self.test_share, self._step)

    def confusion(self, layer: str, count: int | None = None) -> np.ndarray:
        """How often an image of each class (row) got each answer (column), over all splits that are done."""
        truth, answers = self._answered(layer, count)
        found = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(found, (truth, answers), 1)
        return found

    def confusions(self, layer: str, count: int | None = None, most: int = 5) -> list[Confusion]:
        """What is most often taken for what, with the images that are."""
        table = self.confusion(layer, count)
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        np.fill_diagonal(share, 0)
        order = np.argsort(-share, axis=None, kind="stable")[:most]
        pairs = [divmod(int(place), len(self.classes)) for place in order if share.flat[place] > 0]
        return [
            Confusion(self.classes[t], self.classes[a], float(share[t, a]), self._taken(layer, count, t, a))
            for t, a in pairs
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """A table with a row for each layer and number of images. Needs pandas."""
        import pandas

        rows: list[dict[str, Any]] = []
        for layer, title in zip(self.layers, self.titles, strict=True):
            for place, count in enumerate(self.per_class):
                found = self.estimate(layer, count)._asdict()
                row = {"layer": layer, "title": title, "per_class": count, "accuracy": found.pop("mean"), **found}
                strength = self.strengths[self._place(layer), place]
                rows.append(row | {"strength": float(np.median(strength)), "searched": bool(self.searched[place])})
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        folds = len(self.tests)
        most = self.per_class[-1]
        lines = [
            f"Transfer ({len(self.targets)} images, {len(self.classes)} classes, {self.classifier}, {folds} random "
            f"split{'' if folds == 1 else 's'}; {most} image{'' if most == 1 else 's'} a class, chance "
            f"{self.chance:.1%})"
        ]
        for layer, title in zip(self.layers, self.titles, strict=True):
            found = self.estimate(layer)
            spread = "" if np.isnan(found.spread) else f" ± {found.spread:.1%}"
            said = f"{found.mean:.1%} right{spread} (95 % {found.low:.1%} to {found.high:.1%})"
            lines.append(f"  {title}: {said if np.isfinite(found.mean) else 'to come'}")
        return "\n".join(lines)

    def _differences(self, other: Transfer, layer: str, count: int | None, of: str | None) -> np.ndarray:
        """Split by split, of those that are done in both."""
        if (self.images, self.classes) != (other.images, other.classes):
            raise ValueError(f"the two are of different images: {self.data} and {other.data}")
        if not np.array_equal(self.tests, other.tests) or not np.array_equal(self.targets, other.targets):
            raise ValueError("the two were tested on different images: take the same data, per_class, folds and seed")
        theirs = other.accuracy[other._place(of or layer), other._count(count)]
        values: np.ndarray = self.accuracy[self._place(layer), self._count(count)] - theirs
        return values[~np.isnan(values)]

    @property
    def _step(self) -> float:
        """What one answer to an image of the smallest class changes."""
        return float(1 / (len(self.classes) * np.bincount(self.targets[self.tests[0]]).min()))

    def _place(self, layer: str) -> int:
        for names in (self.layers, self.titles):
            if layer in names:
                return names.index(layer)
        raise ValueError(f"there is no layer {layer!r} in it; there are {', '.join(self.layers)}")

    def _count(self, count: int | None) -> int:
        if count is None:
            return len(self.per_class) - 1
        if count not in self.per_class:
            raise ValueError(f"nothing was learnt from {count} images a class; there are {self.per_class}")
        return self.per_class.index(count)

    def _answered(self, layer: str, count: int | None) -> tuple[np.ndarray, np.ndarray]:
        answers = self.answers[self._place(layer), self._count(count)]
        done = answers != NOT_YET
        return self.targets[self.tests][done], answers[done]

    def _taken(self, layer: str, count: int | None, truth: int, answer: int) -> tuple[int, ...]:
        answers = self.answers[self._place(layer), self._count(count)]
        so = (answers == answer) & (self.targets[self.tests] == truth)
        numbers, often = np.unique(self.tests[so], return_counts=True)
        return tuple(numbers[np.argsort(-often, kind="stable")].tolist())


def _estimated(values: np.ndarray, test_share: float, step: float, bounded: bool) -> Estimate:
    if not len(values):
        return Estimate(*[float("nan")] * 4)
    low, high = corrected_interval(values, test_share, step)
    if bounded:
        low, high = max(low, 0.0), min(high, 1.0)
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return Estimate(float(values.mean()), spread, low, high)
