"""Take feature maps out of a network, and see what falls (an intervention: more than correlation)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import within_memory
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, Int64, check, check_probabilities
from zfwidgets.models import Network, require_network


@dataclass(frozen=True, eq=False)
class KnockOut(Result):
    """What becomes of an image's activations and of the answer without some feature maps of a layer."""

    layer: str  # whose maps are out
    features: tuple[int, ...]
    fill: str  # "zero" or "mean"
    titles: tuple[str, ...]  # of the layers above
    units: dict[str, Int64[np.ndarray, "*maps 2"]]  # by layer above: the strongest unit of each map before
    before: dict[str, Float32[np.ndarray, "*maps"]]  # its activation
    after: dict[str, Float32[np.ndarray, "*maps"]]  # the same unit's without the maps that are out
    probability_before: Float32[np.ndarray, "classes"]  # or scores, where the network gives no probabilities
    probability_after: Float32[np.ndarray, "classes"]
    labels: tuple[str, ...]
    meaning: str  # of the probabilities: "shares", "each" or "raw"

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(self.units.keys() == self.before.keys() == self.after.keys(), "the fields have not the same layers")
        check(len(self.titles) == len(self.units), "there is not one title a layer")
        check(self.fill in ("zero", "mean"), f"there is no filling {self.fill!r}")
        check(len(self.labels) == len(self.probability_before), "there is not one label a class")
        check_probabilities(self.meaning, self.probability_before, self.probability_after)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers above that were looked at."""
        return tuple(self.before)

    def fall(self, layer: str) -> np.ndarray:
        """By what part of its activation each map of a layer above falls, (maps,): 1 is all; below 0, it rises; NaN
        where it was silent. Raises ValueError for a layer, by name or title, that was not looked at."""
        name = dict(zip(self.titles, self.layers, strict=True)).get(layer, layer)
        if name not in self.before:
            raise ValueError(f"{layer!r} was not looked at; these were: {', '.join(self.layers)}")
        before, after = self.before[name].astype(np.float64), self.after[name].astype(np.float64)
        return np.divide(before - after, before, out=np.full(before.shape, np.nan), where=before > 0)

    def top(self, k: int = 5) -> list[tuple[str, float, float]]:
        """The k classes that were most probable, with their probabilities before and after."""
        order = np.argsort(-self.probability_before, kind="stable")[:k]
        return [(self.labels[n], float(self.probability_before[n]), float(self.probability_after[n])) for n in order]

    def __repr__(self) -> str:
        said = "; ".join(f"{label} {before:.3g} → {after:.3g}" for label, before, after in self.top(3))
        return f"KnockOut({self.layer} without {', '.join(map(str, self.features))}: {said})"


@within_memory()
@undisturbed()
def knock_out(
    net: Network,
    image: Any,
    layer: str,
    features: int | Sequence[int],
    *,
    fill: str = "zero",
    layers: str | Sequence[str] | None = None,
) -> KnockOut:
    """Set feature maps of a layer to zero, go on upward, and see what falls: the maps above, and the answer.

    Only what lies above is computed again: from the last step below the layer through which everything passes. The
    whole network without these maps, to project in, say, is `net.without(layer, features)`.

    Args:
        net: the network.
        image: any image: a path, bytes, PIL image, array or tensor; or its `ImageFeatures` in this network.
        layer: a name or title from `net.layers`.
        features: one map or several.
        fill: "zero"; or "mean", for each map its own mean over the image.
        layers: those above to look at; by default the main layers.

    Raises:
        ValueError: there is no such layer, map or filling; a layer to look at does not depend on it.
        TypeError: `net` is no network.
    """
    require_network(net)
    known = image if isinstance(image, ImageFeatures) else ImageFeatures(net, image)
    found, changed, out = net.layer(layer), net.without(layer, features, fill), net.program.output
    wanted = _above(net, found.name, layers)
    targets = list(dict.fromkeys([*(net.step(name) for name in wanted), out]))
    before, after = both_ways(net, changed, net.step(layer), targets, known.input[None])
    units, strongest, left = {}, {}, {}
    for name in wanted:
        maps, now = (_maps(values[net.step(name)]) for values in (before, after))
        place = maps.flatten(1).argmax(1)
        units[name] = np.stack(np.unravel_index(place.cpu().numpy(), maps.shape[1:]), 1).astype(np.int64)
        strongest[name], left[name] = (
            each.flatten(1).gather(1, place[:, None])[:, 0].float().cpu().numpy() for each in (maps, now)
        )
    nothing = np.zeros(0, np.float32)
    said, now_said = (net.probabilities(each[out])[0] if net.classifies else nothing for each in (before, after))
    titles = tuple(net.layer(name).title for name in wanted)
    return KnockOut(
        found.name, tuple(np.unique(features).tolist()), fill, titles, units, strongest, left, said, now_said,
        net.labels if net.classifies else (), str(net.scores.meaning),
    )  # fmt: skip


def both_ways(
    net: Network, changed: Network, step: Step, targets: Sequence[Step], x: Tensor
) -> tuple[dict[Step, Tensor], dict[Step, Tensor]]:
    """What inputs (N, C, H, W) make of the steps `targets` of a network, as it is and changed at a step below them."""
    gate = below(net, step, targets)
    values = forward(net.program, x, [gate, *targets]).activations
    return values, without(changed, gate, targets, values[gate])


def below(net: Network, step: Step, targets: Sequence[Step]) -> Step:
    """The last step below this one through which everything passes that reaches `targets`."""
    reached = [source for source in step.inputs if source in net.program.needed_for(targets)]
    first = min(reached, key=net.program.steps.index)
    return net.program.gate(first, [*targets, step])


def without(changed: Network, gate: Step, targets: Sequence[Step], values: Tensor) -> dict[Step, Tensor]:
    """What the changed network makes of steps, whose names stay, from the values of one below the change."""
    named = changed.program.by_name
    part = changed.program.above(named[gate.name], [named[step.name] for step in targets])
    found = forward(part, values, [part.by_name[step.name] for step in targets]).activations
    return {step: found[part.by_name[step.name]] for step in targets}


def _above(net: Network, layer: str, layers: str | Sequence[str] | None) -> tuple[str, ...]:
    """The layers to look at, which depend on this one."""
    step = net.step(layer)
    depending = [
        each.name for each in net.layers if each.name != layer and step in net.program.needed_for([net.step(each.name)])
    ]
    if layers is None:
        return tuple(each.name for each in net.main_layers if each.name in depending)
    chosen = net.layer_names(layers, net.main_layers)
    if strange := [name for name in chosen if name not in depending]:
        raise ValueError(f"{strange[0]!r} does not depend on {layer!r}: name layers above it")
    return chosen


def _maps(values: Tensor) -> Tensor:
    """One image's values as maps, (C, H, W)."""
    return values[0].reshape(*(*values.shape[1:], 1, 1)[:3])
