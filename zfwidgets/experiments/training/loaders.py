"""The pictures of a training in batches, read in this process or in others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import DataLoader

from zfwidgets.experiments.training.pictures import Pictures, Shuffled
from zfwidgets.experiments.training.recipe import Recipe
from zfwidgets.experiments.workers import WorkerContext, sent_to


class Loader(DataLoader):
    """One whose processes do not run the program's script once more when they are started."""

    def __iter__(self) -> Any:
        if not isinstance(self.multiprocessing_context, WorkerContext):
            return super().__iter__()
        with self.multiprocessing_context.starting():
            return super().__iter__()


@contextmanager
def loaders(
    learn: Pictures, check: Pictures, recipe: Recipe, seed: int, workers: int | None
) -> Iterator[tuple[Loader, Loader]]:
    """The pictures to learn from, shuffled anew each epoch, and those to validate with; afterwards no process is left.

    `workers` None: none where all pictures are in memory, else one a processor. What cannot be sent to other processes
    is read in this one, with a warning.
    """
    context = WorkerContext()
    with context.all_ended():
        yield (
            _loader(learn, recipe, _workers(learn, workers), context, Shuffled(len(learn), seed)),
            _loader(check, recipe, _workers(check, workers), context, None),
        )


def _workers(pictures: Pictures, wanted: int | None) -> int:
    if pictures.known is not None:
        return 0
    return (os.cpu_count() or 1) if wanted is None else wanted


def _loader(
    pictures: Pictures, recipe: Recipe, workers: int, context: WorkerContext, shuffled: Shuffled | None
) -> Loader:
    workers, sent = sent_to(workers, pictures)
    apart: dict[str, Any] = (
        {"num_workers": workers, "multiprocessing_context": context, "persistent_workers": True} if workers else {}
    )
    return Loader(
        sent or pictures,  # type: ignore[arg-type]  # it is unpacked where it is read
        recipe.batch_size, sampler=shuffled or range(len(pictures)), collate_fn=as_read,
        drop_last=shuffled is not None and len(pictures) >= recipe.batch_size, generator=torch.Generator(), **apart,
    )  # fmt: skip


def as_read(batch: Any) -> Any:
    """A batch is read as one."""
    return batch
