"""How strongly each feature map of a layer responds at a place of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.drawing import format_number
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, Int64, UInt8, check

if TYPE_CHECKING:
    import pandas

Box = tuple[int, int, int, int]  # of pixels: top, left, bottom, right (the last two excluded)


@dataclass(frozen=True, eq=False)
class Responses(Result):
    """How strongly each feature map of a layer responds at a place of an image, by its strongest unit there."""

    activation: Float32[np.ndarray, "maps"]  # of the strongest unit at the place
    unit: Int64[np.ndarray, "maps 2"]  # its row and column on the map
    field: Int64[np.ndarray, "maps 4"]  # what it sees, on the picture: top, left, bottom, right (the last two excluded)
    strongest: Float32[np.ndarray, "maps"]  # the strongest activation of the map anywhere in the image
    picture: UInt8[np.ndarray, "H W 3"]  # the image as the network gets it
    box: Box  # the place, on the picture
    layer: str
    labels: tuple[str, ...] = ()  # of the classes, where the layer's maps are these; else none

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        height, width = self.picture.shape[:2]
        top, left, bottom, right = np.array([self.box, *self.field.tolist()]).T
        check((top >= 0) & (left >= 0) & (bottom <= height) & (right <= width), "there are boxes outside the picture")
        check((top < bottom) & (left < right), "there are boxes without a pixel")
        check(len(self.activation) > 0, "there is no map in it")
        check(self.unit >= 0, "units are counted from 0")
        check(self.activation <= self.strongest, "a map responds more strongly at the place than anywhere")
        check(len(self.labels) in (0, len(self.activation)), "there are not as many labels as maps")

    @property
    def order(self) -> np.ndarray:
        """The numbers of the maps, the one that responds most strongly first, (maps,); equals by number."""
        return np.argsort(-self.activation, kind="stable")

    def top(self, count: int = 8) -> list[int]:
        """The numbers of the maps that respond most strongly, at most `count`; those that are silent are left out."""
        return [int(number) for number in self.order[:count] if self.activation[number] > 0]

    def patch(self, feature: int) -> np.ndarray:
        """What the strongest unit of a map sees there, (h, w, 3) uint8."""
        top, left, bottom, right = self.field[feature]
        return self.picture[top:bottom, left:right]

    def name_of(self, feature: int) -> str:
        """What a map is called: its class where it has one, or "feature" and its number."""
        return self.labels[feature] if self.labels else f"feature {feature}"

    def to_pandas(self) -> pandas.DataFrame:
        """One row a feature map, the one that responds most strongly first: feature, activation, the strongest
        activation of the map in the image, the unit's row and column. Needs pandas."""
        import pandas

        order = self.order
        columns = {"feature": order, "activation": self.activation[order], "strongest": self.strongest[order]}
        return pandas.DataFrame(columns | {"row": self.unit[order, 0], "column": self.unit[order, 1]})

    def __repr__(self) -> str:
        found = ", ".join(f"{number} ({format_number(float(self.activation[number]))})" for number in self.top(3))
        return f"Responses({self.layer} at {self.box}: {f'features {found}, …' if found else 'all silent'})"
