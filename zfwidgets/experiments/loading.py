"""Images of a data set as batches for a network, read in worker processes whose deaths lose nothing."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import ImageFile
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from zfwidgets.backend.device import properties_of
from zfwidgets.data import Collection
from zfwidgets.experiments.workers import Packed, WorkerContext, sent_to
from zfwidgets.models import Network
from zfwidgets.models.reader import Reader

AHEAD = 2  # batches that a worker reads before they are asked for
DEADLY = 2  # images of one batch that may end their worker; where more do, the images are not to blame

Numbers = list[int]  # of images in the data set


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images, ready for the network."""

    numbers: Tensor  # (n,) int64, which images of the data set
    inputs: Tensor  # (n, C, H, W) float32; zero for those that could not be read
    read: Tensor  # (n,) bool, which could
    broken: list[tuple[int, str]]  # the others, and why

    @classmethod
    def of(cls, parts: Sequence[Batch]) -> Batch:
        """Several as one."""
        numbers, inputs, read = (
            torch.cat([getattr(part, name) for part in parts]) for name in ("numbers", "inputs", "read")
        )
        return cls(numbers, inputs, read, [image for part in parts for image in part.broken])

    def pin_memory(self) -> Batch:
        """The same in memory that a CUDA device can read from on its own."""
        return Batch(self.numbers, self.inputs.pin_memory(), self.read, self.broken)


def load_batches(net: Network, images: Collection, batches: Sequence[Numbers], workers: int = 0) -> Generator[Batch]:
    """The batches in their order, read in so many processes, or in this one. What cannot be read is listed in them.

    A process that dies is replaced, with a warning: what it was reading is read again, one image at a time if need be,
    and an image that ends its reader is left out. What cannot be sent to other processes is read in this one, with a
    warning.

    Raises RuntimeError where readers die whatever they read.
    """
    inputs = Inputs(net.reader, images)
    workers, sent = sent_to(workers, inputs)
    loader = Loader(inputs, sent, properties_of(net.device).pinned)
    return _survived(loader, batches, workers, AHEAD) if workers else loader.load(batches)


def _survived(loader: Loader, batches: Sequence[Numbers], workers: int, ahead: int) -> Generator[Batch]:
    """The batches, however many readers die: what they may have been reading is read again with more care."""
    done = 0
    while done < len(batches):
        try:
            for batch in loader.load(batches[done:], workers, ahead):
                done += 1
                yield batch
        except ReaderDied as death:
            doubtful = batches[done : done + workers * ahead]
            if death.by_itself:
                doubtful = batches[done:]
                warnings.warn(f"{death}; the images are read in this process", stacklevel=2)
                yield from loader.load(doubtful)
            elif workers * ahead > 1:
                warnings.warn(f"{death}; what it was reading is read again", stacklevel=2)
                yield from _survived(loader, doubtful, 1, 1)
            elif len(doubtful[0]) > 1:
                alone = _survived(loader, [[number] for number in doubtful[0]], 1, 1)
                yield _without_deadly(list(alone), death)
            else:
                yield loader.inputs.without(doubtful[0][0], f"every process that reads it dies ({death.how})")
            done += len(doubtful)


def _without_deadly(batches: Sequence[Batch], death: ReaderDied) -> Batch:
    """Batches of one image each as one. Raises RuntimeError where too many of them have ended their readers."""
    joined = Batch.of(batches)
    if sum(death.how in why for _, why in joined.broken) > DEADLY:
        raise RuntimeError(f"{death}, and so does every other one; give fewer workers, or workers=0")
    return joined


class ReaderDied(Exception):
    """A process that reads images has come to an end."""

    def __init__(self, codes: Sequence[int]) -> None:
        self.by_itself = 1 in codes  # an exception in Python: it could not begin
        ends = {signal.Signals(-code).name if code < 0 else f"exit code {code}" for code in codes}
        self.how = ", ".join(sorted(ends)) + ("; perhaps memory is short" if -9 in codes else "")
        super().__init__(f"a process that reads images has died ({self.how})")


@dataclass(frozen=True)
class Loader:
    """Reads batches, here or in processes."""

    inputs: Inputs
    sent: Packed | None  # the same for other processes
    pinned: bool

    def load(self, batches: Sequence[Numbers], workers: int = 0, ahead: int = AHEAD) -> Generator[Batch]:
        """The batches in their order. Raises ReaderDied; whatever happens, no process is left running."""
        if not workers:
            yield from self._loader(self.inputs, batches)
            return
        context = WorkerContext()
        with context.all_ended():
            loader = self._loader(
                self.sent, batches, num_workers=workers, prefetch_factor=ahead, multiprocessing_context=context,
                worker_init_fn=Defaults.here(),
            )  # fmt: skip
            with context.starting():
                loaded = iter(loader)
            while True:
                try:
                    batch = next(loaded, None)
                except RuntimeError as error:
                    if codes := context.deaths():
                        raise ReaderDied(codes) from error
                    raise
                if batch is None:
                    return
                yield batch

    def _loader(self, inputs: Any, batches: Sequence[Numbers], **options: Any) -> DataLoader:
        generator = torch.Generator()  # of its own, since a loader draws from torch's
        return DataLoader(
            inputs, batch_sampler=batches, collate_fn=Batch.of, pin_memory=self.pinned, generator=generator, **options
        )


@dataclass(frozen=True)
class Defaults:
    """What a program may have set for the reading of images."""

    number: torch.dtype
    truncated: bool

    @classmethod
    def here(cls) -> Defaults:
        """As they are in this process."""
        return cls(torch.get_default_dtype(), ImageFile.LOAD_TRUNCATED_IMAGES)

    def __call__(self, worker: int) -> None:
        """Set them in a worker."""
        torch.set_default_dtype(self.number)
        ImageFile.LOAD_TRUNCATED_IMAGES = self.truncated


@dataclass(frozen=True)
class Inputs(Dataset):
    """Images as a network gets them; what cannot be read is no error here."""

    reader: Reader
    images: Collection

    def __getitem__(self, number: int) -> Batch:
        try:
            x = self.reader.read_from(self.images, number)[1]
        except Exception as error:  # whatever a user's data set raises
            return self.without(number, str(error) or type(error).__name__)
        return Batch(torch.tensor([number]), x[None], torch.tensor([True]), [])

    def without(self, number: int, why: str) -> Batch:
        """The place of an image that cannot be read."""
        return Batch(
            torch.tensor([number]), torch.zeros((1, *self.reader.shape), dtype=torch.float32), torch.tensor([False]),
            [(number, why)],
        )  # fmt: skip
