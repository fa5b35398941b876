"""A labelled data set: images, numbered labels, and what the numbers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zfwidgets.data.collection import Collection
from zfwidgets.data.sources import images as as_collection

IN_MEMORY = 1_500_000_000  # bytes of pictures that are kept as they were read first


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images, their labels as numbers, and what the numbers mean."""

    images: Collection
    targets: np.ndarray  # (n,) int64
    classes: tuple[str, ...]
    name: str = ""  # of the data set, where it has one
    left_out: tuple[str, ...] = ()  # what lies beside the images and is none of them, in words

    @classmethod
    def of(cls, source: Any, classes: Sequence[str] | None = None) -> Labelled:
        """Whatever `zf.images` takes, with labels; a folder's are the names of its folders.

        Raises ValueError where there are no labels, or others than `classes`.
        """
        if isinstance(source, Labelled):
            return source
        images = as_collection(source)
        labels = _of_folders(images) if isinstance(source, str | Path) else images.labels
        if labels is None:
            raise ValueError("every image needs a label: give pairs (image, label), or a folder with a folder a class")
        if classes is None:
            classes = _classes(source, labels)
        numbers = {name: number for number, name in enumerate(classes)}
        if strange := next((label for label in labels if not _known(label, numbers)), None):
            raise ValueError(f"there is a label {strange!r}, and the classes are {', '.join(classes[:8])}, …")
        return cls(images, np.array([numbers.get(str(label), label) for label in labels], np.int64), tuple(classes))

    def __len__(self) -> int:
        return len(self.images)

    def kept(self, room: int) -> Labelled:
        """The same; as many images as fit into so many bytes are read once, and remembered."""
        return replace(self, images=Collection(self.images.names, _Kept(self.images, room)))

    def images_at(self, step: int) -> Collection:
        """Each so-manieth of the images, without its label."""
        return self.part(np.arange(0, len(self), step)).images

    def at_most(self, per_class: int, seed: int = 0) -> Labelled:
        """So many images of each class at most, chosen at random."""
        rng = np.random.default_rng(seed)
        own = [rng.permutation(np.flatnonzero(self.targets == label))[:per_class] for label in range(len(self.classes))]
        return self.part(np.sort(np.concatenate(own)))

    def part(self, chosen: np.ndarray) -> Labelled:
        """Some of the images."""
        names = tuple(self.images.names[number] for number in chosen)
        return replace(self, images=Collection(names, _Some(self.images, chosen)), targets=self.targets[chosen])


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


class _Kept:
    """Images that are remembered as they were read first, while there is room for them."""

    def __init__(self, images: Collection, room: int) -> None:
        self.images, self.room = images, room
        self.known: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> np.ndarray:
        found = self.known.get(place)
        if found is None:
            found = self.images[place]
            if found.nbytes <= self.room:
                self.room -= found.nbytes
                self.known[place] = found
        return found


@dataclass(frozen=True, eq=False)
class _Some:
    images: Collection
    chosen: np.ndarray

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, place: int) -> np.ndarray:
        return self.images[int(self.chosen[place])]
