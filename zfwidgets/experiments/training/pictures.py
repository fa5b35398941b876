"""The pictures of a labelled data set as a training reads them: of one size, in memory where they fit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from zfwidgets.data import IN_MEMORY, Labelled
from zfwidgets.models import Preprocess
from zfwidgets.task import Task

AT_ONCE = 256  # pictures that are read between two looks at the task
SUMMED = 32  # pictures that are summed up at once, in double precision
EXAMPLES = 10_000  # pictures of which the mean is taken, spread over the data set

Batch = tuple[Tensor, Tensor, Tensor]  # pictures (n, 3, S, S) uint8, labels (n,) int64, numbers in the data set (n,)


class Pictures(Dataset):
    """The pictures of labelled images as (3, side, side) uint8, a batch at a time."""

    def __init__(self, data: Labelled, side: int) -> None:
        self.data, self.fit = data, Preprocess((side, side), side).fit
        self.side = side
        self.known: Tensor | None = None
        self._warned: set[int] = set()

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, number: int) -> Batch:
        return self.__getitems__([number])

    def __getitems__(self, numbers: Sequence[int]) -> Batch:
        """The batch of these; what cannot be read is left out, with a warning."""
        chosen = torch.as_tensor(numbers)
        if self.known is not None:
            pictures = self.known[chosen]
        else:
            read = [self._read(int(number)) for number in chosen]
            chosen = chosen[[picture is not None for picture in read]]
            pictures = torch.stack([picture for picture in read if picture is not None]) if len(chosen) else self._none
        return pictures, torch.from_numpy(self.data.targets)[chosen], chosen

    @property
    def _none(self) -> Tensor:
        return torch.zeros((0, 3, self.side, self.side), dtype=torch.uint8)

    def remember(self, task: Task, what: str) -> None:
        """Read all now, where they fit into memory. Those that cannot be read are left out for good."""
        if len(self) * 3 * self.side**2 > IN_MEMORY:
            return
        found: list[Tensor | None] = []
        with ThreadPoolExecutor(4) as pool:
            for start in range(0, len(self), AT_ONCE):
                task.check()
                found += pool.map(self._read, range(start, min(start + AT_ONCE, len(self))))
                task.progress(len(found), len(self), what)
        there = np.array([picture is not None for picture in found])
        if not there.any():
            raise ValueError("none of the images can be read")
        self.known = torch.stack([picture for picture in found if picture is not None])
        if not there.all():
            self.data = self.data.part(np.flatnonzero(there))

    def _read(self, number: int) -> Tensor | None:
        try:
            pixels = self.fit(self.data.images[number])
        except (ValueError, TypeError) as error:
            if number not in self._warned:
                self._warned.add(number)
                warnings.warn(f"left out of the training: {error}", stacklevel=2)
            return None
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()

    def examples(self) -> Iterator[Tensor]:
        """Pictures spread over the data set, in batches."""
        chosen = np.unique(np.linspace(0, len(self) - 1, EXAMPLES).astype(int))
        for start in range(0, len(chosen), SUMMED):
            yield self.__getitems__(chosen[start : start + SUMMED].tolist())[0]


class Shuffled(Sampler[int]):
    """All numbers in an order that a seed and the epoch say, so that a resumed training sees the same."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed, self.epoch = count, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Told by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.default_rng((self.seed, self.epoch)).permutation(self.count).tolist())
