"""What feature maps look for, as pictures: the patches of their strongest units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zfwidgets.data import Collection
from zfwidgets.drawing import fit_tile, mosaic
from zfwidgets.experiments.gallery import GREY, Sources, patches
from zfwidgets.experiments.top_activations import NONE, TopActivations
from zfwidgets.models import Network
from zfwidgets.widgets.sharing_explorer.diagram import LARGE, SMALL

REMEMBERED = 2048  # patches


class Examples:
    """The best example of each feature map, small, and all of one map's; what has been cut out is remembered."""

    def __init__(self, net: Network, images: Collection) -> None:
        self.net, self.sources = net, Sources(net, images, remembered=96)
        self._kept: dict[tuple[str, int], np.ndarray] = {}

    def best(self, tops: TopActivations, maps: Sequence[tuple[str, int]]) -> list[np.ndarray]:
        """One patch of each map (layer, feature), at most `SMALL` pixels a side, (h, w, 3) uint8."""
        missing = [each for each in dict.fromkeys(maps) if each not in self._kept]
        for layer in dict.fromkeys(layer for layer, _ in missing):
            features = [feature for each, feature in missing if each == layer]
            for feature, patch in zip(features, self._first(tops, layer, features), strict=True):
                self._kept[layer, feature] = fit_tile(patch, SMALL)
        found = [self._kept[each] for each in maps]
        while len(self._kept) > REMEMBERED:
            self._kept.pop(next(iter(self._kept)))
        return found

    def nine(self, tops: TopActivations, layer: str, feature: int) -> np.ndarray:
        """The strongest patches of one map as a square, (LARGE, LARGE, 4) uint8."""
        if layer not in tops.layers or tops.images[layer][feature, 0] == NONE:
            return np.full((LARGE, LARGE, 4), (GREY, GREY, GREY, 255), np.uint8)
        across = int(np.ceil(np.sqrt(tops.k)))
        found = patches(self.net, self.sources, tops, layer, [feature])[0]
        found = found[tops.images[layer][feature] != NONE]
        return mosaic(found[None], (LARGE - 2 * (across - 1)) // across, 1, beyond=0)

    def _first(self, tops: TopActivations, layer: str, features: list[int]) -> np.ndarray:
        """The first patch of each."""
        if layer not in tops.layers:
            return np.full((len(features), SMALL, SMALL, 3), GREY, np.uint8)
        first = replace(
            tops, values={layer: tops.values[layer][:, :1]}, images={layer: tops.images[layer][:, :1]},
            units={layer: tops.units[layer][:, :1]},
        )  # fmt: skip
        return patches(self.net, self.sources, first, layer, features)[:, 0]
