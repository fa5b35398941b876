"""A labelled data set: images, numbered labels, and what the numbers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from zfwidgets.data.collection import Collection
from zfwidgets.data.sources import images as as_collection

PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}  # of a data set, each in its folder
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
        given = _of_folders(images) if isinstance(source, str | Path) else images.labels
        if given is None:
            raise ValueError("every image needs a label: give pairs (image, label), or a folder with a folder a class")
        labels = _named(source, given)
        if classes is None:
            classes = _classes(source, labels)
        numbers = {name: number for number, name in enumerate(classes)}
        targets = [_number(label, numbers) for label in labels]
        if None in targets:
            strange = labels[targets.index(None)]
            raise ValueError(f"there is a label {strange!r}, and the classes are {', '.join(classes[:8])}, …")
        return cls(images, np.array(targets, np.int64), tuple(classes))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def label_digest(self) -> str:
        """Sixteen hexadecimal digits that tell other labels of the same images."""
        return sha256(repr(self.classes).encode() + self.targets.tobytes()).hexdigest()[:16]

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

    def occurring(self) -> Labelled:
        """Without classes that no image is of."""
        there = np.unique(self.targets)
        names = tuple(self.classes[number] for number in there)
        return replace(self, targets=np.searchsorted(there, self.targets), classes=names)

    def part(self, chosen: np.ndarray) -> Labelled:
        """Some of the images."""
        names = tuple(self.images.names[number] for number in chosen)
        return replace(self, images=Collection(names, _Some(self.images, chosen)), targets=self.targets[chosen])


def _of_folders(images: Collection) -> tuple[str, ...]:
    loose = next((name for name in images.names if "/" not in name), None)
    if loose is not None:
        raise ValueError(f"{loose!r} lies in no folder: the images of each class lie in a folder of its name")
    folders = tuple(name.partition("/")[0] for name in images.names)
    if all(folder.lower() in PARTS for folder in folders) and all(name.count("/") > 1 for name in images.names):
        found = sorted(set(folders))
        raise ValueError(f"its folders are parts of a data set, {', '.join(found)}, and no classes: give one of them")
    return folders


def _named(source: Any, labels: Sequence[Any]) -> Sequence[Any]:
    """Labels by their names, where a data set says what its numbers mean; names may be numbers, and other ones."""
    if any(label != label for label in labels):
        raise ValueError("every image needs a label, and that of one is NaN")
    said = getattr(source, "classes", None)
    if said is None or not all(_is_number(label) and 0 <= label < len(said) for label in labels):
        return labels
    names = _names(said)
    return [names[label] for label in labels]


def _classes(source: Any, labels: Sequence[Any]) -> tuple[str, ...]:
    """The names of the classes by number: as the data set says it, else the labels in their order."""
    said = getattr(source, "classes", None)
    if said is not None and set(map(str, labels)) <= set(_names(said)):
        return _names(said)
    if all(_is_number(label) for label in labels) and min(labels) >= 0:
        return tuple(map(str, range(max(labels) + 1)))
    kinds = {type(label).__name__ for label in labels}
    if len(kinds) > 1:
        raise ValueError(f"labels are all numbers or all names; there are {' and '.join(sorted(kinds))}")
    return tuple(map(str, sorted(set(labels))))


def _names(said: Sequence[Any]) -> tuple[str, ...]:
    return tuple(" ".join(name) if isinstance(name, tuple) else str(name) for name in said)


def _number(label: Any, numbers: dict[str, int]) -> int | None:
    """A label's class, by its name or by its number. Raises ValueError where they would give different ones."""
    named = numbers.get(str(label))
    if not _is_number(label) or not 0 <= label < len(numbers):
        return named
    if named not in (None, label):
        raise ValueError(
            f"label {label} may be class number {label} or the class called '{label}': give names, as text"
        )
    return int(label)


def _is_number(label: Any) -> bool:
    return isinstance(label, Integral)


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
