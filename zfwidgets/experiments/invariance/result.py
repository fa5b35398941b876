"""How far do feature vectors move when the image is moved, scaled, turned, …? (§4.1, Fig. 5)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, Float64, Int64, UInt8, check, check_probabilities, within
from zfwidgets.models import Meaning

if TYPE_CHECKING:
    import pandas

MEASURES = {  # what each is called on an axis
    "distance": "distance",
    "relative": "distance / length",
    "share": "share of the largest distance",
    "cosine": "1 − cosine",
}


@dataclass(frozen=True, eq=False)
class Invariance(Result):
    """Feature vectors of transformed images, compared with those of the images as they are (Fig. 5).

    What belongs to a transformation is found under its name, what belongs to a layer as well under "name/layer".
    """

    pictures: UInt8[np.ndarray, "images H W 3"]  # as the network gets them
    examples: dict[str, UInt8[np.ndarray, "4 H W 3"]]  # the first image at the first, the last and two values between
    values: dict[str, Float64[np.ndarray, "*v"]]  # of the parameter, rising
    distances: dict[str, Float32[np.ndarray, "images *v"]]  # by "name/layer": Euclidean
    cosines: dict[str, Float32[np.ndarray, "images *v"]]  # by "name/layer": 1 is the same direction
    norms: dict[str, Float32[np.ndarray, "images"]]  # by layer, of the feature vectors of the images as they are
    probability: dict[str, Float32[np.ndarray, "images *v"]]  # of the true class
    label: dict[str, Int64[np.ndarray, "images *v"]]  # the most probable class
    truth: Int64[np.ndarray, "images"]  # the true classes
    names: tuple[str, ...]  # of the images
    labels: tuple[str, ...]  # of the classes
    layers: tuple[str, ...]
    transforms: tuple[str, ...]
    units: tuple[str, ...]  # of the parameters
    border: str  # what is beyond the image: "edge", "grey" or "reflection"
    network: str  # its name
    meaning: str = "shares"  # of the probabilities; "each": each by itself; "raw": they are scores (see `Meaning`)

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        both = {f"{name}/{layer}" for name in self.transforms for layer in self.layers}
        for by_transform in (self.examples, self.values, self.probability, self.label):
            check(by_transform.keys() == set(self.transforms), "something is missing for a transformation")
        check(self.distances.keys() == both == self.cosines.keys(), "something is missing for a layer")
        check(self.norms.keys() == set(self.layers), "something is missing for a layer")
        check(len(self.names) == len(self.truth) > 0, "there are not as many names as images")
        check(len(self.units) == len(self.transforms), "there are not as many units as transformations")
        for name in self.transforms:
            values = self.values[name]
            check(np.isfinite(values).all() and (np.diff(values) > 0).all(), f"the values of {name} do not rise")
            check(within(self.label[name], 0, len(self.labels) - 1), "there are classes without a label")
            for layer in self.layers:
                shape = (len(self.names), len(values))
                both_fit = self.distances[f"{name}/{layer}"].shape == shape == self.cosines[f"{name}/{layer}"].shape
                check(both_fit, f"the curves of {name} are not as long as its values")
                check(within(self.cosines[f"{name}/{layer}"], -1.001, 1.001), f"cosines of {name} are beyond -1 to 1")
                check(within(self.distances[f"{name}/{layer}"], 0, np.inf), f"distances of {name} are below 0")
        check(within(self.truth, 0, len(self.labels) - 1), "there are classes without a label")
        check_probabilities(self.meaning, *self.probability.values())

    def curve(self, transform: str, layer: str, measure: str = "distance") -> np.ndarray:
        """One line an image, (images, v).

        `measure` is "distance" (Euclidean, the paper's), "relative" (divided by the length of the image's own feature
        vector), "share" (divided by the largest of the curve: how soon, not how far) or "cosine" (1 minus the cosine
        of the angle between them).

        Raises:
            ValueError: no such transformation, layer or measure.
        """
        self._check(transform, layer, measure)
        if measure == "cosine":
            return 1 - self.cosines[f"{transform}/{layer}"]
        distances = self.distances[f"{transform}/{layer}"]
        if measure == "distance":
            return distances
        unit = self.norms[layer][:, None] if measure == "relative" else distances.max(1, keepdims=True)
        return distances / np.where(unit > 0, unit, 1)

    def area(self, transform: str, layer: str, measure: str = "share") -> np.ndarray:
        """The mean height of the curves over the parameter's range, (images,): one number that layers and networks
        can be compared by. Of the share, 1 means that the smallest change already makes all the difference; 0.5, for
        a parameter with the identity in the middle or at one end, that the distance grows in proportion."""
        curves, values = self.curve(transform, layer, measure), self.values[transform]
        if len(values) < 2:
            return curves[:, 0]
        return np.trapezoid(curves, values, axis=1) / (values[-1] - values[0])

    def summary(self, measure: str = "share") -> pandas.DataFrame:
        """One row a transformation and layer: the mean area under the curves, and its spread over the images (standard
        deviation). Needs pandas."""
        import pandas

        rows = []
        for transform in self.transforms:
            for layer in self.layers:
                areas = self.area(transform, layer, measure)
                spread = float(areas.std(ddof=1)) if len(areas) > 1 else float("nan")
                rows.append(
                    {"transformation": transform, "layer": layer, "area": float(areas.mean()), "spread": spread}
                )
        return pandas.DataFrame(rows)

    def to_pandas(self) -> pandas.DataFrame:
        """One row an image, transformation and value: probability (or score), label, and a distance for each layer.
        Needs pandas."""
        import pandas

        rows = []
        for transform in self.transforms:
            for index, name in enumerate(self.names):
                for place, value in enumerate(self.values[transform]):
                    row = {"image": name, "transformation": transform, "value": float(value)}
                    row |= {"true label": self.labels[self.truth[index]]}
                    row |= {Meaning(self.meaning).quantity: float(self.probability[transform][index, place])}
                    row |= {"label": self.labels[self.label[transform][index, place]]}
                    row |= {f"distance {x}": float(self.curve(transform, x)[index, place]) for x in self.layers}
                    rows.append(row)
        return pandas.DataFrame(rows)

    def _check(self, transform: str, layer: str, measure: str) -> None:
        for what, given, known in (
            ("transformations", transform, self.transforms), ("layers", layer, self.layers),
            ("measures", measure, tuple(MEASURES)),
        ):  # fmt: skip
            if given not in known:
                raise ValueError(f"the {what} here are {', '.join(map(repr, known))}; {given!r} was asked for")

    def __repr__(self) -> str:
        what = f"{len(self.names)} images × {', '.join(self.transforms)}"
        return f"Invariance({self.network}: {what}; {len(self.layers)} layers)"
