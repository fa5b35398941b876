"""How far a layer has moved since the snapshot before: its weights, and what its maps say of the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32

SAMPLES = 4096  # activations of a map that are compared: of places and images chosen once


@dataclass(frozen=True, eq=False)
class State(Result):
    """What a later snapshot is compared with."""

    epoch: int
    weights: dict[str, Float32[np.ndarray, "*weights"]]  # those of each layer
    samples: dict[str, Float32[np.ndarray, "*maps *places"]]  # activations of all maps of each layer

    def weight_change(self, since: State | None) -> dict[str, np.ndarray]:
        """‖W − W′‖ / ‖W′‖ of each layer, (1,), W′ the weights before; NaN where none are known, or all are 0."""
        return {
            layer: np.array([np.nan if since is None else _ratio(now, since.weights[layer])], np.float32)
            for layer, now in self.weights.items()
        }

    def activation_change(self, since: State | None) -> dict[str, np.ndarray]:
        """One minus the correlation of each map's activations with those before, (maps,); NaN where none are known, or
        all of a map's are the same."""
        return {
            layer: np.full(len(now), np.nan, np.float32)
            if since is None
            else 1 - correlation(now, since.samples[layer])
            for layer, now in self.samples.items()
        }


def weights_by_layer(program: Program, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """The weights of filters and fully connected layers, (n,) float32, by the layer that they lead to: those below it,
    and above the layer before."""
    found: dict[str, np.ndarray] = {}
    seen: set[Step] = set()
    for layer in layers:
        steps = [step for step in program.needed_for([program.by_name[layer]]) if step not in seen]
        seen.update(steps)
        weights = [getattr(step.op, "weight", None) for step in steps]
        filters = [weight for weight in weights if isinstance(weight, Tensor) and weight.ndim > 1]
        flat = [weight.detach().to("cpu", torch.float32).flatten().numpy() for weight in filters]
        found[layer] = np.concatenate([*flat, np.zeros(0, np.float32)])
    return found


def _ratio(now: np.ndarray, then: np.ndarray) -> float:
    whole = np.linalg.norm(then.astype(np.float64))
    return float(np.linalg.norm(now.astype(np.float64) - then) / whole) if whole else np.nan


def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each row of two arrays (rows, n), (rows,) float32; NaN where a row is constant."""
    one, other = (array.astype(np.float64) for array in (one, other))
    one, other = one - one.mean(1, keepdims=True), other - other.mean(1, keepdims=True)
    spread = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(spread > 0, (one * other).sum(1) / spread, np.nan)
    return np.clip(found, -1, 1).astype(np.float32)


def sample_places(units: int, images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which image and which unit of a map to compare, each (n,): all, or so many chosen at random, in order."""
    count = units * images
    rng = np.random.default_rng(seed)
    flat = np.arange(count) if count <= SAMPLES else np.sort(rng.choice(count, SAMPLES, replace=False))
    image, unit = np.divmod(flat, units)
    return image, unit
