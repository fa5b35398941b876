"""Keep of several activations from the same place only the strongest: many images of a corpus show the same things."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zfwidgets.data import Corpus
from zfwidgets.experiments.top_activations.result import NONE, TopActivations
from zfwidgets.models import Network

SPARE = 12  # so many times more activations than wanted are looked at, to be left with enough


def deduplicate(tops: TopActivations, net: Network, corpus: Corpus, k: int) -> TopActivations:
    """The k strongest activations of every map from different places.

    Two are from the same place when the middle of what one unit sees lies in what the other sees.
    """
    values, images, units = {}, {}, {}
    for layer in tops.layers:
        chosen = _distinct(*_places(tops, net, corpus, layer), k)
        empty = chosen == NONE
        values[layer] = np.where(empty, -np.inf, np.take_along_axis(tops.values[layer], chosen, 1)).astype(np.float32)
        images[layer] = np.where(empty, NONE, np.take_along_axis(tops.images[layer], chosen, 1)).astype(np.int32)
        taken = np.take_along_axis(tops.units[layer], chosen[..., None], 1)
        units[layer] = np.where(empty[..., None], NONE, taken).astype(np.int16)
    return replace(tops, values=values, images=images, units=units)


def _places(tops: TopActivations, net: Network, corpus: Corpus, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """What each unit sees: the number of the source, (C, K), and the box on it, (C, K, 4); source -1 for no unit."""
    images, units = tops.images[layer], tops.units[layer].astype(float)
    boxes = np.empty((*images.shape, 4))
    for axis, (field, size) in enumerate(zip(net.step(layer).fields, net.program.input.shape[1:], strict=True)):
        first, length = (0, size) if field.whole else (field.first + field.stride * units[..., axis], field.size)
        boxes[..., axis] = np.clip(first, 0, size) / size
        boxes[..., axis + 2] = np.clip(first + length, 0, size) / size
    sources, places = corpus.boxes(images.ravel(), boxes.reshape(-1, 4))
    return np.where(images == NONE, NONE, sources.reshape(images.shape)), places.reshape(boxes.shape)


def _distinct(sources: np.ndarray, boxes: np.ndarray, k: int) -> np.ndarray:
    """Of every map's list, falling in strength, the first k from different places: their positions, (C, k)."""
    maps, length = sources.shape
    chosen = np.full((maps, k), NONE)
    count = np.zeros(maps, int)
    every = np.arange(maps)
    for rank in range(length):
        kept_boxes = boxes[every[:, None], chosen]
        same_source = (sources[every[:, None], chosen] == sources[:, [rank]]) & (chosen != NONE)
        here = boxes[:, [rank]]
        repeated = (same_source & (_holds(here, kept_boxes) | _holds(kept_boxes, here))).any(1)
        new = np.flatnonzero(~repeated & (count < k) & (sources[:, rank] != NONE))
        chosen[new, count[new]] = rank
        count[new] += 1
    return chosen


def _holds(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether the middle of each other box lies in the box; boxes are (…, 4): top, left, bottom, right."""
    middle = (others[..., :2] + others[..., 2:]) / 2
    return ((boxes[..., :2] <= middle) & (middle <= boxes[..., 2:])).all(-1)
