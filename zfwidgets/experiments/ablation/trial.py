"""A network of one's own beside the study that comes with the package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from zfwidgets.data import IN_MEMORY, Labelled
from zfwidgets.experiments.ablation.study import prepared_ablation, study_budget, study_images
from zfwidgets.experiments.ablation.work import Build, Work
from zfwidgets.experiments.statistics import corrected_interval
from zfwidgets.experiments.training import right_share
from zfwidgets.models import Network
from zfwidgets.task import UNWATCHED, Task


@dataclass(frozen=True, eq=False)
class Trial:
    """A network of one's own beside the study: trained on folds of the study's first seed, as its variants were."""

    network: Network  # after the training on the first of them
    train: np.ndarray  # share of wrong answers to the images that it learnt from, a fold each
    validation: np.ndarray  # … to those that were held back

    def error(self) -> tuple[float, float, float]:
        """Mean share of wrong answers to images held back, and where it lies with 95 % confidence (0 to 1 while there
        is one fold)."""
        study = prepared_ablation()
        low, high = corrected_interval(self.validation, study.test_share, study.step)
        return float(self.validation.mean()), max(low, 0.0), min(high, 1.0)

    def difference(self) -> tuple[float, float, float]:
        """How much larger it is than that of the study's base, on the same folds: mean, and its interval."""
        study = prepared_ablation()
        values = self.validation - study.validation[0, 0, : len(self.validation)]
        return float(values.mean()), *corrected_interval(values, study.test_share, study.step)


def trials(build: Build, task: Task = UNWATCHED, callbacks: Sequence[Any] = ()) -> Iterator[Trial]:
    """Train a network on the study's images with its budget, fold after fold; what is known is told after each.

    Its learning rate is the one that the study's variants chose most often. Lightning's callbacks watch the first fold.
    """
    study, budget = prepared_ablation(), study_budget()
    rates, often = np.unique(study.rates, return_counts=True)
    work = Work(_study_data(), budget, (float(rates[often.argmax()]),), study.folds, None)
    errors: list[tuple[float, float]] = []
    network = None
    for fold in range(study.folds):
        learn, held = work.parts(0, fold)

        def report(done: float, count: float, what: str, fold: int = fold) -> None:
            if what.startswith("Epoch"):  # and not while images are read
                task.progress((fold + done / count) * budget.epochs, study.folds * budget.epochs, "epochs")

        watched = Task(task.cancelled, report, task.behind)
        module, training = work.trained(build, (learn, held), work.rates[0], 0, watched, () if fold else callbacks)
        network = network or training.network(module, "cpu")
        errors.append((1 - right_share(training, module, learn), 1 - training.accuracy))
        yield Trial(network, *np.array(errors).T)


@cache
def _study_data() -> Labelled:
    return Labelled.of(study_images()).kept(IN_MEMORY)
