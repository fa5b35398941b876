"""One unit, or one whole feature map, carried down to the pixels of an image (§2, Fig. 2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.backend.graph.op import RULES
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, UInt8, check
from zfwidgets.renamed import renamed_property

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Projection(Result):
    """One unit, or one whole feature map, carried down to the pixels of an image."""

    pixels: Float32[np.ndarray, "C H W"]  # signed, multiplied by the activation; zero outside the box
    picture: UInt8[np.ndarray, "H W 3"]  # the image as the network gets it
    activation: float  # of the unit; for a whole map, the sum
    layer: str
    feature: int
    unit: tuple[int, int] | None  # row and column on the feature map; None: the whole map
    box: tuple[int, int, int, int]  # receptive field on the image: top, left, bottom, right (the last two excluded)
    rule: str  # "deconvnet", "gradient" or "guided"

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        top, left, bottom, right = self.box
        height, width = self.picture.shape[:2]
        check(len(self.pixels) > 0, "there is no channel in it")
        check(0 <= top < bottom <= height and 0 <= left < right <= width, f"the box {self.box} is not on the picture")
        check(self.feature >= 0 and min(self.unit or (0, 0)) >= 0, "feature and unit are counted from 0")
        check(self.rule in RULES, f"there is no rule {self.rule!r}")

    @property
    def scale(self) -> float:
        """The largest magnitude of a pixel, or 0 where nothing came down."""
        return float(np.abs(self.pixels).max())

    @cached_property
    def robust_scale(self) -> float:
        """What 99 of 100 pixels in the box stay below in magnitude: on this scale faint strokes show, too."""
        top, left, bottom, right = self.box
        return robust_scale(self.pixels[:, top:bottom, left:right])

    bulk = renamed_property("bulk", "robust_scale")

    @property
    def patch(self) -> np.ndarray:
        """The part of the picture that the unit sees, (h, w, 3) uint8."""
        top, left, bottom, right = self.box
        return self.picture[top:bottom, left:right]

    def to_pandas(self) -> pandas.DataFrame:
        """One row: layer, feature, unit's row and column (None: the whole map), activation, box, rule. Needs pandas."""
        import pandas

        row, column = self.unit or (None, None)
        place = dict(zip(("top", "left", "bottom", "right"), self.box, strict=True))
        found = {"layer": self.layer, "feature": self.feature, "row": row, "column": column}
        return pandas.DataFrame([found | {"activation": self.activation} | place | {"rule": self.rule}])

    def __repr__(self) -> str:
        where = "whole map" if self.unit is None else f"unit {self.unit}"
        return (
            f"Projection({self.layer}, feature {self.feature}, {where}, activation {self.activation:.3g}, {self.rule})"
        )


def robust_scale(pixels: np.ndarray) -> float:
    """What 99 of 100 pixels stay below in magnitude: on this scale faint strokes show, too. 0 where all are 0."""
    magnitudes = np.abs(pixels)
    return float(np.percentile(magnitudes, 99)) or float(magnitudes.max())
