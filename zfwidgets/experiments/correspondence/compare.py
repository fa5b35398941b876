"""Hide the same part in several images, and compare how their features change (§4.4, Table 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import in_parts, parts_of
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.correspondence.result import Correspondence
from zfwidgets.experiments.occlusion import Colour, baseline_picture, make_baseline, part_masks, random_placement
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network, require_network
from zfwidgets.renamed import with_task
from zfwidgets.task import UNWATCHED, Task

MIN_BATCH = 8  # images that go through the network at once
ROUNDING = 1e-5  # differences below this part of a layer's largest feature are rounding, and count as none


@with_task
@undisturbed()
def correspondence(
    net: Network,
    images: Any,
    parts: Mapping[str, Sequence[Any]],
    layers: str | Sequence[str] | None = None,
    *,
    fill: str | Colour = "grey",
    draws: int = 99,
    seed: int = 0,
    task: Task = UNWATCHED,
) -> Correspondence:
    """Hide the same part in several images, and see whether their features change in the same way (§4.4).

    With x and x̃ the features of an image at a layer, without and with the mask, ε = x - x̃. Δ is the share of features
    in which the signs of ε differ between two images, averaged over all pairs: 0 if the part matters to all alike.
    A sign is -1, 0 or 1: features that do not change in either image agree, and where only one changes they differ.
    Differences below 1e-5 of the layer's largest feature are rounding, and count as none. The paper divides by nothing
    that it states; we divide by the number of pairs and of features.

    Args:
        net: the network.
        images: two or more, whatever `zfwidgets.images` takes.
        parts: for each part, by its name, one mark an image: a rectangle (top, left, bottom, right), a polygon of (row,
            column), or a bool array (H, W), in pixels of the picture as the network gets it (`net.prepare(image)[0]`);
            or None: then the part is compared between the other images, of which there are two or more.
        layers: names or titles from `net.layers`; by default the last with maps, and the output (the paper: 5 and 7).
        fill: what hides; see `occluder.make_baseline`.
        draws: how often each part's masks are put to random places, for comparison.
        seed: of the random places.
        task: watches and cancels it: is asked between steps of the network, and told how far it is.

    Raises:
        ValueError: fewer than two images; a part that is marked in fewer; a mark outside the picture; no such layer.
        TypeError: `net` is no network.
    """
    require_network(net)
    collection = as_collection(images)
    if len(collection) < 2:
        raise ValueError(f"correspondence is between images: two or more are needed, {len(collection)} was given")
    if draws < 1:
        raise ValueError(f"draws is at least 1; {draws} was given")
    features = [ImageFeatures(net, net.reader.item(collection, place)) for place in range(len(collection))]
    height, width = features[0].picture.shape[:2]
    masks = part_masks(parts, len(features), (height, width))
    where = {part: np.flatnonzero(some.any((1, 2))) for part, some in masks.items()}  # the images with that part
    if single := [part for part, images_with in where.items() if len(images_with) < 2]:
        raise ValueError(f"correspondence is between images: the part {single[0]!r} is marked in fewer than two")
    names = net.layer_names(layers, (net.last_spatial_layer, net.layers[-1]))
    baselines = [make_baseline(net, one.input, fill, seed) for one in features]
    signs = _Signs(net, features, baselines, [net.step(name) for name in names], task)
    total, done = (draws + 1) * sum(map(len, where.values())), 0
    differences, chance = {}, {}
    for part, marked in masks.items():
        found = []
        random = np.random.default_rng([seed, *part.encode()])  # other parts do not change this one's draws
        for draw in range(draws + 1):
            here = marked[where[part]]
            placed = here if draw == 0 else np.stack([random_placement(mask, random) for mask in here])
            found.append(signs.pairs(where[part], placed))
            done += len(placed)
            task.progress(done, total, "masked images")
        for place, name in enumerate(names):
            values = np.array([one[place] for one in found])
            differences[f"{part}/{name}"], chance[f"{part}/{name}"] = values[0], values[1:]
    return Correspondence(
        np.stack([one.picture for one in features]), masks,
        np.stack([baseline_picture(one, baseline) for one, baseline in zip(features, baselines, strict=True)]),
        differences, chance, collection.names, tuple(masks), names, net.name,
    )  # fmt: skip


class _Signs:
    """The signs in which the features of some images change when masks are put on them."""

    def __init__(
        self,
        net: Network,
        features: Sequence[ImageFeatures],
        baselines: Sequence[Tensor],
        steps: Sequence[Step],
        task: Task,
    ) -> None:
        self._net, self._steps, self._task = net, steps, task
        self._inputs, self._baselines = [one.input for one in features], list(baselines)
        self._unoccluded = self._features(np.arange(len(self._inputs)))
        for step, x in zip(steps, self._unoccluded, strict=True):
            if not (finite := torch.isfinite(x).all(1)).all():
                number = int(finite.int().argmin())
                raise ValueError(f"the features of image {number} in {step.name!r} are no finite numbers")

    def pairs(self, images: np.ndarray, masks: np.ndarray) -> list[np.ndarray]:
        """For each layer, the share of signs that differ for each pair of these images (n,), masked by (n, H, W)."""
        changed = self._features(images, torch.from_numpy(masks)[:, None])
        return [np.array(list(_differing(x[images], y))) for x, y in zip(self._unoccluded, changed, strict=True)]

    def _features(self, images: np.ndarray, masks: Tensor | None = None) -> list[Tensor]:
        """The features of each layer, (images, length); masks (images, 1, H, W) say what is hidden."""

        def compute(some: slice) -> dict[Step, Tensor]:
            x = torch.stack([self._inputs[place] for place in images[some]])
            if masks is not None:
                baselines = torch.stack([self._baselines[place] for place in images[some]])
                x = torch.where(masks[some].to(x.device), baselines, x)
            return forward(self._net.program, x, self._steps, task=self._task).activations

        found = [one for _, one in in_parts(parts_of(len(images), MIN_BATCH), compute)]
        return [torch.cat([one[step].flatten(1) for one in found]) for step in self._steps]


def _differing(x: Tensor, y: Tensor) -> Iterator[float]:
    change = x - y
    sign = torch.where(change.abs() > ROUNDING * x.abs().max(), change.sign(), 0).to(torch.int8)
    for i, j in combinations(range(len(sign)), 2):
        yield float((sign[i] != sign[j]).double().mean())
