"""The curves of some networks, computed once for each choice of transformation, border, layers and images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from zfwidgets.data import Collection
from zfwidgets.experiments.invariance import Invariance, Transformation, invariance_sweep
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network
from zfwidgets.task import Task
from zfwidgets.widgets.selection import Images


@dataclass(frozen=True)
class CurvesChoice:
    """What curves depend on; the layers are the first network's."""

    transform: str
    border: str
    layers: tuple[str, ...]
    names: tuple[str, ...]  # of the images


class RememberedCurves:
    """Curves of several networks for the same photographs; what has been computed to its end is remembered.

    `labels` are the true classes of the first images, by the first network's numbers or names, or None.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        images: Images,
        labels: Sequence[int | str] | None,
        transformations: dict[str, Transformation],
    ) -> None:
        self.networks, self._images, self.transformations = networks, images, transformations
        self._labels = _labels(networks[0], images.collection, labels)
        self._complete: dict[tuple[int, CurvesChoice], Invariance] = {}
        self.features = lru_cache(maxsize=32)(self._prepared)

    def _prepared(self, place: int, name: str) -> ImageFeatures:
        return ImageFeatures(self.networks[place], self._images[name])

    def probability(self, place: int, name: str) -> np.ndarray:
        """What a network says of an image as it is, (classes,)."""
        return self.features(place, name).prediction.probability[0]

    def truth(self, place: int, name: str) -> int:
        """The true class of an image in a network: what is known of it, else what the network says of it as it is."""
        label = self._labels.get(name)
        if label is not None and label in self.networks[place].labels:
            return self.networks[place].class_number(label)
        return int(self.probability(place, name).argmax())

    def layers_of(self, place: int, layers: Sequence[str]) -> tuple[str, ...]:
        """The first network's layers in another one: those of the same name, or else at the same depth."""
        found = (_counterpart(self.networks[0], self.networks[place], name) for name in layers)
        return tuple(dict.fromkeys(found))

    def remembered(self, place: int, choice: CurvesChoice) -> Invariance | None:
        """Complete curves for a choice, maybe with more layers."""
        for (of, kept), result in list(self._complete.items()):
            same = (of, kept.transform, kept.border, kept.names) == (
                place,
                choice.transform,
                choice.border,
                choice.names,
            )
            if same and set(choice.layers) <= set(kept.layers):
                return result
        return None

    def curves(self, place: int, choice: CurvesChoice, task: Task) -> Iterator[Invariance]:
        """One result after another, each with more values; what is remembered comes at once."""
        result = self.remembered(place, choice)
        if result is not None:
            yield result
            return
        images = {name: self._images[name] for name in choice.names}
        truth = [self.truth(place, name) for name in choice.names]
        for result in invariance_sweep(
            self.networks[place], images, truth, self.layers_of(place, choice.layers),
            self.transformations[choice.transform], border=choice.border, task=task,
        ):  # fmt: skip
            yield result
        if result is not None:
            self._complete[place, choice] = result


def _labels(net: Network, collection: Collection, labels: Sequence[int | str] | None) -> dict[str, str]:
    """The true classes that are known, as labels, by the images' names."""
    given = collection.labels if labels is None else labels
    if given is None:
        return {}
    if len(given) != len(collection):
        raise ValueError(f"labels are the true class of each of the {len(collection)} images; {len(given)} were given")
    return {name: net.labels[net.class_number(label)] for name, label in zip(collection.names, given, strict=True)}


def _counterpart(net: Network, other: Network, name: str) -> str:
    """The other network's layer of the same name; else the one that is as far up among the main layers."""
    names = [layer.name for layer in net.layers]
    if any(layer.name == name for layer in other.layers):
        return name
    ours, theirs = ([layer.name for layer in one.feature_layers] for one in (net, other))
    below = sum(names.index(layer) < names.index(name) for layer in ours)
    share = min(below / max(1, len(ours) - 1), 1)
    return theirs[round(share * (len(theirs) - 1))]
