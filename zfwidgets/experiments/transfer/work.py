"""The fits to one layer's features in one split; all of them, here or on a cluster."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zfwidgets.experiments.checkpoint import Checkpoint
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float64, Int64
from zfwidgets.experiments.spread import spread
from zfwidgets.experiments.transfer.classify import Kind, fitted
from zfwidgets.experiments.transfer.features import Features
from zfwidgets.experiments.transfer.plan import Plan
from zfwidgets.task import UNWATCHED, Task

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True, eq=False)
class Answers(Result):
    """What the classifiers of one layer answered in one split."""

    answers: Int64[np.ndarray, "counts tests"]
    strengths: Float64[np.ndarray, "counts"]


class Place(NamedTuple):
    """Which layer and split."""

    layer: int
    fold: int

    @property
    def name(self) -> str:
        """Of its file."""
        return f"answers-{self.layer:03d}-{self.fold:03d}"


@dataclass(frozen=True, eq=False)
class Work:
    """What all fits have in common."""

    features: Features
    layers: tuple[str, ...]
    targets: np.ndarray
    plan: Plan
    kind: Kind

    @property
    def places(self) -> list[Place]:
        """All of them: every layer of a split before the next split."""
        return [Place(layer, fold) for fold in range(len(self.plan.splits)) for layer in range(len(self.layers))]

    def answers(self, place: Place, task: Task = UNWATCHED) -> Answers:
        """Fit to each number of images, and ask about those held back."""
        layer, split = self.layers[place.layer], self.plan.splits[place.fold]
        tested = self.features.rows(layer, split.test)
        found, strengths = [], []
        for numbers in split.learn:
            task.check()
            one = fitted(self.kind, self.features.rows(layer, numbers), self.targets[numbers])
            found.append(one.answers(tested))
            strengths.append(one.strength)
        return Answers(np.array(found, np.int64), np.array(strengths))

    def known(self, saved: Checkpoint) -> dict[Place, Answers]:
        """Those that are saved."""
        return {place: found for place in self.places if (found := saved.load(place.name, Answers)) is not None}

    def missing(
        self, known: Container[Place], saved: Checkpoint, client: Client | None, task: Task = UNWATCHED
    ) -> Iterator[tuple[Place, Answers]]:
        """The others, as they are found, and saved."""
        places = [place for place in self.places if place not in known]
        done = self._here(places, task)
        if client is not None:
            done = spread(client, Work.answers, self, ((place, (place,)) for place in places), task)
        for place, found in done:
            saved.save(place.name, found)
            yield place, found

    def _here(self, places: list[Place], task: Task) -> Iterator[tuple[Place, Answers]]:
        for place in places:
            task.check()
            yield place, self.answers(place, task)
