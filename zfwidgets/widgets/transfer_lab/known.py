"""What is known of a network's features in some data sets: prepared, or found when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zfwidgets.experiments.transfer import Taught, Transfer, prepared_transfer, teach, transfer_sweep
from zfwidgets.models import Network
from zfwidgets.task import Task
from zfwidgets.widgets.transfer_lab.sources import Sources, folder_for_now


class Known:
    """Results of a network and of the same with new weights, and what single layers have learnt, by one protocol."""

    def __init__(
        self, net: Network, sources: Sources, layers: tuple[str, ...], per_class: tuple[int, ...], folds: int
    ) -> None:
        self.sources, self.layers, self.per_class, self.folds = sources, layers, per_class, folds
        self.nets = {"nothing": net, "new": net.reinitialised()}  # by what the lab calls what is held against it
        self._whole: dict[tuple[str, str, str], Transfer] = {}
        self._taught: dict[tuple[str, str, int], Taught] = {}
        self._folder = folder_for_now()

    def whole(self, data: str, classifier: str, which: str) -> Transfer | None:
        """A result that nothing is missing in, where there is one."""
        key = data, classifier, which
        if key not in self._whole and (prepared := self._prepared(*key)) is not None:
            self._whole[key] = prepared
        return self._whole.get(key)

    def found(self, data: str, classifier: str, which: str, task: Task) -> Iterator[Transfer]:
        """The same, as it comes; one that was left goes on from what it had."""
        known = self.whole(data, classifier, which)
        if known is not None:
            yield known
            return
        folder = self._folder / f"{self.sources.names.index(data)}-{classifier}-{which}"
        for found in transfer_sweep(
            self.nets[which], self.sources[data], self.layers, self.per_class, self.folds, classifier,
            checkpoint=folder, task=task,
        ):  # fmt: skip
            yield found
        self._whole[data, classifier, which] = found

    def taught(self, data: str, layer: str, count: int, broken: tuple[tuple[int, str], ...], task: Task) -> Taught:
        """What a layer's features have learnt from so many images of each class, without those that are broken."""
        key = data, layer, count
        if key not in self._taught:
            images = self.sources[data]
            readable = images.part(np.setdiff1d(np.arange(len(images)), [number for number, _ in broken]))
            self._taught[key] = teach(self.nets["nothing"], readable.at_most(count), layer, task=task)
        return self._taught[key]

    def _prepared(self, data: str, classifier: str, which: str) -> Transfer | None:
        """What comes with the package, where it is of the same layers, numbers of images and splits."""
        found = prepared_transfer(self.nets[which], self.sources[data])
        if found is None or found.classifier != classifier:
            return None
        wanted = tuple(self.layers), self.per_class, self.folds
        return found if (found.layers, found.per_class, len(found.tests)) == wanted else None
