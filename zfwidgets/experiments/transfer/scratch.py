"""The other way, which features that carry over are held against: a whole network trained on the few images alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn
from tqdm.auto import tqdm

from zfwidgets.backend.random_states import states_from
from zfwidgets.data import Labelled
from zfwidgets.data.labelled import IN_MEMORY
from zfwidgets.experiments.training import Recipe, train
from zfwidgets.experiments.training import recipe as recipe_named
from zfwidgets.experiments.transfer.data import labelled_data
from zfwidgets.experiments.transfer.plan import planned
from zfwidgets.experiments.transfer.result import Transfer
from zfwidgets.task import UNWATCHED, Task, unreported

LAYER = "from scratch"


def from_scratch(
    build: Callable[[], nn.Module],
    data: Any,
    per_class: int | Sequence[int] = 10,
    folds: int = 5,
    recipe: str | Recipe = "small",
    *,
    size: int | None = None,
    seed: int = 0,
    progress: bool = True,
    task: Task = UNWATCHED,
) -> Transfer:
    """Train a network on the few images alone, on the same splits as `zf.transfer` (Tables 4 and 5, first rows).

    Needs `zfwidgets[train]`. The recipe is the same for each number of images, and nothing depends on the images that
    are tested on: a recipe that lowers its rate where the error stands still looks at those that are learnt from.

    Args:
        build: a function that gives an untrained network with one output a class.
        data, per_class, folds, seed: as for `zf.transfer`: with the same ones, the same images are learnt from and
            tested on.
        recipe: of each training.
        size: side of the input in pixels; by default the network's own.
        progress: False for no progress bar.
        task: watches and cancels it.

    Returns a result with one layer, "from scratch".

    Raises:
        ValueError: as `zf.transfer`; or the network has not one output a class.
        ImportError: Lightning is not installed.
    """
    labelled, chosen = labelled_data(data), recipe_named(recipe)
    labelled = labelled.kept(IN_MEMORY)
    broken = _broken(labelled)
    readable = np.ones(len(labelled), bool)
    readable[[number for number, _ in broken]] = False
    plan = planned(labelled.targets, readable, labelled.classes, per_class, folds, seed)
    shape = 1, len(plan.per_class), folds
    answers = np.empty((*shape, len(plan.splits[0].test)), np.int64)
    hidden = not progress or task.report is not unreported
    with tqdm(total=shape[1] * folds, unit=" trainings", disable=hidden) as bar:
        for fold, split in enumerate(plan.splits):
            for count, numbers in enumerate(split.learn):
                task.progress(bar.n, bar.total, "trainings")
                with states_from(1000 * seed + fold):
                    module = build()
                quiet = Task(task.cancelled, behind=task.behind)
                learn, held = labelled.part(numbers), labelled.part(split.test)
                training = train(
                    module, learn, chosen, validation=learn, size=size, seed=seed, workers=0, progress=False, task=quiet
                )
                answers[0, count, fold] = (
                    training.network(module, "cpu").predict(held.images).probability.argmax(axis=1)
                )
                bar.update()
    return Transfer(
        layers=(LAYER,), titles=(LAYER,), per_class=plan.per_class, classes=labelled.classes, targets=labelled.targets,
        tests=np.stack([split.test for split in plan.splits]), answers=answers, strengths=np.full(shape, np.nan),
        searched=np.zeros(shape[1], bool), test_share=plan.test_share, classifier=f"trained for {chosen.epochs} epochs",
        data=labelled.name or "images", images=labelled.images.result_fingerprint, network=type(module).__name__,
        weights="", broken=broken, left_out=labelled.left_out,
    )  # fmt: skip


def _broken(data: Labelled) -> tuple[tuple[int, str], ...]:
    """Images that cannot be read, and why."""
    found = []
    for number in range(len(data)):
        try:
            data.images[number]
        except (ValueError, TypeError) as error:
            found.append((number, str(error)))
    return tuple(found)
