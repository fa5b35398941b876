"""The layers to look at first: those that a diagram of the network would show."""

from __future__ import annotations

from collections.abc import Sequence

from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.models.scores import output_count

CLASS_BY_CLASS = ("rectifier", "pool", "reshape")  # kinds of operations that leave every map by itself


def main_layers(program: Program) -> tuple[FeatureLayer, ...]:
    """The layers through which everything passes, after their rectifier; all layers where there are none."""
    readers: dict[Step, list[Step]] = {}
    for step in program.steps:
        for source in step.inputs:
            readers.setdefault(source, []).append(step)

    def rectified_next(layer: FeatureLayer) -> bool:
        following = readers.get(program.by_name[layer.name], [])
        return len(following) == 1 and getattr(following[0].op, "kind", "") in ("rectifier", "normalisation")

    shown = [
        x for x in program.layers
        if x.dominates_output and x.kind not in ("reshape", "affine") and not rectified_next(x)
    ]  # fmt: skip
    return tuple(shown) or program.layers


def feature_layers(program: Program) -> tuple[FeatureLayer, ...]:
    """The main layers whose features are not the classes themselves; the last layer where there are none."""
    shown = tuple(layer for layer in main_layers(program) if layer.channels != output_count(program))
    return shown or program.layers[-1:]


def block_layers(layers: Sequence[FeatureLayer]) -> tuple[FeatureLayer, ...]:
    """Some layers less pools, each of whose maps is made of one map, and less bottlenecks, which have less than half as
    many maps as the layers on both sides: one a block, in most networks."""
    shown = [layer for layer in layers if layer.kind != "pool"]
    counts = [layer.channels for layer in shown]
    between = zip([0, *counts], counts, [*counts[1:], 0], strict=False)
    return tuple(layer for layer, (low, own, high) in zip(shown, between, strict=True) if 2 * own >= min(low, high))


def class_layers(program: Program) -> frozenset[str]:
    """The names of the layers whose maps are the classes, one each: nothing mixes them on the way to the output."""
    count, names, step = output_count(program), set(), program.output
    while count and step.op is not None and step.shape and step.shape[0] == count:
        names.add(step.name)
        if step.op.kind not in CLASS_BY_CLASS or len(step.inputs) != 1:
            break
        step = step.inputs[0]
    return frozenset(names)


def last_spatial(layers: Sequence[FeatureLayer]) -> FeatureLayer:
    """The last of some layers with maps of more than one unit; else the last."""
    return ([layer for layer in layers if layer.units > 1] or list(layers))[-1]
