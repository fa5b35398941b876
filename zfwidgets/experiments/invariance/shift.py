"""One image, transformed by one value: how far its feature vectors are from where they were (§4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import within_memory
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.experiments.invariance.sweep import compared, vectors
from zfwidgets.experiments.invariance.transforms import Transformation
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.task import UNWATCHED, Task


@dataclass(frozen=True, eq=False)
class FeatureShift:
    """What one value of a transformation does to one image: a point on each of the curves of `zf.invariance`."""

    value: float  # of the transformation's parameter
    distances: dict[str, float]  # by layer, Euclidean
    cosines: dict[str, float]  # by layer, similarity: 1 is the same direction
    norms: dict[str, float]  # by layer, of the feature vector of the image as it is
    probability: np.ndarray  # (classes,) float32

    def height(self, layer: str, measure: str, largest: float) -> float:
        """What the curve of a layer has at this value; `largest` is the curve's largest distance."""
        if measure == "cosine":
            return 1 - self.cosines[layer]
        unit = {"distance": 1.0, "relative": self.norms[layer], "share": largest}[measure]
        return self.distances[layer] / (unit if unit > 0 else 1.0)


@undisturbed()
@within_memory()
def feature_shift(
    features: ImageFeatures,
    transformation: Transformation,
    value: float,
    border: str,
    layers: Sequence[str],
    task: Task = UNWATCHED,
) -> FeatureShift:
    """Transform an image by one value, and pass it through its network once. `task` is asked on the way."""
    net, steps = features.net, {layer: features.net.step(layer) for layer in layers}
    base = {layer: _as_it_is(features, layer) for layer in layers}
    norms = {layer: float(vector.norm()) for layer, vector in base.items()}
    x = transformation.apply(features, value, border)
    if x is features.input:
        nowhere, same = dict.fromkeys(layers, 0.0), {layer: float(norm > 0) for layer, norm in norms.items()}
        return FeatureShift(value, nowhere, same, norms, features.prediction.probability[0])
    found = forward(net.program, x[None], [*steps.values(), net.program.output], task=task).activations
    both = {layer: compared(vectors(step, found[step]), base[layer]) for layer, step in steps.items()}
    return FeatureShift(
        value,
        {layer: float(distance[0]) for layer, (distance, _) in both.items()},
        {layer: float(cosine[0]) for layer, (_, cosine) in both.items()},
        norms,
        net.probabilities(found[net.program.output])[0],
    )


def _as_it_is(features: ImageFeatures, layer: str) -> Tensor:
    """The feature vector of an image that is not transformed, (1, length)."""
    step = features.net.step(layer)
    maps = torch.from_numpy(features.maps(layer)).to(features.input)
    return vectors(step, maps.reshape(1, *step.shape))
