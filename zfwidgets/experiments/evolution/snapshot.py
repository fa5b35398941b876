"""What a network's features were after one epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float16, Float32, Int16, Int32, UInt8, check


@dataclass(frozen=True, eq=False)
class Snapshot(Result):
    """Some feature maps of some layers after one epoch, and how far layers have moved since the snapshot before.

    Each map is there twice. Row 0 is the strongest activation over all images, as in the paper; row 1, *anchored*, the
    strongest in one image that stays the same for the map, so that what changes is the feature's own.
    """

    epoch: int
    features: dict[str, Int32[np.ndarray, "*features"]]  # numbers of the maps, by layer
    values: dict[str, Float32[np.ndarray, "2 *features"]]  # activations
    images: dict[str, Int32[np.ndarray, "2 *features"]]  # numbers of the images
    units: dict[str, Int16[np.ndarray, "2 *features 2"]]  # row and column on the map
    boxes: dict[str, Int16[np.ndarray, "2 *features 4"]]  # receptive field on the picture: top, left, bottom, right
    projections: dict[str, Float16[np.ndarray, "2 *features C *h *w"]]  # from the box's corner on; zero beyond it
    scales: dict[str, Float32[np.ndarray, "2 *features"]]  # what projections are to be multiplied by
    weight_change: dict[str, Float32[np.ndarray, "1"]]  # ‖ΔW‖ / ‖W‖ since the snapshot before; NaN for the first
    activation_change: dict[str, Float32[np.ndarray, "*maps"]]  # 1 − correlation of each map's activations; NaN: none
    filters: Float16[np.ndarray, "filters channels rows columns"]  # of the first layer; none where it has no filters

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(self.epoch >= 0, "epochs are counted from 0")
        named = (self.values, self.images, self.units, self.boxes, self.projections, self.scales)
        for part in (*named, self.weight_change, self.activation_change):
            check(part.keys() == self.features.keys(), "the fields have not the same layers")
        for layer, boxes in self.boxes.items():
            high, wide = self.projections[layer].shape[-2:]
            top, left, bottom, right = boxes.reshape(-1, 4).T
            check((top >= 0) & (left >= 0) & (top <= bottom) & (left <= right), f"{layer} has boxes without a place")
            check((bottom - top <= high) & (right - left <= wide), f"{layer} has boxes larger than its projections")
            check(self.images[layer] >= 0, f"{layer} has an activation without an image")
            check(self.units[layer] >= 0, f"{layer} has units that are counted from below 0")
            check(np.isfinite(self.projections[layer]) & np.isfinite(self.scales[layer])[..., None, None, None],
                  f"{layer} has projections that are not finite")  # fmt: skip

    def projection(self, layer: str, place: int, row: int) -> np.ndarray:
        """The projection of a map (by its place among those recorded) within its box, (C, h, w) float32."""
        top, left, bottom, right = self.boxes[layer][row, place]
        pixels = self.projections[layer][row, place, :, : bottom - top, : right - left]
        return pixels.astype(np.float32) * self.scales[layer][row, place]


@dataclass(frozen=True, eq=False)
class Pictures(Result):
    """Images as the network gets them, those that snapshots speak of."""

    numbers: Int32[np.ndarray, "images"]
    pictures: UInt8[np.ndarray, "images H W 3"]
