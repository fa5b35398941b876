"""The networks that a reader builds, and trains beside a study."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from zfwidgets.experiments.ablation import Built, Plan, Trial, trials
from zfwidgets.task import Task

YOURS = "yours"

Watch = Callable[[np.ndarray, str], None]  # is told the first layer's filters (K, 3, h, w), and what they are


class Trained(NamedTuple):
    """What the reader has trained."""

    name: str
    size: Built
    trial: Trial


class OwnNetworks:
    """What the reader has built and trained; of each plan the last training counts."""

    def __init__(self) -> None:
        self._trained: dict[Plan, Trained] = {}
        self._counted: Built | None = None

    def counted(self, plan: Plan) -> Built:
        """A plan in numbers."""
        if self._counted is None or self._counted.plan != plan:
            self._counted = plan.counted()
        return self._counted

    @property
    def trained(self) -> list[Trained]:
        """In the order in which they were first trained."""
        return list(self._trained.values())

    def rows(self) -> list[dict[str, Any]]:
        """What is known of each, as in the columns of an ablation's table."""
        found = []
        for name, size, trial in self.trained:
            row: dict[str, Any] = {"variant": name, "parameters": size.parameters, "macs": size.macs}
            row["train_error"] = float(trial.train.mean())
            row |= dict(zip(("validation_error", "validation_low", "validation_high"), trial.error(), strict=True))
            row |= dict(zip(("difference", "difference_low", "difference_high"), trial.difference(), strict=True))
            found.append(row)
        return found

    def train(self, plan: Plan, watch: Watch, task: Task) -> Iterator[Trained]:
        """Train a plan on the study's folds; what is known is told after each."""
        size = self.counted(plan)
        for trial in trials(plan.build, task, [_watching(watch, plan)]):
            task.check()
            found, known = Trained(f"{YOURS}: {plan.words}", size, trial), self._trained.get(plan)
            if known is None or len(trial.validation) >= len(known.trial.validation):
                self._trained[plan] = found  # one that is given up does not take the place of a whole one
            yield found


def _watching(watch: Watch, plan: Plan) -> Any:
    """A callback of Lightning's that tells the first layer's filters after each epoch."""
    from lightning.pytorch import Callback

    class Watching(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            weights = next(iter(pl_module.module.features)).weight.detach().cpu().numpy()
            watch(weights, f"filters of {plan.words}, after epoch {trainer.current_epoch + 1}")

    return Watching()
