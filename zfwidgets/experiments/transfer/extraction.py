"""Features of a data set, in a folder that stays or one that does not, with a bar."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tqdm.auto import tqdm

from zfwidgets.experiments.checkpoint import Asked, opened
from zfwidgets.experiments.one_pass import SMALLEST
from zfwidgets.experiments.transfer.features import Features, Wanted, extracted
from zfwidgets.task import Task

if TYPE_CHECKING:
    from distributed import Client

PLACES = 6  # rows and columns, as the paper's layer 5 has after its pooling


def workers_for(count: int, client: Client | None) -> int:
    """Processes that decode so many images."""
    return 0 if count < SMALLEST or client is not None else min(os.cpu_count() or 1, 8)


def features_of(wanted: Wanted, folder: Path, client: Client | None, bars: Bars) -> Features:
    """Features of all images, in files of a folder."""
    asked = Asked("features", *wanted.told, {"layers": wanted.layers, "places": wanted.places})
    with opened(folder, asked) as saved, bars.of("images", len(wanted.images)) as task:
        if client is None:
            return extracted(wanted, saved, task)
        from zfwidgets.experiments.transfer.cluster import extracted_on_cluster

        return extracted_on_cluster(client, wanted, saved, task)


@contextmanager
def folder_for(checkpoint: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The user's folder, or one that is gone afterwards."""
    if checkpoint is not None:
        yield Path(checkpoint).expanduser()
        return
    with TemporaryDirectory(prefix="zfwidgets-") as folder:
        yield Path(folder)


@dataclass(frozen=True)
class Bars:
    """Progress on a bar, where it is wanted, and told on."""

    shown: bool
    task: Task

    @contextmanager
    def of(self, unit: str, count: int) -> Iterator[Task]:
        """A task whose progress is seen on a bar."""
        with tqdm(total=count, unit=f" {unit}", disable=not self.shown) as bar:

            def report(done: float, of_all: float, what: str) -> None:
                bar.update(int(done) - bar.n)
                self.task.report(done, of_all, what)

            yield Task(self.task.cancelled, report, self.task.behind)
