"""Some feature maps of a layer, each by its strongest activations (Fig. 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.backend.graph.op import RULES
from zfwidgets.drawing import signed_picture
from zfwidgets.experiments.projection import robust_scale
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, Int16, Int32, Int64, UInt8, check, check_activations

if TYPE_CHECKING:
    import pandas

GREY = 128  # what is shown beyond the edge of an image: the colour of zero in a projection


@dataclass(frozen=True, eq=False)
class Gallery(Result):
    """Some feature maps of a layer, each by its strongest activations."""

    patches: UInt8[np.ndarray, "n k h w 3"]  # what each unit saw; mid-grey beyond the edge of the image
    projections: Float32[np.ndarray, "n k C h w"]  # signed, multiplied by the activation; at the same places
    values: Float32[np.ndarray, "n k"]  # the activations; -inf where a map has fewer than k
    images: Int32[np.ndarray, "n k"]  # number of the image
    units: Int16[np.ndarray, "n k 2"]  # row and column on the map
    features: Int64[np.ndarray, "n"]  # numbers of the maps
    layer: str
    rule: str

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(min(self.projections.shape) > 0, "there is nothing in it")
        check_activations(self.values, self.images, self.units)
        check(self.features >= 0, "features are counted from 0")
        check(len(set(self.features.tolist())) == len(self.features), "a feature is there twice")
        check(self.rule in RULES, f"there is no rule {self.rule!r}")

    def pictures(self) -> np.ndarray:
        """The projections as pictures, (n, k, h, w, 3) uint8: zero is mid-grey, each on a scale of its own."""

        n, k, channels, height, width = self.projections.shape
        flat = self.projections.reshape(n * k, channels, height, width)
        return np.stack([signed_picture(pixels, robust_scale(pixels)) for pixels in flat]).reshape(
            n, k, height, width, 3
        )

    def to_pandas(self) -> pandas.DataFrame:
        """One row an activation, the strongest of a map first: feature, rank, activation, image, row, column. Needs
        pandas."""
        import pandas

        rows = [
            {
                "feature": int(self.features[index]), "rank": rank + 1,
                "activation": float(self.values[index, rank]), "image": int(self.images[index, rank]),
                "row": int(self.units[index, rank, 0]), "column": int(self.units[index, rank, 1]),
            }
            for index, rank in np.argwhere(np.isfinite(self.values))
        ]  # fmt: skip
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        return f"Gallery({self.layer}: {len(self.features)} features × {self.values.shape[1]}, {self.rule})"
