"""Images that are nearly the same in two data sets: what was learnt from must not be tested on (§4.3)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.data import images as as_collection
from zfwidgets.data.sets import EMBEDDED
from zfwidgets.drawing import new_figure, show_picture
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float64, Int64, check, within
from zfwidgets.experiments.transfer.data import labelled_data
from zfwidgets.experiments.transfer.extraction import Bars, features_of, folder_for, workers_for
from zfwidgets.experiments.transfer.features import Wanted
from zfwidgets.models import Network, require_network
from zfwidgets.task import UNWATCHED, Task, unreported

if TYPE_CHECKING:
    from distributed import Client
    from matplotlib.figure import Figure

BLOCK = 1024  # images that are compared at once


@dataclass(frozen=True, eq=False)
class NearDuplicates(Result):
    """Pairs of images whose features correlate strongly, the strongest first."""

    pairs: Int64[np.ndarray, "pairs 2"]  # number in the one data set, and in the other
    correlation: Float64[np.ndarray, "pairs"]
    threshold: float
    counts: tuple[int, int]  # images compared
    layer: str
    same: bool  # one data set with itself

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(within(self.correlation, -1.001, 1.001), "there are correlations outside -1 to 1")
        check((self.pairs >= 0) & (self.pairs < np.array(self.counts)), "there are pairs of images that are not there")

    @property
    def images(self) -> np.ndarray:
        """Numbers of the images of the first data set that are in a pair: to be left out. Of one data set with itself,
        the later one of each pair."""
        return np.unique(self.pairs.max(axis=1) if self.same else self.pairs[:, 0])

    def plot(self, data: Any, others: Any = None, most: int = 6) -> Figure:
        """Draw the pairs, one above the other; the data sets are those that were compared."""
        first = as_collection(getattr(data, "images", data))
        second = first if others is None else as_collection(getattr(others, "images", others))
        pairs = [(first[int(one)], second[int(other)]) for one, other in self.pairs[:most]]
        shown = len(pairs)
        tallest = max((picture.shape[0] / picture.shape[1] for pair in pairs for picture in pair), default=1.0)
        figure = new_figure(1.8 * max(shown, 1), 0.5 + 3.6 * min(tallest, 1.5))
        for place, pair in enumerate(pairs):
            for row, picture in enumerate(pair):
                axes = figure.add_subplot(2, shown, row * shown + place + 1)
                show_picture(axes, picture, "" if row else f"{self.correlation[place]:.3f}")
        if not shown:
            figure.text(0.5, 0.5, "no pair", ha="center")
        return figure

    def __repr__(self) -> str:
        count = len(self.pairs)
        return (
            f"NearDuplicates ({count} pair{'' if count == 1 else 's'} of {self.counts[0]} and {self.counts[1]} images)"
        )


def near_duplicates(
    net: Network,
    data: Any,
    others: Any = None,
    threshold: float = 0.9,
    layer: str | None = None,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    client: Client | None = None,
    progress: bool = True,
    task: Task = UNWATCHED,
) -> NearDuplicates:
    """Find images of a data set that are nearly the same as others', by the correlation of their features (§4.3).

    Compared are the means of each map, less their means over all images. With SqueezeNet and photographs, copies that
    are compressed, scaled, mirrored or brighter correlate by 0.93 or more, pieces without a border of 5 % by 0.87, and
    photographs that have nothing to do with each other by 0.36 (99 of 100) and 0.79 at most: look at the pairs.

    Args:
        net: the network.
        data: images, or labelled ones: whatever `zf.images` or `zf.transfer` takes.
        others: images that it was trained on, perhaps; by default `data` itself, each image with the others.
        threshold: the least correlation of a pair.
        layer: a name or title from `net.layers`; by default the last with maps of more than one unit.
        checkpoint, client, progress, task: as for `zf.transfer`.

    Raises:
        ValueError: there is no such layer, or the threshold is not within 0 to 1.
        TypeError: `net` is no network.
    """
    require_network(net)
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is a correlation, above 0 and at most 1; {threshold} was given")
    name = net.layer(layer).name if layer else net.last_spatial_layer.name
    bars = Bars(progress and task.report is unreported, task)
    found = []
    with folder_for(checkpoint) as folder:
        for which, given in (("one", data), ("other", others)):
            if given is None:
                continue
            embedded = isinstance(given, str) and given in EMBEDDED
            images = labelled_data(given).images if embedded else as_collection(getattr(given, "images", given))
            wanted = Wanted(net, images, (name,), 1, workers_for(len(images), client))
            features = features_of(wanted, folder / which, client, bars)
            found.append(features.rows(name, np.arange(len(images))).astype(np.float64))
    pairs, correlation = _correlated(found[0], found[-1], threshold, len(found) == 1)
    counts = len(found[0]), len(found[-1])
    return NearDuplicates(pairs, correlation, threshold, counts, name, len(found) == 1)


def _correlated(one: np.ndarray, other: np.ndarray, threshold: float, same: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows, strongest first; of the same rows each pair once. Rows of NaN are in none."""
    both = one if same else np.concatenate([one, other])
    middle = np.nan_to_num(both).sum(axis=0) / np.maximum((~np.isnan(both)).sum(axis=0), 1)
    one, other = (_normalised(rows - middle) for rows in (one, other))
    pairs, values = [], []
    for start in range(0, len(one), BLOCK):
        table = one[start : start + BLOCK] @ other.T
        if same:
            table[np.arange(len(other)) <= start + np.arange(len(table))[:, None]] = -1
        rows, columns = np.nonzero(table >= threshold)
        pairs.append(np.stack([rows + start, columns], axis=1))
        values.append(table[rows, columns])
    found, correlation = np.concatenate(pairs).astype(np.int64), np.concatenate(values)
    order = np.argsort(-correlation, kind="stable")
    return found[order], correlation[order]


def _normalised(rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return np.nan_to_num(found)
