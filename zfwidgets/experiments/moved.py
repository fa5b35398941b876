"""One image, transformed by one value: how far its feature vectors are from where they were (§4.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zfwidgets.backend.forward import forward, never
from zfwidgets.experiments.features import ImageFeatures
from zfwidgets.experiments.transforms import Transformation


@dataclass(frozen=True, eq=False)
class Moved:
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


def moved(
    features: ImageFeatures,
    transformation: Transformation,
    value: float,
    border: str,
    layers: Sequence[str],
    stale: Callable[[], bool] = never,
) -> Moved:
    """Transform an image by one value, and pass it through its network once. `stale` is asked on the way."""
    net = features.net
    before = {layer: features.maps(layer).ravel().astype(np.float64) for layer in layers}
    norms = {layer: float(np.linalg.norm(vector)) for layer, vector in before.items()}
    x = transformation.apply(features, value, border)
    if x is features.input:
        nowhere, same = dict.fromkeys(layers, 0.0), {layer: float(norm > 0) for layer, norm in norms.items()}
        return Moved(value, nowhere, same, norms, features.prediction.probability[0])
    steps = {layer: net.step(layer) for layer in layers}
    found = forward(net.program, x[None], [*steps.values(), net.program.output], stale=stale).activations
    after = {layer: found[step][0].cpu().numpy().ravel().astype(np.float64) for layer, step in steps.items()}
    return Moved(
        value,
        {layer: float(np.linalg.norm(after[layer] - before[layer])) for layer in layers},
        {layer: _cosine(before[layer], after[layer]) for layer in layers},
        norms,
        net.probabilities(found[net.program.output])[0],
    )


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.clip(first @ second / length, -1, 1)) if length > 0 else 0.0
