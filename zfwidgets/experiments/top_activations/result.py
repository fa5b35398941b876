"""The strongest activations of every feature map over a data set (Fig. 2): found in one pass, in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from zfwidgets.data import Collection
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, Int16, Int32, check, check_activations
from zfwidgets.models import Network

NONE = -1  # image, row and column where a map has fewer than k activations


@dataclass(frozen=True, eq=False)
class TopActivations(Result):
    """For every feature map of some layers, its k strongest activations, and where in which image each was.

    Sorted by strength; of equals, the earlier image comes first, then the upper and the left unit. So the result does
    not depend on the order in which images were seen, nor on how parts of it were merged.
    """

    values: dict[str, Float32[np.ndarray, "*maps k"]]  # by layer, falling; -inf where there are fewer than k
    images: dict[str, Int32[np.ndarray, "*maps k"]]  # number of the image in the data set; -1 where there are fewer
    units: dict[str, Int16[np.ndarray, "*maps k 2"]]  # row and column on the map; -1 where there are fewer
    ranges: tuple[tuple[int, int], ...]  # which images were seen: first, last (excluded)
    broken: tuple[tuple[int, str], ...]  # images that could not be read, and why
    network: str  # what it belongs to: `Network.fingerprint`
    data: str  # and `Collection.result_fingerprint`
    per_image: int = 1  # at most so many activations of a map from one image

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(self.values.keys() == self.images.keys() == self.units.keys(), "the fields have not the same layers")
        check(len(self.values) > 0 and self.per_image > 0, "there is no layer in it, or no activation an image")
        check([0 <= start < stop for start, stop in self.ranges], f"the ranges {self.ranges} are empty")
        check(self.ranges != () and _joined(self.ranges) == self.ranges, f"the ranges {self.ranges} are not in order")
        check(_all_within([number for number, _ in self.broken], self.ranges), "a broken image was not seen")
        for layer, values in self.values.items():
            check(values.shape[1] > 0, f"{layer} has no activations")
            check_activations(values, self.images[layer], self.units[layer])
            seen = self.images[layer][values > -np.inf]
            check(_all_within(seen, self.ranges), f"{layer} has activations of images that were not seen")
            check(~np.isin(seen, [number for number, _ in self.broken]), f"{layer} has activations of broken images")

    @property
    def k(self) -> int:
        """Activations a map."""
        return next(iter(self.values.values())).shape[1]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that were looked at, in the order of the network."""
        return tuple(self.values)

    @property
    def count(self) -> int:
        """Images that were seen, the broken ones left out."""
        return sum(stop - start for start, stop in self.ranges) - len(self.broken)

    def dead(self, layer: str) -> np.ndarray:
        """Which maps of a layer no image has made positive, (C,) bool."""
        return ~(self.values[layer][:, 0] > 0)

    def merge(self, other: TopActivations) -> TopActivations:
        """What one pass over both parts of the data set would have found.

        The order of merging does not matter. Raises ValueError when the two belong to different networks or data sets,
        were made with different settings, or have seen the same image.
        """
        _check_same(self, other)
        ranges = _joined(self.ranges + other.ranges)
        found = {layer: _strongest(_rows(self, layer), _rows(other, layer)) for layer in self.layers}
        values, images, units = ({layer: rows[i] for layer, rows in found.items()} for i in range(3))
        broken = tuple(sorted(self.broken + other.broken))
        return replace(self, values=values, images=images, units=units, ranges=ranges, broken=broken)

    def check(self, net: Network, images: Collection) -> None:
        """Raise ValueError when this was found with another network, or in other images."""
        if self.network != net.fingerprint:
            raise ValueError(f"these top activations are of another network than {net.name}, or of its older weights")
        for name in self.layers:
            layer = net.layer(name)
            check(len(self.values[name]) == layer.channels, f"{name} has {layer.channels} maps, and not as many here")
            check(self.units[name] < (layer.height, layer.width), f"there are units beyond the maps of {name}")
        if not images.fits(self.data):
            raise ValueError(
                "these top activations were found in other images: there are not the same names in the same order, or "
                "other contents under these names"
            )

    def __repr__(self) -> str:
        maps = sum(map(len, self.values.values()))
        broken = f", {len(self.broken)} broken" if self.broken else ""
        return (
            f"TopActivations({maps} maps of {len(self.layers)} layers, {self.k} each, of {self.count} images{broken})"
        )


def merged(parts: Iterable[TopActivations]) -> TopActivations:
    """All parts as one."""
    return reduce(TopActivations.merge, parts)


Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # values, images and units of one layer


def _rows(tops: TopActivations, layer: str) -> Rows:
    return tops.values[layer], tops.images[layer], tops.units[layer]


def _strongest(one: Rows, other: Rows) -> Rows:
    """The k strongest of both, sorted: by falling value, then image, row and column."""
    k = one[0].shape[1]
    values, images, units = (np.concatenate(pair, axis=1) for pair in zip(one, other, strict=True))
    order = np.lexsort((units[..., 1], units[..., 0], images, -values))[:, :k]
    take = np.take_along_axis
    return take(values, order, 1), take(images, order, 1), take(units, order[..., None], 1)


def _all_within(numbers: Any, ranges: tuple[tuple[int, int], ...]) -> bool:
    """Whether each number lies in one of the ranges, which are in order."""
    starts, stops = np.array(ranges).reshape(-1, 2).T
    numbers = np.asarray(numbers, np.int64).ravel()
    place = np.searchsorted(starts, numbers, side="right") - 1
    return bool((place >= 0).all() and (numbers < stops[place]).all())


def _joined(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Ranges in order, those that touch made one. Raises ValueError where two overlap."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if joined and start < joined[-1][1]:
            raise ValueError(f"both parts have seen the images {start} to {min(stop, joined[-1][1]) - 1}")
        if joined and start == joined[-1][1]:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return tuple(joined)


def _check_same(one: TopActivations, other: TopActivations) -> None:
    def settings(tops: TopActivations) -> dict[str, Any]:
        return {
            "network": tops.network,
            "data set": tops.data,
            "layers": tops.layers,
            "k": tops.k,
            "per_image": tops.per_image,
        }

    first, second = settings(one), settings(other)
    different = [name for name in first if first[name] != second[name]]
    if different:
        raise ValueError(f"these top activations cannot be merged: they differ in {' and '.join(different)}")
