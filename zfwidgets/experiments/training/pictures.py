"""A labelled data set as a training reads it: pictures of one size, in memory where they fit, and numbered labels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from zfwidgets.data import Collection, Shapes
from zfwidgets.data import images as as_collection
from zfwidgets.models import Preprocess
from zfwidgets.task import Task

IN_MEMORY = 1_500_000_000  # bytes of pictures that are kept as they were read first
AT_ONCE = 256  # pictures that are read between two looks at the task
SUMMED = 32  # pictures that are summed up at once, in double precision
EXAMPLES = 10_000  # pictures of which the mean is taken, spread over the data set

Batch = tuple[Tensor, Tensor, Tensor]  # pictures (n, 3, S, S) uint8, labels (n,) int64, numbers in the data set (n,)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images, their labels as numbers, and what the numbers mean."""

    images: Collection
    targets: np.ndarray  # (n,) int64
    classes: tuple[str, ...]

    @classmethod
    def of(cls, source: Any, classes: Sequence[str] | None = None) -> Labelled:
        """Whatever `zf.images` takes, with labels; a folder's are the names of its folders.

        Raises ValueError where there are no labels, or others than `classes`.
        """
        images = as_collection(source)
        labels = _of_folders(images) if isinstance(source, str | Path) else images.labels
        if labels is None:
            raise ValueError(
                "a training needs a label with every image: pairs (image, label), or a folder with a folder a class"
            )
        if classes is None:
            classes = _classes(source, labels)
        numbers = {name: number for number, name in enumerate(classes)}
        if strange := next((label for label in labels if not _known(label, numbers)), None):
            raise ValueError(f"there is a label {strange!r}, and the classes are {', '.join(classes[:8])}, …")
        return cls(images, np.array([numbers.get(str(label), label) for label in labels], np.int64), tuple(classes))

    def __len__(self) -> int:
        return len(self.images)

    def images_at(self, step: int) -> Collection:
        """Each so-manieth of the images, without its label."""
        return self.part(np.arange(0, len(self), step)).images

    def part(self, chosen: np.ndarray) -> Labelled:
        """Some of the images."""
        names = tuple(self.images.names[number] for number in chosen)
        return Labelled(Collection(names, _Some(self.images, chosen)), self.targets[chosen], self.classes)


def _known(label: Any, numbers: dict[str, int]) -> bool:
    return str(label) in numbers or (isinstance(label, int) and 0 <= label < len(numbers))


def _of_folders(images: Collection) -> tuple[str, ...]:
    loose = next((name for name in images.names if "/" not in name), None)
    if loose is not None:
        raise ValueError(f"{loose!r} lies in no folder: the images of each class lie in a folder of its name")
    return tuple(name.partition("/")[0] for name in images.names)


def _classes(source: Any, labels: Sequence[Any]) -> tuple[str, ...]:
    """The names of the classes by number: as the data set says it, else the labels in their order."""
    said = getattr(source, "classes", None)
    if said is not None and all(isinstance(label, int) and 0 <= label < len(said) for label in labels):
        return tuple(" ".join(name) if isinstance(name, tuple) else str(name) for name in said)
    if all(isinstance(label, int) for label in labels) and min(labels) >= 0:
        return tuple(map(str, range(max(labels) + 1)))
    return tuple(map(str, sorted(set(labels))))


@dataclass(frozen=True, eq=False)
class _Some:
    images: Collection
    chosen: np.ndarray

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, place: int) -> np.ndarray:
        return self.images[int(self.chosen[place])]


def split(data: Labelled, part: float, seed: int) -> tuple[Labelled, Labelled]:
    """The rest, and a part of each class chosen at random."""
    rng = np.random.default_rng(seed)
    held: list[int] = []
    for label in range(len(data.classes)):
        own = rng.permutation(np.flatnonzero(data.targets == label))
        held += own[: round(part * len(own))].tolist()
    chosen = np.zeros(len(data), bool)
    chosen[held] = True
    if chosen.all() or not chosen.any():
        raise ValueError(f"{len(data)} images are too few to hold a part of {part:g} back; give validation=")
    return data.part(np.flatnonzero(~chosen)), data.part(np.flatnonzero(chosen))


def of_source(data: Any, validation: Any, part: float, seed: int) -> tuple[Labelled, Labelled]:
    """The images to train with, and those to validate with: given, in a folder's `val`, of other shapes, or a part."""
    if isinstance(data, str) and data == "shapes":
        data = Shapes()
    if isinstance(data, Shapes) and validation is None:
        validation = Shapes(
            max(200, data.count // 10), data.size, data.seed + 1, forms=data.forms, clutter=data.clutter
        )
    if isinstance(data, str | Path) and validation is None and (Path(data) / "train").is_dir():
        data, validation = Path(data) / "train", Path(data) / "val"
    train = Labelled.of(data)
    if validation is None:
        return split(train, part, seed)
    return train, Labelled.of(validation, train.classes)


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
