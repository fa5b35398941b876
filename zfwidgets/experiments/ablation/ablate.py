"""Compare variants of a network on the same folds and seeds, with the same budget, each at its own learning rate."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from zfwidgets.data import IN_MEMORY, Labelled
from zfwidgets.experiments.ablation.result import Ablation
from zfwidgets.experiments.ablation.work import Build, Place, Run, Work, built
from zfwidgets.experiments.checkpoint import Asked, Checkpoint, opened
from zfwidgets.experiments.spread import spread
from zfwidgets.experiments.training import Recipe
from zfwidgets.experiments.training import recipe as recipe_named
from zfwidgets.models import Network
from zfwidgets.task import UNWATCHED, Task, unreported

if TYPE_CHECKING:
    from distributed import Client

RATES = (5e-4, 2e-3, 8e-3)


def ablation(
    variants: Mapping[str, Build],
    data: Any = "shapes",
    folds: int = 5,
    seeds: int = 3,
    budget: str | Recipe = "small",
    *,
    rates: Sequence[float] = RATES,
    size: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    client: Client | None = None,
    progress: bool = True,
    task: Task = UNWATCHED,
) -> Ablation:
    """Train variants of a network and compare their errors, fairly (Table 3). Needs `zfwidgets[train]`.

    Every variant has the same budget, and learning rates to choose from: for each fold the one that does best on a
    fifth of the training images, which is held back inside it. The images are divided anew for each seed, which is also
    that of the initial weights. Folds share training images, so a naive interval is far too narrow; here it is that of
    the corrected resampled t-test (Nadeau & Bengio 2003). Differences to the base are taken on the same folds and
    seeds, and their p-values are adjusted for how many there are (Holm).

    Args:
        variants: by name a function that gives an untrained network; the first is the base.
        data: labelled images, as for `zf.train`.
        folds, seeds: into how many parts the images are divided, and how often; at least 2 folds.
        budget: the recipe of every training (`zf.recipe("small", epochs=8)`).
        rates: learning rates to choose from; one for no choice.
        size: side of the input in pixels; by default each network's own.
        checkpoint: a folder. Finished runs are saved there, and the same call, made again, goes on from them.
        client: a `dask.distributed.Client`: runs are spread over its workers.
        progress: False for no progress bar.
        task: watches and cancels it.

    Raises:
        ValueError: there are no variants, fewer than 2 folds, or a class with fewer images than folds; or a network
            does not fit the classes.
        ImportError: Lightning is not installed.
    """
    labelled = Labelled.of(_shapes(data))
    recipe, grid = recipe_named(budget), tuple(float(rate) for rate in rates)
    _check(variants, labelled, folds, seeds, grid)
    names, builds = tuple(variants), list(variants.values())
    work = Work(labelled.kept(IN_MEMORY), recipe, grid, folds, size)
    places = [Place(v, s, f) for s in range(seeds) for f in range(folds) for v in range(len(builds))]
    modules = [built(build, 0) for build in builds]
    asked = Asked(
        "ablation", repr([repr(module) for module in modules]), f"{len(labelled)} images {labelled.images.fingerprint}",
        {"variants": names, "recipe": asdict(recipe), "rates": grid, "folds": folds, "seeds": seeds, "size": size,
         "labels": labelled.label_digest},
    )  # fmt: skip
    hidden = not progress or task.report is not unreported
    kept = nullcontext() if checkpoint is None else opened(checkpoint, asked)
    runs: dict[Place, Run] = {}
    with kept as saved, tqdm(total=len(places), unit=" runs", disable=hidden) as bar:
        for place, run in _all(work, builds, places, saved, client, task):
            runs[place] = run
            bar.update()
            task.progress(len(runs), len(places), "runs")

    def table(field: str) -> np.ndarray:
        shape = len(names), seeds, folds
        return np.array([
            getattr(runs[Place(*where)], field) for where in np.ndindex(*shape)
        ], np.float64).reshape(shape)  # fmt: skip

    return Ablation(
        names, table("train"), table("validation"), table("rate"),
        np.array([sum(weight.numel() for weight in module.parameters()) for module in modules], np.int64),
        np.array([_macs(module, work.side(module)) for module in modules], np.int64),
        table("seconds"), len(labelled), labelled.classes, asdict(recipe), grid,
    )  # fmt: skip


def _all(
    work: Work, builds: list[Build], places: list[Place], saved: Checkpoint | None, client: Client | None, task: Task
) -> Iterator[tuple[Place, Run]]:
    """The runs: those that are saved are read, the others done here or on a cluster, and saved."""
    known = {place: run for place in places if saved and (run := saved.load(place.name, Run)) is not None}
    yield from known.items()
    missing = [place for place in places if place not in known]
    done = _here(work, builds, missing, task) if client is None else _spread(work, builds, missing, client, task)
    for place, run in done:
        if saved:
            saved.save(place.name, run)
        yield place, run


def _here(work: Work, builds: list[Build], places: list[Place], task: Task) -> Iterator[tuple[Place, Run]]:
    for place in places:
        task.check()
        yield place, work.run(builds[place.variant], place, task)


def _spread(
    work: Work, builds: list[Build], places: list[Place], client: Client, task: Task
) -> Iterator[tuple[Place, Run]]:
    yield from spread(client, Work.run, work, ((place, (builds[place.variant], place)) for place in places), task)


def _shapes(data: Any) -> Any:
    from zfwidgets.data import Shapes

    return Shapes(2000) if isinstance(data, str) and data == "shapes" else data


def _macs(module: nn.Module, side: int) -> int:
    """Multiply–adds for one image."""
    with torch.no_grad():
        return sum(step.macs for step in Network(module, side, device="cpu").program.steps)


def _check(variants: Mapping[str, Build], data: Labelled, folds: int, seeds: int, rates: tuple[float, ...]) -> None:
    if not isinstance(variants, Mapping) or not variants or not all(map(callable, variants.values())):
        raise ValueError('variants are functions by name, such as {"base": zf.zfnet_shapes}')
    if folds < 2 or seeds < 1 or not rates:
        raise ValueError(f"there are at least 2 folds, 1 seed and 1 learning rate; not {folds}, {seeds}, {len(rates)}")
    fewest = int(np.bincount(data.targets, minlength=len(data.classes)).min())
    if fewest < folds:
        raise ValueError(f"each class has an image in every fold: one has {fewest}, and there are {folds} folds")
