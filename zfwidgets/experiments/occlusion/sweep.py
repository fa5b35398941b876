"""Slide a square over an image, coarsely first, and ask the network at each place (§4.2, Fig. 7)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.incremental.run import MEMORY, Changed, Incremental
from zfwidgets.backend.surroundings import undisturbed, undisturbed_steps
from zfwidgets.experiments.gallery import gallery
from zfwidgets.experiments.occlusion.hiding import strongest_map
from zfwidgets.experiments.occlusion.occluder import Colour, Squares, baseline_picture, checked_pair, make_baseline
from zfwidgets.experiments.occlusion.result import Occlusion
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.experiments.sweeping import completed
from zfwidgets.experiments.top_activations import TopActivations
from zfwidgets.models import Network, require_network
from zfwidgets.renamed import with_task
from zfwidgets.task import UNWATCHED, Task

FIRST = 49  # places of the square that make the first readable map, at most
PAUSE = 0.2  # seconds from one result of a sweep to the next, at least

Pair = int | tuple[int, int]
Target = int | str


@with_task
@undisturbed()
def occlusion_sweep(
    net: Network,
    image: Any,
    target: Target | Sequence[Target] | None = None,
    layer: str | None = None,
    size: Pair = 32,
    stride: Pair = 8,
    fill: str | Colour = "grey",
    *,
    feature: int | None = None,
    tops: TopActivations | None = None,
    images: Any = None,
    seed: int = 0,
    memory: int = MEMORY,
    task: Task = UNWATCHED,
) -> Iterator[Occlusion]:
    """Hide one place of an image after another, and look at the network's answer (§4.2, Fig. 7), from coarse to fine:
    every result has all places, those not yet computed (`.computed`) repeat what was found nearby. The first comes
    soon, each later one has more places computed, the last has them all.

    One pass gives the figure's five panels: (a) the image with the square, (b) the activity of the layer's strongest
    feature map, (c) its projection, (d) the probability of the target class, (e) the most probable class. It is exact,
    but only what the square changes is computed anew. The square starts in the upper left corner, and hangs over the
    edge where the stride does not divide the image. The paper states neither size nor stride.

    Args:
        net: the network; it ends in one score a class.
        image: any image: a path, bytes, PIL image, array or tensor; or its `ImageFeatures` in this network.
        target: number or label of a class, or several; by default, what the network says of the whole image.
        layer: whose strongest map is watched, a name or title from `net.layers`; by default the last one that
            everything passes through and whose maps are not the classes themselves (the paper: layer 5).
        size: side of the square in pixels of the network's input, or (height, width).
        stride: pixels from one place to the next, or (down, across).
        fill: what hides, meant in pixels: "grey", "mean", "blur", "noise" or a colour; see `occluder.make_baseline`.
        feature: which map of the layer; by default the one whose units, summed, are strongest on the whole image.
        tops: what `top_activations` found: the map's strongest projections from other images are added to panel (c).
        images: the data set in which `tops` were found; None: the embedded corpus.
        seed: of the noise.
        memory: bytes that the maps may take, over what the network itself takes.
        task: watches and cancels it: is asked between steps of the network, and told how far it is.

    Raises:
        ValueError: no such class, layer, feature or fill; a size or stride that is not possible; the network does not
            end in scores; `tops` belong to another network or data set.
        TypeError: `net` is no network.
    """
    require_network(net)
    net.check_classes()
    features = image if isinstance(image, ImageFeatures) else ImageFeatures(net, image)
    squares = Squares.over((features.picture.shape[0], features.picture.shape[1]), size, stride)
    baseline = make_baseline(net, features.input, fill, seed)
    chosen = net.layer(layer) if layer is not None else net.last_spatial_layer
    map_number = strongest_map(features, chosen.name) if feature is None else feature
    projection = features.project(chosen.name, map_number, "all", task=task)
    others, saw = _elsewhere(net, tops, images, chosen.name, map_number)
    unoccluded = features.prediction.probability[0]
    targets = _targets(net, unoccluded, target)
    blank = Occlusion(
        picture=features.picture, baseline=baseline_picture(features, baseline), top=squares.top, left=squares.left,
        probabilities=np.zeros((len(targets), *squares.shape), np.float32), label=np.zeros(squares.shape, np.int64),
        confidence=np.zeros(squares.shape, np.float32), activity=np.zeros(squares.shape, np.float32),
        computed=np.zeros(squares.shape, bool), unoccluded=unoccluded,
        unoccluded_activity=float(features.maps(chosen.name)[map_number].sum(dtype=np.float64)),
        projected=projection.pixels, others=others, others_saw=saw, targets=targets, labels=net.labels,
        layer=chosen.name, feature=map_number, size=squares.size, stride=checked_pair("stride", stride, None),
        fill=fill, macs=(0, 0, 0), meaning=str(net.scores.meaning),
    )  # fmt: skip
    step = net.step(chosen.name)
    incremental = Incremental(net.program, features.input, [net.program.output, step], memory, task)
    return _refined(incremental, squares, baseline, _Findings(net, blank, step), task)


occlusion = completed(
    "occlusion",
    "Hide one place of an image after another, and look at the network's answer (§4.2, Fig. 7).",
    occlusion_sweep,
)


def _targets(net: Network, unoccluded: np.ndarray, target: Any) -> tuple[int, ...]:
    if target is None:
        return (int(unoccluded.argmax()),)
    several = [target] if isinstance(target, str) or np.ndim(target) == 0 else list(target)
    if not several:
        raise ValueError("target is a class or several; an empty list was given")
    return tuple(map(net.class_number, several))


def _elsewhere(
    net: Network, tops: TopActivations | None, images: Any, layer: str, feature: int
) -> tuple[np.ndarray, np.ndarray]:
    """The map's strongest projections from other images, and what was seen there; both (k, h, w, 3) uint8."""
    if tops is None:
        return np.zeros((0, 1, 1, 3), np.uint8), np.zeros((0, 1, 1, 3), np.uint8)
    found = gallery(net, images, tops, layer, [feature])
    there = np.isfinite(found.values[0])
    return found.pictures()[0][there], found.patches[0][there]


@undisturbed_steps
def _refined(
    incremental: Incremental, squares: Squares, baseline: Tensor, findings: _Findings, task: Task
) -> Iterator[Occlusion]:
    boxes, coarser = squares.boxes(), 0
    for level in _levels(squares.shape):
        new = findings.missing(level)
        plan, shown = incremental.plan(boxes[new]), time.perf_counter()
        for some, changed in incremental.run(plan, baseline, task):
            findings.note(new[some], changed)
            if coarser and time.perf_counter() > shown + PAUSE and not findings.complete(level):
                yield findings.result(coarser)
                shown = time.perf_counter()
        done, least, full = findings.macs
        findings.macs = (done + plan.done, least + plan.least, full + plan.full)
        yield findings.result(level)
        coarser = level


def _levels(shape: tuple[int, int]) -> list[int]:
    """Every how manieth row and column of places is computed, from coarse to fine: …, 4, 2, 1."""
    levels = [1]
    while -(-shape[0] // levels[-1]) * -(-shape[1] // levels[-1]) > FIRST:
        levels.append(2 * levels[-1])
    return levels[::-1]


class _Findings:
    """What a sweep has found so far, place by place."""

    def __init__(self, net: Network, blank: Occlusion, watched: Step) -> None:
        self._net, self._blank, self._watched = net, blank, watched
        self._shape = blank.computed.shape
        places = blank.computed.size
        self._probabilities = np.zeros((len(blank.targets), places), np.float32)
        self._label, self._computed = np.zeros(places, np.int64), np.zeros(places, bool)
        self._confidence, self._activity = np.zeros((2, places), np.float32)
        self.macs = (0, 0, 0)

    def missing(self, level: int) -> np.ndarray:
        """The places of a level that are yet to be computed, (n,)."""
        grid = np.zeros(self._shape, bool)
        grid[::level, ::level] = True
        return np.flatnonzero(grid.ravel() & ~self._computed)

    def complete(self, level: int) -> bool:
        """Whether all places of a level are computed."""
        return len(self.missing(level)) == 0

    def note(self, which: np.ndarray, changed: dict[Step, Changed]) -> None:
        """Take down what the network says of some places."""
        probability = self._net.probabilities(changed[self._net.program.output].values)
        self._probabilities[:, which] = probability[:, list(self._blank.targets)].T
        self._label[which], self._confidence[which] = probability.argmax(1), probability.max(1)
        self._activity[which] = changed[self._watched].sums()[:, self._blank.feature].cpu()
        self._computed[which] = True

    def result(self, level: int) -> Occlusion:
        """All places, of which those of a level at least are computed; the others repeat the nearest of that level."""
        places = np.arange(self._computed.size).reshape(self._shape)
        nearest = places[np.ix_(*(_nearest(length, level) for length in self._shape))]
        shown = np.where(self._computed[places], places, nearest)
        return replace(
            self._blank,
            probabilities=self._probabilities[:, shown],
            label=self._label[shown],
            confidence=self._confidence[shown],
            activity=self._activity[shown],
            computed=self._computed[places],
            macs=self.macs,
        )


def _nearest(length: int, level: int) -> np.ndarray:
    """For each place along an axis, the nearest one that is a multiple of `level`."""
    return np.minimum((np.arange(length) + level // 2) // level, (length - 1) // level) * level
