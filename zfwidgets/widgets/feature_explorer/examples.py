"""What a feature map looks for, by its best example: in the images that were mined, or else in the one on show."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from zfwidgets.data import corpus
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.experiments.top_activations import TopActivations, prepared_tops
from zfwidgets.models import Network

REMEMBERED = 512  # patches


class BestExamples:
    """Of each feature map, the patch that it responded to most strongly, and how strongly that was.

    Known are the top activations that come with the package for its own network, once they are `read`.
    """

    def __init__(self, net: Network) -> None:
        self._net, self._images = net, corpus()
        self._cut = lru_cache(maxsize=REMEMBERED)(self._patch)
        self.tops: TopActivations | None = None  # None, too, where there are none of this network

    def read(self) -> None:
        """Read the top activations, which takes a quarter of a second."""
        self.tops = prepared_tops(self._net, self._images)

    def record(self, layer: str, feature: int) -> float | None:
        """The strongest activation of a map in the images that were mined; None where that is not known."""
        if self.tops is None or layer not in self.tops.layers:
            return None
        strongest = float(self.tops.values[layer][feature, 0])
        return strongest if 0 < strongest < np.inf else None

    def patch(self, features: ImageFeatures, layer: str, feature: int) -> np.ndarray:
        """What a map's strongest unit sees, (h, w, 3) uint8: where no mining is known, in the image on show."""
        if self.record(layer, feature) is not None:
            return self._cut(layer, feature)
        top, left, bottom, right = features.field(layer, features.strongest(layer, feature))
        return features.picture[top:bottom, left:right]

    def _patch(self, layer: str, feature: int) -> np.ndarray:
        assert self.tops is not None
        image, unit = int(self.tops.images[layer][feature, 0]), self.tops.units[layer][feature, 0]
        picture, _ = self._net.prepare(self._net.reader.item(self._images, image))
        step = self._net.step(layer)
        top, left, bottom, right = self._net.program.receptive_field(step, int(unit[0]), int(unit[1]))
        return picture[top:bottom, left:right].copy()
