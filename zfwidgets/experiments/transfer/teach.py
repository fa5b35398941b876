"""Teach a network something new from a few pictures: a classifier on its frozen features, ready to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from zfwidgets.data import Labelled
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.one_pass import shards
from zfwidgets.experiments.transfer.classify import fitted
from zfwidgets.experiments.transfer.data import labelled_data
from zfwidgets.experiments.transfer.extraction import PLACES
from zfwidgets.experiments.transfer.features import SHARD, Wanted
from zfwidgets.models import Meaning, Network, Prediction, require_network
from zfwidgets.task import UNWATCHED, Task

MOST_LEFT_OUT = 60  # pictures, all of which are left out once, to see what is said of them


@dataclass(frozen=True, eq=False)
class Taught:
    """What was learnt from a few pictures, ready to be asked."""

    network: Network
    layer: str
    classes: tuple[str, ...]
    counts: tuple[int, ...]  # pictures of each class
    right: float  # share of them that were told right when left out, one of each class; NaN where that cannot be
    fit: Any  # the classifier
    places: int | None

    def predict(self, images: Any) -> Prediction:
        """The probabilities of the classes for one picture or many."""
        collection = as_collection(images)
        rows = _features(Wanted(self.network, collection, (self.layer,), self.places))
        probability = self.fit.probabilities(rows).astype(np.float32)
        return Prediction(probability, self.classes, collection.names, Meaning.SHARES)

    def __repr__(self) -> str:
        of_each = ", ".join(f"{count} of {name}" for count, name in zip(self.counts, self.classes, strict=True))
        said = "" if np.isnan(self.right) else f"; {self.right:.0%} right when left out"
        return f"Taught ({of_each}, on {self.network.layer(self.layer).title}{said})"


def teach(
    net: Network, examples: Any, layer: str | None = None, *, places: int | None = PLACES, task: Task = UNWATCHED
) -> Taught:
    """Teach a network classes that it never learnt, from a few pictures of each (§4.3).

    The network stays as it is: a softmax learns from the features of one layer. With fewer than five pictures of a
    class its regularisation is fixed. `right` is what comes of leaving pictures out in turn, of each class alike.

    Args:
        net: the network.
        examples: pictures by class, `{"cup": [...], "pen": "pens/"}`, each whatever `zf.images` takes; or labelled
            images, as for `zf.transfer`.
        layer: a name or title from `net.layers`; by default the last of `net.block_layers`.
        places: maps with more rows or columns are averaged down to so many; None for every unit.
        task: watches and cancels it.

    Raises:
        ValueError: fewer than two classes, a class without a picture, a picture that cannot be read, or no such layer.
        TypeError: `net` is no network.
    """
    require_network(net)
    labelled = _labelled(examples)
    name = net.layer(layer).name if layer else net.block_layers[-1].name
    counts = np.bincount(labelled.targets, minlength=len(labelled.classes))
    if len(counts) < 2 or counts.min() == 0:
        empty = [label for label, count in zip(labelled.classes, counts, strict=True) if not count]
        why = f"{empty[0]!r} has none" if empty else "there is one class"
        raise ValueError(f"to tell things apart takes a picture of each of two or more: {why}")
    rows = _features(Wanted(net, labelled.images, (name,), places), task)
    right = _right_left_out(rows, labelled.targets, task)
    fit = fitted("softmax", rows, labelled.targets)
    return Taught(net, name, labelled.classes, tuple(counts.tolist()), right, fit, places)


def _labelled(examples: Any) -> Labelled:
    if not isinstance(examples, Mapping):
        return labelled_data(examples)
    pairs = [(image, name) for name, images in examples.items() for image in _pictures(images)]
    classes = tuple(map(str, examples))
    if not pairs:
        return Labelled(as_collection(), np.zeros(0, np.int64), classes)
    collection = as_collection([image for image, _ in pairs])
    return Labelled(collection, np.array([classes.index(str(name)) for _, name in pairs]), classes)


def _pictures(given: Any) -> Iterable[np.ndarray]:
    return () if isinstance(given, Sequence) and not given else as_collection(given)


def _features(wanted: Wanted, task: Task = UNWATCHED) -> np.ndarray:
    """Of all images, in memory. Raises ValueError where one cannot be read."""
    spans = shards(len(wanted.images), SHARD)
    found = []
    for span, shard in zip(spans, wanted.shards(spans, task), strict=True):
        if shard.broken:
            raise ValueError(shard.broken[0][1])
        found.append(shard.features[wanted.layers[0]])
        task.progress(span[1], len(wanted.images), "images")
    return np.concatenate(found)


def _right_left_out(rows: np.ndarray, targets: np.ndarray, task: Task) -> float:
    """With one of each class left out at a time: were it one alone, its class would be rarer, and less likely."""
    fewest = np.bincount(targets).min()
    if len(rows) > MOST_LEFT_OUT or fewest < 2:
        return float("nan")
    right = 0
    for learn, asked in StratifiedKFold(fewest).split(rows, targets):
        task.check()
        answers = fitted("softmax", rows[learn], targets[learn]).answers(rows[asked])
        right += int((answers == targets[asked]).sum())
    return right / len(rows)
