"""Which feature maps of which layers a recorder watches, and what tells one training from another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from torch import Tensor

from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.experiments.evolution.result import Outline
from zfwidgets.models import Network

LAYERS = 5  # that are watched by default

Wanted = int | Sequence[int] | Mapping[str, Sequence[int]]


def outline_of(
    net: Network, inputs: Sequence[Tensor], layers: str | Sequence[str] | None, features: Wanted,
    epochs: tuple[int, ...], seed: int,
) -> Outline:  # fmt: skip
    """What an evolution of a network in these inputs (C, H, W) is of. Raises ValueError where there is no such layer or
    map."""
    given = tuple(features) if layers is None and isinstance(features, Mapping) else layers
    chosen = chosen_layers(net, given)
    content = sha256()
    for x in inputs:
        content.update(np.ascontiguousarray(x.numpy()).tobytes())
    _, height, width = net.program.input.shape
    steps = [(step.name, type(step.op).__name__, step.shape) for step in net.program.steps]
    return Outline(
        network=f"{net.name} {sha256(repr(steps).encode()).hexdigest()[:16]}",
        images=f"{len(inputs)} images {content.hexdigest()[:16]}",
        layers=tuple(layer.name for layer in chosen),
        titles=tuple(layer.title for layer in chosen),
        features={layer.name: chosen_maps(layer, features, (seed, place)) for place, layer in enumerate(chosen)},
        epochs=epochs,
        size=(height, width),
        maps=tuple((layer.channels, layer.height, layer.width) for layer in chosen),
        fields=tuple(field_of(layer, (height, width)) for layer in chosen),
    )


def field_of(layer: FeatureLayer, size: tuple[int, int]) -> tuple[int, int]:
    """What a unit sees at most of a picture, rows and columns."""
    rows, columns = layer.receptive_field
    return size if layer.whole else (min(rows, size[0]), min(columns, size[1]))


def chosen_layers(net: Network, wanted: str | Sequence[str] | None) -> list[FeatureLayer]:
    """Layers by their names; by default up to five that have maps, after their rectifier, spread over the network."""
    if wanted is not None:
        return [net.layer(name) for name in net.layer_names(wanted, ())]
    maps = [layer for layer in net.feature_layers if layer.units > 1]
    found = [layer for layer in maps if layer.kind == "rectifier"] or maps or list(net.feature_layers)
    places = np.unique(np.linspace(0, len(found) - 1, min(LAYERS, len(found))).round().astype(int))
    return [found[place] for place in places]


def chosen_maps(layer: FeatureLayer, wanted: Wanted, seed: tuple[int, int]) -> tuple[int, ...]:
    """Numbers of maps: those that are wanted, or so many chosen at random."""
    numbers: Any = wanted
    if isinstance(wanted, Mapping):
        numbers = wanted.get(layer.name, wanted.get(layer.title))
        if numbers is None or not np.size(numbers):
            raise ValueError(f"features gives no map of {layer.name!r}, which is recorded: give some, or other layers")
    if not isinstance(numbers, int | np.integer):
        return tuple(layer.checked(number) for number in numbers)
    if numbers < 1:
        raise ValueError(f"features is how many maps of each layer, or their numbers; this is {numbers}")
    count = min(int(numbers), layer.channels)
    return tuple(sorted(np.random.default_rng(seed).choice(layer.channels, count, replace=False).tolist()))
