"""Many images, however the user has them, as one sequence with names; each is decoded when it is asked for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from zfwidgets.data.decode import decode
from zfwidgets.data.fingerprint import digits, sample
from zfwidgets.data.item import LABEL_KEYS, as_label, find_key, image_of, label_of


@dataclass(frozen=True, eq=False, repr=False)
class Collection:
    """A sequence of images: `collection[i]` is (H, W, 3) uint8 RGB, decoded anew each time; made by `images`."""

    names: tuple[str, ...]  # distinct
    items: Any  # as given: items[i] is an image, (image, label, …), or {"image": …, "label": …}
    stated: str | None = None  # what tells the contents from others, where the user says it

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return image `index` (negative counts from the end), (H, W, 3) uint8 RGB.

        Raises:
            IndexError: there is no such image.
            ValueError, TypeError: it cannot be decoded, or the data set raised whatever it was; the message begins with
                the image's name.
        """
        place = range(len(self))[index]
        item = self._item(place)
        with named(self.names[place]):
            return decode(image_of(item))

    def as_given(self, index: int) -> Any:
        """Return image `index` as it was given, without its label; it raises as `collection[index]` does."""
        place = range(len(self))[index]
        item = self._item(place)
        with named(self.names[place]):
            return image_of(item)

    def _item(self, place: int) -> Any:
        try:
            return self.items[place]
        except Exception as error:  # whatever a data set raises
            if isinstance(error, ValueError) and str(error).startswith(f"image {self.names[place]!r}: "):
                raise  # of images that are some of another collection
            raise ValueError(
                f"image {self.names[place]!r}: {type(self.items).__name__} has {len(self)} items, and gives none at "
                f"[{place}]: {type(error).__name__}: {error}"
            ) from error

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        more = ", …" if len(self) > 6 else ""
        return f"Collection({len(self)}: {', '.join(self.names[:6])}{more})"

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that tell these images from others, the same in every process and on any machine.

        They are of the names in their order, and of what `images` was told as `fingerprint`, or else of a sample of the
        contents, none of which is decoded: of files, arrays and lists at most 64 images, the first and the last among
        them (of a file its size, and at most 256 kB); of a data set 32 items, each of which is asked for twice. An
        image that cannot be read counts as such.

        Raises:
            ValueError: a data set gives another item when it is asked again.
        """
        return digits(self.names, self._contents())

    def _contents(self) -> list[bytes]:
        return sample(self.items) if self.stated is None else [b"stated", self.stated.encode()]

    @cached_property
    def result_fingerprint(self) -> str:
        """What a result keeps of the images that it was found in: `fingerprint`, or of the names only where a data set
        gives other contents each time."""
        try:
            return self.fingerprint
        except ValueError:
            return digits(self.names, [b"other contents each time"])

    @cached_property
    def former_fingerprint(self) -> str:
        """What results of version 0.1 keep instead: it is of the names only."""
        return sha256(repr(self.names).encode()).hexdigest()[:16]

    def fits(self, fingerprint: str) -> bool:
        """Whether a result with this fingerprint may have been found in these images."""
        return fingerprint in (self.former_fingerprint, self.result_fingerprint)

    @cached_property
    def labels(self) -> tuple[Any, ...] | None:
        """The images' labels, or None where there are none: boxes, masks and captions are no labels.

        A data set that lists its labels, as torchvision's and Hugging Face's do, is not read for them; any other is
        read through, once.

        Raises:
            ValueError: only some images have one.
        """
        labels = _listed_labels(self.items)
        if labels is None:
            if label_of(self._item(0)) is None:
                return None
            labels = tuple(label_of(self._item(place)) for place in range(len(self)))
        check_labels([label is not None for label in labels])
        return None if labels[0] is None else labels


@contextmanager
def named(name: str) -> Iterator[None]:
    """Whatever goes wrong with an image is a ValueError or a TypeError that begins with its name."""
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"image {name!r}: {error}") from error
    except Exception as error:
        raise ValueError(f"image {name!r}: {type(error).__name__}: {error}".removesuffix(": ")) from error


def check_labels(labelled: list[bool]) -> None:
    """Raise ValueError where some images have a label and others have none."""
    if any(labelled) and not all(labelled):
        has, lacks = labelled.index(True), labelled.index(False)
        raise ValueError(
            f"give a label with every image or with none: image {has} has a label, and image {lacks} has none"
        )


def _listed_labels(items: Any) -> tuple[Any, ...] | None:
    if hasattr(items, "features") and isinstance(columns := getattr(items, "column_names", None), list):
        key = find_key(columns, LABEL_KEYS)
        return None if key is None else tuple(map(as_label, items[key]))
    targets: Any = getattr(items, "targets", None)
    if not hasattr(targets, "__len__") or getattr(items, "target_transform", None) is not None:
        return None
    labels = tuple(map(as_label, targets)) if len(targets) == len(items) else ()
    if not labels or labels[0] is None:
        return None
    return None if isinstance(labels[0], str) and _disagrees(items[0], labels[0]) else labels


def _disagrees(item: Any, label: str) -> bool:
    """Say whether an item has another label than the listed one: torchvision's VOCDetection lists paths of files."""
    return isinstance(item, tuple | list | Mapping) and label_of(item) != label
