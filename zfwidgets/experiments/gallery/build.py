"""What the strongest activations of some feature maps saw, and their projections down to pixels (Fig. 2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.op import RULES, Rule
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.units import Units, cut
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import Collection, corpus
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.gallery.result import GREY, Gallery
from zfwidgets.experiments.top_activations import NONE, TopActivations
from zfwidgets.models import Network, require_network
from zfwidgets.renamed import with_task
from zfwidgets.task import UNWATCHED, Task

if TYPE_CHECKING:
    pass

AT_ONCE = 2**21  # numbers in the projections that are computed together: memory of that size is used again


@with_task
@undisturbed()
def gallery(
    net: Network,
    images: Any,
    tops: TopActivations,
    layer: str,
    features: int | Sequence[int] = 16,
    *,
    rule: str = "deconvnet",
    seed: int = 0,
    task: Task = UNWATCHED,
) -> Gallery:
    """Cut out and project the strongest activations of some feature maps of a layer (Fig. 2).

    Args:
        net: the network.
        images: the data set in which `tops` were found; None: the embedded corpus.
        tops: what `top_activations` found.
        layer: one of `tops.layers`, or its title.
        features: which maps; or a number, for so many live ones chosen at random.
        rule: "deconvnet" (the paper's), "gradient" or "guided".
        seed: of the random choice.
        task: watches and cancels it: is asked between steps of the network, and told how far it is.

    Raises:
        ValueError: `tops` belong to another network or data set, or do not have that layer or feature.
        TypeError: `net` is no network.
    """
    require_network(net)
    collection = corpus() if images is None else as_collection(images)
    tops.check(net, collection)
    layer = net.layer(layer).name
    chosen = _chosen(tops, layer, features, seed)
    return build_gallery(net, Sources(net, collection), tops, layer, chosen, rule, task)


class Sources:
    """Images of a data set as the network gets them. The last ones are remembered."""

    def __init__(self, net: Network, images: Collection, remembered: int = 128) -> None:
        self.net, self.images = net, images
        self._read = lru_cache(maxsize=remembered)(self._prepared)

    def read(self, numbers: Iterable[int]) -> list[tuple[np.ndarray, Tensor]]:
        """Pictures (H, W, 3) uint8 and inputs (C, H, W), decoded several at once."""
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self._read, numbers))

    def _prepared(self, number: int) -> tuple[np.ndarray, Tensor]:
        return self.net.reader.read_from(self.images, number)


def build_gallery(
    net: Network,
    sources: Sources,
    tops: TopActivations,
    layer: str,
    features: Sequence[int] | np.ndarray,
    rule: str = "deconvnet",
    task: Task = UNWATCHED,
) -> Gallery:
    """The gallery of these features; `tops` are known to belong to these sources."""
    if rule not in RULES:
        raise ValueError(f"the rules are {', '.join(map(repr, RULES))}; {rule!r} was given")
    rows = np.asarray(features, np.int64)
    images, units = tops.images[layer][rows], tops.units[layer][rows]
    projections = np.zeros((*images.shape, net.program.input.shape[0], *_window(net, layer)), np.float32)
    there = np.argwhere(images != NONE)
    there = there[_order(images[*there.T], units[*there.T], net.layer(layer).whole)]
    chunk = min(max(8, AT_ONCE // prod(projections.shape[2:])), 256)
    for start in range(0, len(there), chunk):
        row, place = there[start : start + chunk].T
        numbers = images[row, place], rows[row], units[row, place, 0], units[row, place, 1]
        some = Units(*(torch.from_numpy(column.astype(np.int64)) for column in numbers))
        found = _projected(net, sources, layer, some, RULES[rule], task)
        for index, tile in zip(zip(row, place, strict=True), found, strict=True):
            projections[index] = tile
    seen = patches(net, sources, tops, layer, features)
    return Gallery(seen, projections, tops.values[layer][rows], images, units, rows, layer, rule)


def _order(images: np.ndarray, units: np.ndarray, whole: bool) -> np.ndarray:
    """Units of one place go together, as they hang over the same edges; or those of one image, where they see all."""
    return np.lexsort((units[:, 1], units[:, 0], images) if whole else (images, units[:, 1], units[:, 0]))


def patches(
    net: Network, sources: Sources, tops: TopActivations, layer: str, features: Sequence[int] | np.ndarray
) -> np.ndarray:
    """What the units saw, (n, k, h, w, 3) uint8; the network is not asked for that."""
    images, units = tops.images[layer][features], tops.units[layer][features]
    height, width = _window(net, layer)
    found = np.full((*images.shape, height, width, 3), GREY, np.uint8)
    numbers = np.unique(images[images != NONE]).tolist()
    pictures = {number: picture for number, (picture, _) in zip(numbers, sources.read(numbers), strict=True)}
    for place in map(tuple, np.argwhere(images != NONE)):
        picture = torch.from_numpy(pictures[int(images[place])]).permute(2, 0, 1)
        top, left = _corner(net, net.step(layer), *units[place].tolist())
        found[place] = cut(picture, top, left, height, width, GREY).permute(1, 2, 0)
    return found


def _projected(
    net: Network, sources: Sources, layer: str, units: Units, rule: Rule, task: Task
) -> Iterator[np.ndarray]:
    """Projections (C, h, w), one after the other, of some units; their `image` is a number in the data set."""
    numbers, which = units.image.unique(return_inverse=True)
    inputs = [x.to(net.device, net.dtype) for _, x in sources.read(numbers.tolist())]
    step, (height, width) = net.step(layer), _window(net, layer)
    found = project_units(net.program, inputs, step, replace(units, image=which), rule, task=task)
    pixels, places = found.pixels.float().cpu(), zip(units.row.tolist(), units.column.tolist(), strict=True)
    for index, (row, column) in enumerate(places):
        top, left = _corner(net, step, row, column)
        yield cut(pixels[index], top - int(found.top[index]), left - int(found.left[index]), height, width).numpy()


def _window(net: Network, layer: str) -> tuple[int, int]:
    """Rows and columns of the tiles: the receptive field, or the whole image where that is smaller."""
    (tall, wide), (_, height, width) = net.layer(layer).receptive_field, net.program.input.shape
    return min(tall, height), min(wide, width)


def _corner(net: Network, step: Step, row: int, column: int) -> tuple[int, int]:
    """The upper left pixel of a unit's tile, possibly beyond the edge of the image."""
    sizes = net.program.input.shape[1:]
    top, left = (
        0 if field.whole or field.size >= size else field.first + field.stride * position
        for field, size, position in zip(step.fields, sizes, (row, column), strict=True)
    )
    return top, left


def _chosen(tops: TopActivations, layer: str, features: int | Sequence[int], seed: int) -> np.ndarray:
    if layer not in tops.layers:
        raise ValueError(f"layer {layer!r} was not looked at; these were: {', '.join(tops.layers)}")
    maps = len(tops.values[layer])
    if isinstance(features, int):
        live = np.flatnonzero(~tops.dead(layer))
        return np.sort(np.random.default_rng(seed).permutation(live)[:features])
    chosen = np.asarray(features, np.int64)
    if chosen.ndim != 1 or not len(chosen) or chosen.min() < 0 or chosen.max() >= maps:
        raise ValueError(f"features of {layer!r} are numbers from 0 to {maps - 1}; {features!r} was given")
    return chosen
