"""One pass over images: a forward pass a batch, the maximum of every map, and a running list of the k strongest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.data import Collection
from zfwidgets.experiments.loading import load_batches
from zfwidgets.experiments.one_pass import Span, batches_of, look_at
from zfwidgets.experiments.top_activations.result import NONE, TopActivations
from zfwidgets.models import Network
from zfwidgets.task import UNWATCHED, Task


@dataclass(frozen=True)
class Settings:
    """What is looked for, and how the images are read."""

    layers: tuple[str, ...]
    k: int
    per_image: int
    batch_size: int
    workers: int


def mine(
    net: Network,
    images: Collection,
    spans: Sequence[Span],
    settings: Settings,
    task: Task = UNWATCHED,
    tick: Callable[[int], None] = lambda count: None,
) -> Iterator[TopActivations]:
    """The strongest activations in each span of images, one result a span, in their order.

    Images are decoded in worker processes, across spans. `tick` hears how many images have been read since it was
    last called; `task` is asked between steps of the network, and `Cancelled` is raised when it has been cancelled.
    """
    batches = [numbers for span in spans for numbers in batches_of(span, settings.batch_size)]
    with closing(load_batches(net, images, batches, settings.workers)) as loaded:
        for span in spans:
            tops = [RunningTop(net.layer(name), settings.k, settings.per_image, net.device) for name in settings.layers]
            broken: list[tuple[int, str]] = []
            for _ in batches_of(span, settings.batch_size):
                batch = next(loaded)
                broken += batch.broken
                look_at(net, batch, {top.layer.name: top.add for top in tops}, task)
                tick(len(batch.numbers))
            yield _result(net, images, span, settings, tops, broken)


class RunningTop:
    """The k strongest activations of every map of one layer among the images seen so far, in their order."""

    def __init__(self, layer: FeatureLayer, k: int, per_image: int, device: torch.device) -> None:
        self.layer = layer
        self.per_image = 1 if layer.whole else min(per_image, k)
        shape = (layer.channels, k)
        self.values = np.full(shape, -np.inf, np.float32)
        self.images = np.full(shape, NONE, np.int32)
        self.units = np.full((*shape, 2), NONE, np.int16)
        # what a newcomer has to exceed
        self._floor = torch.full((layer.channels,), -torch.inf, device=device, dtype=torch.float32)

    def add(self, maps: Tensor, numbers: Tensor) -> None:
        """Look at activations (N, C, H, W) or (N, C) of later images than before.

        Few images get into the list once it is full, so only for those is it asked where the maximum was.
        """
        flat = maps.float().reshape(len(maps), maps.shape[1], prod(maps.shape[2:]))
        strongest = flat.amax(2)
        strongest = torch.where(strongest.isnan(), -torch.inf, strongest)  # which is no activation
        enters = strongest > self._floor
        if len(maps) > self.values.shape[1]:
            enters &= strongest >= strongest.topk(self.values.shape[1], 0).values[-1]
        image, feature = enters.nonzero().unbind(1)
        if len(image):
            self._enter(flat[image, feature], feature.cpu().numpy(), numbers[image.cpu()].numpy())
            self._floor.copy_(torch.from_numpy(self.values[:, -1]))  # in place: no memory that could be missing

    def _enter(self, maps: Tensor, feature: np.ndarray, image: np.ndarray) -> None:
        values, places = self._peaks(maps)
        count = values.shape[1]
        values, places = values.ravel(), places.ravel()
        feature, image = np.repeat(feature, count), np.repeat(image, count)
        real = values > -np.inf
        self._merge(values[real], places[real], feature[real], image[real])

    def _merge(self, values: np.ndarray, places: np.ndarray, feature: np.ndarray, image: np.ndarray) -> None:
        """Sort newcomers into the lists of their maps."""
        changed, row = np.unique(feature, return_inverse=True)
        k = self.values.shape[1]
        units = np.stack(np.divmod(places, self.layer.width), axis=1)
        rows = np.concatenate([np.repeat(np.arange(len(changed)), k), row])
        values = np.concatenate([self.values[changed].ravel(), values])
        images = np.concatenate([self.images[changed].ravel(), image])
        units = np.concatenate([self.units[changed].reshape(-1, 2), units])
        order = np.lexsort((units[:, 1], units[:, 0], images, -values, rows))
        starts = np.searchsorted(rows[order], np.arange(len(changed)))
        chosen = order[starts[:, None] + np.arange(k)]
        self.values[changed], self.images[changed], self.units[changed] = values[chosen], images[chosen], units[chosen]

    def _peaks(self, maps: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """The strongest units of each map (m, H·W), the first of equals, whose receptive fields do not overlap."""
        found = []
        maps = maps.view(len(maps), self.layer.height, self.layer.width).clone() if self.per_image > 1 else maps
        for turn in range(self.per_image):
            value, place = maps.flatten(1).max(1)
            found.append((value, place))
            if turn + 1 < self.per_image:
                self._hide_around(maps, place)
        values, places = (torch.stack(column, 1).cpu().numpy() for column in zip(*found, strict=True))
        return values, places

    def _hide_around(self, maps: Tensor, place: Tensor) -> None:
        rows, columns = (torch.arange(size, device=maps.device) for size in maps.shape[1:])
        row, column = place // self.layer.width, place % self.layer.width
        (tall, wide), (down, across) = self.layer.receptive_field, self.layer.stride
        near_rows = (rows - row[:, None]).abs() * down < tall
        near_columns = (columns - column[:, None]).abs() * across < wide
        maps.masked_fill_(near_rows[:, :, None] & near_columns[:, None, :], -torch.inf)


def _result(
    net: Network,
    images: Collection,
    span: Span,
    settings: Settings,
    tops: list[RunningTop],
    broken: list[tuple[int, str]],
) -> TopActivations:
    return TopActivations(
        {top.layer.name: top.values for top in tops},
        {top.layer.name: top.images for top in tops},
        {top.layer.name: top.units for top in tops},
        ranges=(span,),
        broken=tuple(broken),
        network=net.fingerprint,
        data=images.result_fingerprint,
        per_image=settings.per_image,
    )
