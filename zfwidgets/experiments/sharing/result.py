"""What the feature maps of some layers are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, Int16, Int32, check
from zfwidgets.experiments.sharing.links import WEIGHTS, SharingLinks, SharingPart
from zfwidgets.experiments.sharing.tree import SharingBranch
from zfwidgets.task import UNWATCHED, Task

if TYPE_CHECKING:
    import pandas

    from zfwidgets.experiments.sharing.checked import SharingCheck
    from zfwidgets.models import Network


@dataclass(frozen=True, eq=False)
class Sharing(Result):
    """Which lower feature maps each upper one is made of, between each layer of a chain and the next.

    `share`, `lift`, … are those between the first two layers; `links(layer)` has them for another one and the next.
    """

    layers: tuple[str, ...]  # names, from the top down
    titles: tuple[str, ...]
    contributions: dict[str, Float32[np.ndarray, "2 *upper *lower"]]  # by upper layer: sums of max(G·A, 0), by half
    signals: dict[str, Float32[np.ndarray, "2 *upper *lower"]]  # sums of max(G, 0)
    counts: dict[str, Int32[np.ndarray, "2 *upper"]]  # units in each half of the images
    images: dict[str, Int32[np.ndarray, "*upper k"]]  # of the strongest units; -1 where there are fewer
    units: dict[str, Int16[np.ndarray, "*upper k 2"]]
    weight: str  # "contribution" or "signal": which of both sums `share` is made from
    rule: str
    network: str  # `Network.fingerprint`
    data: str  # `Collection.result_fingerprint`

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        above = set(self.layers[:-1])
        check(len(self.layers) > 1 and len(self.titles) == len(self.layers), "there are no two layers in it")
        check(self.weight in WEIGHTS, f"there is no weight {self.weight!r}")
        for name in ("contributions", "signals", "counts", "images", "units"):
            check(getattr(self, name).keys() == above, f"{name} are not of the layers {', '.join(self.layers[:-1])}")
        for upper, lower in pairwise(self.layers):
            maps = self.contributions[upper].shape[2]
            check(self.signals[upper].shape[2] == maps, f"{upper} has two numbers of lower maps")
            check(lower not in above or self.counts[lower].shape[1] == maps, f"{lower} has two numbers of maps")
            for sums in (self.contributions[upper], self.signals[upper]):
                check((sums >= 0) & np.isfinite(sums), f"there are sums below 0 in {upper}")
            check(self.counts[upper] >= 0, f"there are counts below 0 in {upper}")

    def links(self, layer: str | None = None, weight: str | None = None) -> SharingLinks:
        """All that is known between a layer (by name or title; the first by default) and the next.

        Raises ValueError for a layer without a next one, or another weight than "contribution" and "signal".
        """
        weight = weight or self.weight
        if weight not in WEIGHTS:
            raise ValueError(f'the weights are "contribution" and "signal"; {weight!r} was given')
        place = self._place(layer)
        known = _KNOWN.setdefault(self, {})
        if (place, weight) not in known:
            upper, lower = self.layers[place : place + 2]
            sums = self.contributions if weight == "contribution" else self.signals
            known[place, weight] = SharingLinks(upper, lower, sums[upper], self.counts[upper])
        return known[place, weight]

    @property
    def share(self) -> np.ndarray:
        """What part of each map of the first layer each map of the second is, (upper, lower): rows sum to 1."""
        return self.links().share

    @property
    def lift(self) -> np.ndarray:
        """Share over the lower map's mean share, (upper, lower)."""
        return self.links().lift

    @property
    def stability(self) -> np.ndarray:
        """Correlation of each map's shares between two halves of its images, (upper,)."""
        return self.links().stability

    def made_of(self, feature: int, n: int = 8, layer: str | None = None, by: str = "share") -> list[SharingPart]:
        """The maps of the next layer that a map (of the first layer by default) is made of, the largest part first."""
        return self.links(layer).made_of(self._checked(feature, self._place(layer)), n, by)

    def users(self, feature: int, n: int = 8, layer: str | None = None, by: str = "share") -> list[SharingPart]:
        """The maps of the layer above that use a map (of the second layer by default): of which it is the largest
        part."""
        place = 1 if layer is None else self._place(layer, end=True)
        if place == 0:
            raise ValueError(f"{self.layers[0]!r} is the first layer here: nothing above it was looked at")
        return self.links(self.layers[place - 1]).used_by(self._checked(feature, place), n, by)

    def chain(
        self, feature: int, width: Sequence[int] = (4, 2), layer: str | None = None, by: str = "share"
    ) -> SharingBranch:
        """What a map is made of, what that is made of, and so on down to the last layer of the chain.

        `width` says how many parts are followed at each step; further down, one.
        """
        place = self._place(layer, end=True)
        return self._branch(self._checked(feature, place), place, 1.0, True, tuple(width), by)

    def check(
        self, net: Network, images: Any = None, n: int = 24, *, layer: str | None = None, seed: int = 0,
        task: Task = UNWATCHED,
    ) -> SharingCheck:  # fmt: skip
        """Take lower maps out of the network, and see by how much the upper ones fall: is a share more than a guess?

        Args:
            net, images: those that it was found in.
            n: how many upper maps to look at, chosen at random.
            layer: the upper layer; by default the first.
            seed: of the choice.
            task: watches and cancels it.

        Raises ValueError for another network or other images.
        """
        beside = import_module("zfwidgets.experiments.sharing.intervene")  # which imports this
        found: SharingCheck = beside.check_shares(self, net, images, n, self.layers[self._place(layer)], seed, task)
        return found

    def to_pandas(self, n: int = 8) -> pandas.DataFrame:
        """A table with a row for each map and each of its `n` largest parts: layer, feature, part_layer, part, share,
        lift, stable. Needs pandas."""
        import pandas

        rows = [
            {"layer": upper, "feature": feature, "part_layer": lower, "part": part.feature}
            | {"share": part.share, "lift": part.lift, "stable": part.stable}
            for upper, lower in pairwise(self.layers)
            for feature in range(self.counts[upper].shape[1])
            for part in self.made_of(feature, n, upper)
        ]
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        lines = []
        for upper, (high, low) in zip(self.layers[:-1], pairwise(self.titles), strict=True):
            links = self.links(upper)
            number = np.median(links.effective_parts[~links.silent]) if not links.silent.all() else 0
            lines.append(
                f"  a map of {high} is made of about {number:.0f} of {links.share.shape[1]} maps of {low}; "
                f"{links.stable.mean():.0%} of {len(links.stable)} are stable"
            )
        return "\n".join(["Sharing", *lines])

    def merge(self, other: Sharing) -> Sharing:
        """Sums over the units of both, which were taken from different images."""
        added = {
            name: {layer: getattr(self, name)[layer] + getattr(other, name)[layer] for layer in self.layers[:-1]}
            for name in ("contributions", "signals", "counts")
        }
        return Sharing(
            self.layers, self.titles, **added, images=self.images, units=self.units, weight=self.weight,
            rule=self.rule, network=self.network, data=self.data,
        )  # fmt: skip

    def _branch(
        self, feature: int, place: int, share: float, stable: bool, width: tuple[int, ...], by: str
    ) -> SharingBranch:
        parts: tuple[SharingBranch, ...] = ()
        if place < len(self.layers) - 1:
            found = self.links(self.layers[place]).made_of(feature, width[0] if width else 1, by)
            parts = tuple(
                self._branch(part.feature, place + 1, part.share, part.stable, width[1:], by) for part in found
            )
        return SharingBranch(self.layers[place], self.titles[place], feature, share, stable, parts)

    def _place(self, layer: str | None, end: bool = False) -> int:
        """Of a layer in the chain; of one with a next one, unless `end`."""
        if layer is None:
            return 0
        names = [name for pair in zip(self.layers, self.titles, strict=True) for name in pair]
        if layer not in names:
            raise ValueError(f"{layer!r} was not looked at; these were: {', '.join(self.layers)}")
        place = names.index(layer) // 2
        if place == len(self.layers) - 1 and not end:
            raise ValueError(f"{layer!r} is the last layer here: nothing below it was looked at")
        return place

    def _checked(self, feature: int, place: int) -> int:
        last = len(self.layers) - 1
        counts = self.counts[self.layers[place]] if place < last else self.contributions[self.layers[last - 1]][0]
        maps = counts.shape[1]
        if not 0 <= feature < maps:
            raise ValueError(f"{self.layers[place]!r} has the features 0 to {maps - 1}; {feature!r} was asked for")
        return int(feature)


_KNOWN: WeakKeyDictionary[Sharing, dict[tuple[int, str], SharingLinks]] = WeakKeyDictionary()
