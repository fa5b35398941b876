"""What the network makes of an image when a square hides one place of it after another (§4.2, Fig. 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from zfwidgets.experiments.occlusion.occluder import Colour
from zfwidgets.experiments.projection import Projection
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Bool, Float32, Int64, UInt8, check, check_probabilities, within
from zfwidgets.models import Meaning
from zfwidgets.renamed import renamed_property

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Occlusion(Result):
    """How the network's answer changes as a square hides one place of an image after another (Fig. 7).

    Rows and columns are those of the square's places; `targets` the classes that were asked for.
    """

    picture: UInt8[np.ndarray, "H W 3"]  # the image as the network gets it
    baseline: UInt8[np.ndarray, "H W 3"]  # what stands in hidden places
    top: Int64[np.ndarray, "rows"]  # first pixel row of the square
    left: Int64[np.ndarray, "columns"]  # first pixel column
    probabilities: Float32[np.ndarray, "targets rows columns"]
    label: Int64[np.ndarray, "rows columns"]  # the most probable class
    confidence: Float32[np.ndarray, "rows columns"]  # its probability
    activity: Float32[np.ndarray, "rows columns"]  # the chosen feature map summed over its units
    computed: Bool[np.ndarray, "rows columns"]  # the other places repeat what was found near them
    unoccluded: Float32[np.ndarray, "classes"]  # the probabilities for the whole image
    unoccluded_activity: float  # the feature map's sum for the whole image
    projected: Float32[np.ndarray, "C H W"]  # the feature map carried down to the pixels of the whole image
    others: UInt8[np.ndarray, "k h w 3"]  # its projections for other images, where `tops` were given
    others_saw: UInt8[np.ndarray, "k h w 3"]  # the patches that caused them
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

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        classes, sides = len(self.labels), self.picture.shape[:2]
        check(classes == len(self.unoccluded), "there are not as many labels as classes")
        check(within(self.label, 0, classes - 1), "there are classes without a label")
        check(within(self.targets, 0, classes - 1), "there are targets that are no classes")
        check(len(self.targets) == len(self.probabilities) > 0, "there are not as many targets as maps of probability")
        for places, size, side in zip((self.top, self.left), self.size, sides, strict=True):
            check(len(places) and (np.diff(places) > 0).all(), "places of the square are not in order")
            check(within(places, 1 - size, side - 1) & (size > 0), "there are places of the square off the picture")
        check(min(self.stride) > 0 and self.feature >= 0, "the stride is at least 1, and features are counted from 0")
        check_probabilities(self.meaning, self.probabilities, self.confidence, self.unoccluded)

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
