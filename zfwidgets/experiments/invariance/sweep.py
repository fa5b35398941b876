"""Transform images step by step, coarsely first, and measure how far their feature vectors move (§4.1, Fig. 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import equal_parts, in_parts, within_memory
from zfwidgets.backend.surroundings import undisturbed, undisturbed_steps
from zfwidgets.data import Collection, photograph
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.invariance.result import Invariance
from zfwidgets.experiments.invariance.transforms import BORDERS, Transformation, chosen
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.experiments.sweeping import completed
from zfwidgets.models import Network, require_network
from zfwidgets.renamed import with_task
from zfwidgets.task import UNWATCHED, Task

FIVE = ("cat", "coffee", "motorcycle", "camera", "china")  # photographs of things that ImageNet knows
PAPER = ("translation", "scale", "rotation")
STRETCH = 2**16  # features that are compared at once: what is read stays in the cache
MIN_BATCH = 8  # images that go through the network at once
FIRST = 9  # values of each transformation that make the first readable curves, the ends and the identity aside

Transforms = str | Transformation | Sequence[Any]


@with_task
@undisturbed()
def invariance_sweep(
    net: Network,
    images: Any = None,
    labels: Sequence[int | str] | None = None,
    layers: str | Sequence[str] | None = None,
    transforms: Transforms = PAPER,
    *,
    border: str = "edge",
    task: Task = UNWATCHED,
) -> Iterator[Invariance]:
    """Transform images step by step, and measure how far their feature vectors move (Fig. 5), from coarse to fine: each
    result has more values of every transformation, the last has all.

    Args:
        net: the network; it ends in one score a class.
        images: whatever `zfwidgets.images` takes; by default five of the embedded photographs.
        labels: the true class of each image, by number or name; by default those that come with the images, else what
            the network says of each as it is.
        layers: names or titles from `net.layers`; "all"; by default the first and the last one whose features are not
            the classes (the paper: layers 1 and 7).
        transforms: names, each with its usual values — vertical "translation" (-60 to 60 pixels, down is positive),
            "scale" (1 to 1.8), "rotation" (0 to 350 degrees, counterclockwise), "horizontal translation", "brightness",
            "contrast" (factors, about black and about mid-grey, cut off at black and white), "blur" (standard
            deviation in pixels) —, or pairs of a name and values, or `zf.transformation(…)`. They act on the
            network's input; scale and rotation, and moves by parts of a pixel, are resampled bilinearly, moves by whole
            pixels are exact.
        border: what comes in from beyond the image: "edge" (its outermost pixels), "grey", or "reflection". The curves
            depend on it: a grey border is itself an edge that features respond to.
        task: watches and cancels it: is asked between steps of the network, and told how far it is.

    Raises:
        ValueError: no such layer, class, transformation or border; other than one label an image; the network does not
            end in scores.
        TypeError: `net` is no network.
    """
    require_network(net)
    net.check_classes()
    if border not in BORDERS:
        raise ValueError(f"border is {', '.join(map(repr, BORDERS))}; {border!r} was given")
    collection = as_collection({name: photograph(name) for name in FIVE} if images is None else images)
    features = [ImageFeatures(net, net.reader.item(collection, place)) for place in range(len(collection))]
    names = net.layer_names(layers, (net.feature_layers[0], net.feature_layers[-1]))
    measured = _Measured(net, features, names, chosen(transforms), border)
    return measured.refined(collection.names, _truth(net, features, collection, labels), task)


invariance = completed(
    "invariance",
    "Transform images step by step, and measure how far their feature vectors move from where they were (Fig. 5).",
    invariance_sweep,
)


def _truth(
    net: Network, features: Sequence[ImageFeatures], collection: Collection, labels: Sequence[int | str] | None
) -> np.ndarray:
    """The true class of each image, (images,)."""
    given = collection.labels if labels is None else labels
    if given is None:
        return np.array([one.prediction.probability[0].argmax() for one in features])
    if len(given) != len(features):
        raise ValueError(f"labels are the true class of each of the {len(features)} images; {len(given)} were given")
    return np.array([net.class_number(label) for label in given])


class _Measured:
    """What has been measured so far, value by value."""

    def __init__(
        self,
        net: Network,
        features: list[ImageFeatures],
        layers: tuple[str, ...],
        transforms: tuple[Transformation, ...],
        border: str,
    ) -> None:
        self.net, self.features, self.layers, self.transforms, self.border = net, features, layers, transforms, border
        self.steps = {net.step(layer): layer for layer in layers}
        shapes = {one.name: (len(features), len(one.values)) for one in transforms}
        keys = {f"{name}/{layer}": shape for name, shape in shapes.items() for layer in layers}
        self.distances = {key: np.zeros(shape) for key, shape in keys.items()}
        self.cosines = {key: np.ones(shape) for key, shape in keys.items()}
        self.examples = {one.name: _examples(one, features[0], border) for one in transforms}
        self.norms = {layer: np.zeros(len(features)) for layer in layers}
        self.probability = {name: np.zeros(shape) for name, shape in shapes.items()}
        self.label = {name: np.zeros(shape, np.int64) for name, shape in shapes.items()}

    @undisturbed_steps
    def refined(self, names: tuple[str, ...], truth: np.ndarray, task: Task) -> Iterator[Invariance]:
        """One result after another, each with more values of every transformation."""
        rounds = [_rounds(one) for one in self.transforms]
        done = [np.zeros(0, np.int64) for _ in rounds]
        for some in zip_longest(*rounds, fillvalue=np.zeros(0, np.int64)):
            for index in range(len(self.features)):
                base = self._base(index, task)
                for one, places in zip(self.transforms, some, strict=True):
                    self._measure_all(one, index, places, truth[index], base, task)
            done = [np.union1d(before, places) for before, places in zip(done, some, strict=True)]
            yield self._result(done, names, truth)

    def _measure_all(
        self, one: Transformation, index: int, places: np.ndarray, truth: int, base: dict[Step, Tensor],
        task: Task,
    ) -> None:  # fmt: skip
        parts = equal_parts(len(places), MIN_BATCH)
        for _ in in_parts(parts, lambda some: self._measure(one, index, places[some], truth, base, task)):
            pass

    @within_memory()
    def _base(self, index: int, task: Task) -> dict[Step, Tensor]:
        """The feature vectors of an image as it is, each (1, length)."""
        x = _channels_last(self.features[index].input[None])
        found = forward(self.net.program, x, self.steps, task=task).activations
        base = {step: vectors(step, values) for step, values in found.items()}
        for step, vector in base.items():
            self.norms[self.steps[step]][index] = float(vector.norm())
        return base

    def _measure(
        self, one: Transformation, index: int, places: np.ndarray, truth: int, base: dict[Step, Tensor],
        task: Task,
    ) -> None:  # fmt: skip
        image = self.features[index]
        inputs = [one.apply(image, value, self.border) for value in one.values[places]]
        moved = np.array([x is not image.input for x in inputs])  # what did not move is as it was, to the last bit
        probability = np.repeat(image.prediction.probability, len(places), 0)
        if moved.any():
            x = _channels_last(torch.stack([x for x in inputs if x is not image.input]))
            output, where = self.net.program.output, (index, places[moved])

            def visit(step: Step, values: Tensor) -> None:
                if step in base:
                    key = f"{one.name}/{self.steps[step]}"
                    self.distances[key][where], self.cosines[key][where] = compared(vectors(step, values), base[step])
                if step is output:
                    probability[moved] = self.net.probabilities(values)

            forward(self.net.program, x, [*base, output], task=task, visit=visit)
        self.probability[one.name][index, places] = probability[:, truth]
        self.label[one.name][index, places] = probability.argmax(1)

    def _result(self, done: list[np.ndarray], names: tuple[str, ...], truth: np.ndarray) -> Invariance:
        places = {one.name: some for one, some in zip(self.transforms, done, strict=True)}

        def picked(found: dict[str, np.ndarray], kind: type = np.float32) -> dict[str, np.ndarray]:
            return {key: values[:, places[key.partition("/")[0]]].astype(kind) for key, values in found.items()}

        return Invariance(
            pictures=np.stack([one.picture for one in self.features]),
            examples=self.examples,
            values={one.name: one.values[places[one.name]] for one in self.transforms},
            distances=picked(self.distances), cosines=picked(self.cosines),
            norms={layer: values.astype(np.float32) for layer, values in self.norms.items()},
            probability=picked(self.probability), label=picked(self.label, np.int64), truth=truth, names=names,
            labels=self.net.labels, layers=self.layers, transforms=tuple(places),
            units=tuple(one.unit for one in self.transforms), border=self.border, network=self.net.name,
            meaning=str(self.net.scores.meaning),
        )  # fmt: skip


def _examples(one: Transformation, image: ImageFeatures, border: str) -> np.ndarray:
    places = np.linspace(0, len(one.values) - 1, 4).round().astype(int)
    return np.stack([one.picture(image, value, border) for value in one.values[places]])


def _rounds(one: Transformation) -> list[np.ndarray]:
    """The places of its values, in rounds from coarse to fine; the first value, the last, and the one that changes
    nothing come first, so that curves go down to 0 there from the beginning."""
    count, step = len(one.values), 1
    while -(-count // step) > FIRST:
        step *= 2
    always = [count - 1, *np.flatnonzero(one.values == one.identity)]
    rounds, done = [], np.zeros(0, np.int64)
    while step:
        places = np.union1d(np.arange(0, count, step), always)
        rounds.append(np.setdiff1d(places, done))
        done, step = places, step // 2
    return rounds


def vectors(step: Step, values: Tensor) -> Tensor:
    """The features of each image in one row, in the order in which they lie in memory, (images, length)."""
    return (values if step.space is None else values.movedim(step.space, (1, 2))).flatten(1)


def compared(moved: Tensor, base: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Euclidean distances of feature vectors (n, length) from another (1, length), and the cosines of the angles with
    it, by the law of cosines; both (n,) float64. The cosine with a vector of zeros is 0."""
    squares = sum(
        torch.linalg.vector_norm(part - of_base, dim=1).double() ** 2
        for part, of_base in zip(moved.split(STRETCH, 1), base.split(STRETCH, 1), strict=True)
    )
    distance = squares.sqrt().cpu().numpy()
    own, other = float(base.norm()), moved.norm(dim=1).double().cpu().numpy()
    product = 2 * own * other
    cosine = (own**2 + other**2 - distance**2) / np.where(product > 0, product, 1)
    return distance, np.where(product > 0, cosine, 0.0).clip(-1, 1)


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
