"""Hide one part of an image, and compare what the network says and sees (§4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.experiments.occlusion.masks import mask_of
from zfwidgets.experiments.occlusion.occluder import Colour, make_baseline, with_hidden
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Bool, Float32, UInt8, check, check_probabilities
from zfwidgets.models import Meaning, Network, require_network
from zfwidgets.task import UNWATCHED, Task

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Hiding(Result):
    """What a network makes of an image, and of the same image with a part hidden. Pairs are: whole image, hidden."""

    pictures: UInt8[np.ndarray, "2 H W 3"]  # as the network gets them
    mask: Bool[np.ndarray, "H W"]  # what is hidden
    probability: Float32[np.ndarray, "2 classes"]
    maps: Float32[np.ndarray, "2 h w"]  # the feature map
    projected: Float32[np.ndarray, "2 C H W"]  # signed, the feature map carried down to the pixels
    labels: tuple[str, ...]  # of the classes
    target: int  # number of the class that was asked for
    layer: str
    feature: int
    fill: str | Colour
    meaning: str = "shares"  # of the probabilities; "each": each by itself; "raw": they are scores (see `Meaning`)

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(len(self.labels) == self.probability.shape[1], "there are not as many labels as classes")
        check(0 <= self.target < len(self.labels), f"there is no class {self.target}")
        check(self.feature >= 0, "features are counted from 0")
        check_probabilities(self.meaning, self.probability)

    @property
    def share(self) -> float:
        """The part of the image that is hidden, 0 to 1."""
        return float(self.mask.mean())

    @property
    def sums(self) -> tuple[float, float]:
        """The feature map summed over its units."""
        whole, hidden = (float(values.sum()) for values in self.maps)
        return whole, hidden

    @property
    def answers(self) -> tuple[int, int]:
        """The numbers of the most probable classes."""
        whole, hidden = (int(values.argmax()) for values in self.probability)
        return whole, hidden

    def to_pandas(self) -> pandas.DataFrame:
        """One row a class, the most probable of the whole image first: label, whole image, hidden. Needs pandas."""
        import pandas

        order = np.argsort(-self.probability[0], kind="stable")
        columns = {"label": [self.labels[number] for number in order], "whole image": self.probability[0][order]}
        return pandas.DataFrame(columns | {"hidden": self.probability[1][order]})

    def __repr__(self) -> str:
        whole, hidden = map(Meaning(self.meaning).write, self.probability[:, self.target])
        return f"Hiding({self.share:.1%} of the image; {self.labels[self.target]} {whole} → {hidden})"


@undisturbed()
def hide(
    net: Network,
    image: Any,
    mask: Any,
    fill: str | Colour = "grey",
    target: int | str | None = None,
    layer: str | None = None,
    feature: int | None = None,
    *,
    task: Task = UNWATCHED,
) -> Hiding:
    """Hide one part of an image, and compare what the network says and sees (§4.2).

    Args:
        net: the network; it ends in one score a class.
        image: any image: a path, bytes, PIL image, array or tensor; or its `ImageFeatures` in this network.
        mask: what to hide, in pixels of the picture as the network gets it: a rectangle (top, left, bottom, right; the
            last two excluded), several of them or none, a polygon of (row, column), or a bool array (H, W).
        fill: what hides: "grey", "mean", "blur", "noise" or a colour; see `occluder.make_baseline`.
        target: number or label of a class; by default, what the network says of the whole image.
        layer: whose feature map is compared; by default the last one with maps of more than one unit.
        feature: which map of the layer; by default the one whose units, summed, are strongest on the whole image.
        task: watches and cancels it.

    Raises:
        ValueError: no such class, layer, feature or fill; a mask outside the picture; the network does not end in
            scores.
        TypeError: `net` is no network.
    """
    require_network(net)
    net.check_classes()
    before = image if isinstance(image, ImageFeatures) else ImageFeatures(net, image)
    hidden = _mask(mask, before.picture.shape[:2])
    return compare_hidden(before, hidden, make_baseline(net, before.input, fill), fill, target, layer, feature, task)


def compare_hidden(
    before: ImageFeatures, mask: np.ndarray, baseline: Tensor, fill: str | Colour, target: int | str | None,
    layer: str | None, feature: int | None, task: Task,
) -> Hiding:  # fmt: skip
    """As `hide`, for a mask (H, W) bool and what stands in hidden places, (C, H, W), as `make_baseline` gives it."""
    net = before.net
    name = net.last_spatial_layer.name if layer is None else net.layer(layer).name
    number = strongest_map(before, name) if feature is None else net.layer(name).checked(feature)
    both = (before, with_hidden(before, mask, baseline) if mask.any() else before)
    projections = [one.project(name, number, "all", task=task) for one in both]
    probability = np.stack([one.prediction.probability[0] for one in both])
    return Hiding(
        np.stack([one.picture for one in both]), mask, probability,
        np.stack([one.maps(name)[number] for one in both]), np.stack([one.pixels for one in projections]),
        net.labels, int(probability[0].argmax()) if target is None else net.class_number(target), name, number, fill,
        str(net.scores.meaning),
    )  # fmt: skip


def strongest_map(features: ImageFeatures, layer: str) -> int:
    """The feature map of a layer whose units, summed, are strongest."""
    return int(map_sums(features, layer).argmax())


def map_sums(features: ImageFeatures, layer: str) -> np.ndarray:
    """Each feature map of a layer, summed over its units, (channels,)."""
    return features.maps(layer).sum(axis=(1, 2))


def _mask(mask: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(mask)
    if not array.any() and (array.size == 0 or array.shape == shape):
        return np.zeros(shape, bool)
    return mask_of(mask, (shape[0], shape[1]), "the mask")
