"""One variant on one fold with one seed: a learning rate is chosen, the network trained, and errors are counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from zfwidgets.backend.random_states import states_from
from zfwidgets.data import Labelled
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float64, check, within
from zfwidgets.experiments.training import Recipe, Training, right_share, split, train
from zfwidgets.task import UNWATCHED, Task

HELD = 0.2  # of a training fold, to choose the learning rate by

Build = Callable[[], nn.Module]


@dataclass(frozen=True, eq=False)
class Run(Result):
    """One variant on one fold with one seed."""

    train: float  # share of wrong answers
    validation: float
    rate: float
    tried: Float64[np.ndarray, "rates"]  # share of right answers inside the training fold, by rate; or none
    seconds: float

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(within([self.train, self.validation], 0, 1), "there are shares outside 0 to 1")


@dataclass(frozen=True)
class Place:
    """Which run it is."""

    variant: int
    seed: int
    fold: int

    @property
    def name(self) -> str:
        """Of its file."""
        return f"run-{self.variant:02d}-{self.seed:02d}-{self.fold:02d}"


@dataclass(frozen=True, eq=False)
class Work:
    """What all runs have in common."""

    data: Labelled
    recipe: Recipe
    rates: tuple[float, ...]
    folds: int
    size: int | None

    def side(self, module: nn.Module) -> int:
        """Of the input, pixels."""
        return int(self.size or getattr(module, "size", 224))  # type: ignore[arg-type]

    def parts(self, seed: int, fold: int) -> tuple[Labelled, Labelled]:
        """The images to learn from, and those of the fold that is held back."""
        from sklearn.model_selection import StratifiedKFold

        divided = StratifiedKFold(self.folds, shuffle=True, random_state=seed)
        learn, held = list(divided.split(np.zeros(len(self.data)), self.data.targets))[fold]
        return self.data.part(learn), self.data.part(held)

    def run(self, build: Build, place: Place, task: Task = UNWATCHED) -> Run:
        """Choose a learning rate inside the training fold, train with it, and count errors."""
        quiet = Task(task.cancelled, behind=task.behind)
        learn, held = self.parts(place.seed, place.fold)
        tried = np.zeros(0)
        if len(self.rates) > 1:
            inner = split(learn, HELD, place.seed)
            tried = np.array([self.trained(build, inner, rate, place.seed, quiet)[1].accuracy for rate in self.rates])
        rate = self.rates[int(tried.argmax())] if len(tried) else self.rates[0]
        began = time.monotonic()
        # A rate that is lowered where the error stands still looks at a part of the training fold, not at what is held.
        watching = self.recipe.schedule == "plateau"
        parts = split(learn, HELD, place.seed) if watching else (learn, held)
        module, training = self.trained(build, parts, rate, place.seed, quiet)
        seconds = time.monotonic() - began
        right = right_share(training, module, held) if watching else training.accuracy
        return Run(1 - right_share(training, module, parts[0]), 1 - right, rate, tried, seconds)

    def trained(
        self, build: Build, parts: tuple[Labelled, Labelled], rate: float, seed: int, task: Task,
        callbacks: Sequence[Any] = (),
    ) -> tuple[nn.Module, Training]:  # fmt: skip
        """A network after a training on the first part, with the second held back; Lightning's callbacks watch it."""
        module = built(build, seed)
        recipe = replace(self.recipe, rate=rate)
        training = train(
            module, parts[0], recipe, validation=parts[1], size=self.side(module), seed=seed, workers=0, progress=False,
            task=task, callbacks=callbacks,
        )  # fmt: skip
        return module, training


def built(build: Build, seed: int) -> nn.Module:
    """A network with the initial weights of a seed."""
    with states_from(seed):
        module = build()
    if not isinstance(module, nn.Module):
        raise TypeError(f"a variant is a function that gives a torch.nn.Module; this one gives {type(module).__name__}")
    return module
