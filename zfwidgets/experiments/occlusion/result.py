"""What the network makes of an image when a square hides one place of it after another (§4.2, Fig. 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from zfwidgets.experiments.occlusion.occluder import Colour
from zfwidgets.experiments.projection import Projection
from zfwidgets.experiments.result import Result
from zfwidgets.models import Meaning
from zfwidgets.renamed import renamed_property

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Occlusion(Result):
    """How the network's answer changes as a square hides one place of an image after another (Fig. 7).

    Rows and columns are those of the square's places; `targets` the classes that were asked for.
    """

    picture: np.ndarray  # (H, W, 3) uint8, the image as the network gets it
    baseline: np.ndarray  # (H, W, 3) uint8, what stands in hidden places
    top: np.ndarray  # (rows,) int64, first pixel row of the square
    left: np.ndarray  # (columns,) int64, first pixel column
    probabilities: np.ndarray  # (targets, rows, columns) float32
    label: np.ndarray  # (rows, columns) int64, the most probable class
    confidence: np.ndarray  # (rows, columns) float32, its probability
    activity: np.ndarray  # (rows, columns) float32, the chosen feature map summed over its units
    computed: np.ndarray  # (rows, columns) bool; the other places repeat what was found near them
    unoccluded: np.ndarray  # (classes,) float32, the probabilities for the whole image
    unoccluded_activity: float  # the feature map's sum for the whole image
    projected: np.ndarray  # (C, H, W) float32, the feature map carried down to the pixels of the whole image
    others: np.ndarray  # (k, h, w, 3) uint8, its projections for other images, where `tops` were given
    others_saw: np.ndarray  # (k, h, w, 3) uint8, the patches that caused them
    targets: tuple[int, ...]  # numbers of the classes
    labels: tuple[str, ...]  # of all classes
    layer: str
    feature: int
    size: tuple[int, int]  # height and width of the square, pixels
    stride: tuple[int, int]  # from one place to the next, down and across, pixels
    fill: str | Colour
    macs: tuple[int, int, int]  # multiply–adds: done, unavoidable, and those of full inference at every place
    meaning: str = "shares"  # of the probabilities; "each": each by itself; "raw": they are scores (see `Meaning`)

    former_names: ClassVar = {
        "filler": "baseline",
        "untouched": "unoccluded",
        "untouched_activity": "unoccluded_activity",
    }
    filler = renamed_property("filler", "baseline")
    untouched = renamed_property("untouched", "unoccluded")
    untouched_activity = renamed_property("untouched_activity", "unoccluded_activity")

    @property
    def probability(self) -> np.ndarray:
        """Of the first target class, (rows, columns): panel (d)."""
        return self.probabilities[0]

    @property
    def projection(self) -> Projection:
        """The feature map carried down to the pixels: panel (c)."""
        height, width = self.picture.shape[:2]
        box = (0, 0, height, width)
        activation = self.unoccluded_activity
        return Projection(self.projected, self.picture, activation, self.layer, self.feature, None, box, "deconvnet")

    @property
    def agreement(self) -> float:
        """How far occlusion and deconvnet agree: the correlation (Pearson) between the fall of the map's activity when
        the square hides a place, and the energy of the map's projection there. NaN where either is constant."""
        fall, energy = self.unoccluded_activity - self.activity.ravel(), self._energy().ravel()
        if np.ptp(fall) == 0 or np.ptp(energy) == 0:
            return float("nan")
        return float(np.corrcoef(fall, energy)[0, 1])

    def _energy(self) -> np.ndarray:
        """The projection's magnitude under the square at each place, (rows, columns)."""
        sums = np.pad(np.abs(self.projected).sum(0, dtype=np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
        height, width = self.picture.shape[:2]
        bottom, right = np.minimum(self.top + self.size[0], height), np.minimum(self.left + self.size[1], width)
        above, below = sums[self.top], sums[bottom]
        return below[:, right] - below[:, self.left] - above[:, right] + above[:, self.left]

    def hidden(self, row: int, column: int) -> np.ndarray:
        """The picture with the square at one of its places, (H, W, 3) uint8: panel (a)."""
        picture = self.picture.copy()
        place = np.s_[
            self.top[row] : self.top[row] + self.size[0], self.left[column] : self.left[column] + self.size[1]
        ]
        picture[place] = self.baseline[place]
        return picture

    def to_pandas(self) -> pandas.DataFrame:
        """One row a place of the square: its upper left corner, the probability (or score) of the (first) target class,
        the most probable class and its probability, and the feature map's sum. Needs pandas."""
        import pandas

        top, left = np.meshgrid(self.top, self.left, indexing="ij")
        columns = {
            "top": top,
            "left": left,
            Meaning(self.meaning).quantity: self.probability,
            "label": np.array(self.labels)[self.label],
        }
        columns |= {"confidence": self.confidence, "activity": self.activity}
        return pandas.DataFrame({name: values.ravel() for name, values in columns.items()})

    def __repr__(self) -> str:
        rows, columns = self.label.shape
        target, write = self.targets[0], Meaning(self.meaning).write
        least, most = write(self.probability.min()), write(self.probability.max())
        return (
            f"Occlusion({self.labels[target]} {write(self.unoccluded[target])}, {rows}×{columns} places of "
            f"{self.size[0]}×{self.size[1]} pixels: {least} to {most}; {self.layer}, feature {self.feature})"
        )
