"""What the strongest units of every feature map saw, and their projections: pictures, remembered, by the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from zfwidgets.data import Collection
from zfwidgets.experiments.gallery import Gallery, Sources, build_gallery, patches
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.top_activations import TopActivations
from zfwidgets.models import Network
from zfwidgets.task import UNWATCHED, Task
from zfwidgets.widgets.top_nine.remembered import Remembered
from zfwidgets.widgets.top_nine.squares import LARGE, shrunk, side_of

ROOM = 2**27  # bytes of tiles that are remembered: at least 70 pages, patches and projections
MAPS_AT_ONCE = 4  # feature maps that are computed at once


@dataclass(frozen=True, eq=False)
class Page(Result):
    """A page of feature maps, as far as it is there: their strongest activations as pictures.

    Tiles are (k, h, w, 3) uint8, the strongest first; large ones made smaller, those beyond the map's activations grey.
    For the numbers behind them, see `zfwidgets.gallery`.
    """

    layer: str
    feature: int  # the chosen one
    features: tuple[int, ...]  # all on the page, in their order
    rule: str
    patches: dict[int, np.ndarray]  # by feature: what its units saw
    projections: dict[int, np.ndarray]  # by feature; zero is mid-grey, each on its own scale


class Tiles:
    """What the strongest units of every map saw, and their projections: computed when asked for, then remembered."""

    def __init__(self, net: Network, images: Collection, tops: TopActivations) -> None:
        self.net, self.images, self.tops = net, images, tops
        self._sources = Sources(net, images, remembered=160)  # more than a page can need
        self._largest = side_of(LARGE, tops.k)
        self._kept = Remembered(ROOM)
        self.scores = lru_cache(maxsize=64)(self._scores)
        self.ranks = lru_cache(maxsize=64)(self._ranks)

    def _scores(self, layer: str, order: str) -> np.ndarray:
        """What the maps of a layer are sorted by, falling, (C,). Dead ones come last, unless they go by number."""
        values = self.tops.values[layer]
        if order == "index":
            return -np.arange(len(values), dtype=float)
        found = np.where(np.isfinite(values), values, 0)
        dead = self.tops.dead(layer)
        strongest = np.where(dead, 1, found[:, 0])
        return np.where(dead, -np.inf, strongest if order == "strength" else -found.mean(1) / strongest)

    def _ranks(self, layer: str, order: str, held: str = "") -> np.ndarray:
        """The maps of a layer in their order; with `held` only those whose strongest activations hold that image."""
        ranks = np.argsort(-self.scores(layer, order), kind="stable")
        if not held:
            return ranks
        holds = (self.tops.images[layer] == self.images.names.index(held)).any(1)
        return ranks[holds[ranks]]

    def around(self, layer: str, order: str, feature: int, size: int, held: str = "") -> list[int]:
        """The maps on a feature's page, in their order."""
        ranks = self.ranks(layer, order, held)
        place = int(np.flatnonzero(ranks == feature)[0])
        return ranks[place // size * size :][:size].tolist()

    def activations(self, layer: str, feature: int) -> np.ndarray:
        """The strongest activations of a map, falling; fewer than k where there are no more."""
        values = self.tops.values[layer][feature]
        return values[np.isfinite(values)]

    def shown_in(self, layer: str, feature: int) -> list[str]:
        """Names of the images that hold the strongest activations of a map, the strongest first."""
        count = len(self.activations(layer, feature))
        return [self.images.names[number] for number in self.tops.images[layer][feature, :count].tolist()]

    def page(self, layer: str, feature: int, features: Sequence[int], rule: str) -> Page:
        """As much of a page as there is by now."""
        patches, projections = (
            {each: tiles for each in features if (tiles := self._kept.recall((layer, each, kind))) is not None}
            for kind in ("", rule)
        )
        return Page(layer, feature, tuple(features), rule, patches, projections)

    def fill(self, layer: str, seen: Sequence[int], projected: Sequence[int], rule: str, task: Task) -> Iterator[int]:
        """Compute what is missing: the patches of the maps `seen`, then the projections of those `projected`.

        The first of them comes first. Before each part of the work the task is told what it is; after it, yields how
        many are left.
        """
        work = [
            (kind, some)
            for kind, features in (("", seen), (rule, projected))
            for some in _parts(self._missing(layer, features, kind))
        ]
        whole, done = sum(map(_effort, work)), 0.0
        for left, (kind, some) in zip(reversed(range(len(work))), work, strict=True):
            if task.stopped:
                return
            task.progress(done, whole, "Projecting" if kind else "Cutting out patches")
            found = (
                self.gallery(layer, some, kind, task).pictures()
                if kind
                else patches(self.net, self._sources, self.tops, layer, some)
            )
            self._keep([(layer, each, kind) for each in some], found, signed=bool(kind))
            done += _effort((kind, some))
            yield left

    def gallery(self, layer: str, features: list[int], rule: str, task: Task = UNWATCHED) -> Gallery:
        """The numbers behind the tiles of some maps."""
        return build_gallery(self.net, self._sources, self.tops, layer, features, rule, task)

    def _missing(self, layer: str, features: Sequence[int], kind: str) -> list[int]:
        """The maps whose tiles are still to be computed; asked for, the others are remembered longer."""
        dead = self.tops.dead(layer)
        return [each for each in features if not dead[each] and self._kept.recall((layer, each, kind)) is None]

    def _keep(self, keys: Sequence[tuple], found: np.ndarray, signed: bool) -> None:
        for key, tiles in zip(keys, found, strict=True):
            small = max(tiles.shape[1:3]) <= self._largest
            self._kept.keep(key, tiles.copy() if small else shrunk(tiles, self._largest, signed))


def _effort(work: tuple[str, list[int]]) -> float:
    """About how long some work takes, in projections of a map: patches need only be cut out."""
    kind, features = work
    return len(features) if kind else len(features) / 8


def _parts(features: list[int]) -> list[list[int]]:
    """The first one alone, so that it is soon there, and the others some at a time."""
    others = [features[start : start + MAPS_AT_ONCE] for start in range(1, len(features), MAPS_AT_ONCE)]
    return [features[:1], *others] if features else []
