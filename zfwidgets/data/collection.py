"""Many images, however the user has them, as one sequence with names; each is decoded when it is asked for."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zfwidgets.data.decode import decode, suffixes
from zfwidgets.data.item import LABEL_KEYS, as_label, find_key, image_of, label_of
from zfwidgets.data.photographs import photograph_names, photograph_path
from zfwidgets.data.pixels import is_tensor


@dataclass(frozen=True, eq=False, repr=False)
class Collection:
    """A sequence of images: `collection[i]` is (H, W, 3) uint8 RGB, decoded anew each time; made by `images`."""

    names: tuple[str, ...]  # distinct
    items: Any  # as given: items[i] is an image, (image, label, …), or {"image": …, "label": …}

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return image `index` (negative counts from the end), (H, W, 3) uint8 RGB.

        Raises:
            IndexError: there is no such image.
            ValueError, TypeError: it cannot be decoded; the message begins with its name.
        """
        place = range(len(self))[index]
        item = self._item(place)
        with _named(self.names[place]):
            return decode(image_of(item))

    def as_given(self, index: int) -> Any:
        """Return image `index` as it was given, without its label; it raises as `collection[index]` does."""
        place = range(len(self))[index]
        item = self._item(place)
        with _named(self.names[place]):
            return image_of(item)

    def _item(self, place: int) -> Any:
        try:
            return self.items[place]
        except (LookupError, NotImplementedError) as error:
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
        """Sixteen hexadecimal digits that are the same for the same names in the same order."""
        return sha256(repr(self.names).encode()).hexdigest()[:16]

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
        _check_labels([label is not None for label in labels])
        return None if labels[0] is None else labels


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"image {name!r}: {error}") from error


def images(source: Any = None) -> Collection:
    """Make a named sequence of whatever images the user has.

    `source` is one of:

    - None: the embedded photographs;
    - a dictionary from names to images;
    - a sequence or a torch Dataset of images, of tuples (image, label, …), or of dictionaries {"image": …, "label": …};
    - a column of a data frame, or a data frame with a column of images and, perhaps, one of labels, in their order
      whatever the index; an array of paths;
    - a folder: every file of a kind that `decode` reads, in it and below, hidden ones left out, named and sorted by its
      path within the folder;
    - a batch: an array (N, H, W, C) or a tensor (N, C, H, W);
    - one image, as for `decode`;
    - a `Collection`, which is returned.

    Nothing is decoded before it is asked for.

    Raises:
        ValueError: there is no image in it, only some images have a label, or a dictionary in a list has no image.
        TypeError: it is none of these.
    """
    if source is None:
        return Collection(photograph_names(), [photograph_path(name) for name in photograph_names()])
    if isinstance(source, Collection):
        return source
    if isinstance(source, str | os.PathLike):
        return _of_path(Path(source).expanduser())
    if isinstance(source, Mapping):
        return _of_items(list(source.values()), [str(name) for name in source])
    if _is_table(source):
        return images(_rows(source))
    if isinstance(source, np.ndarray) or is_tensor(source):
        return _of_items(source if source.ndim == 4 else [source])
    if isinstance(source, bytes | bytearray | memoryview | Image.Image):
        return _of_items([source])
    return _of_items(_sized(source))


def _of_path(path: Path) -> Collection:
    if path.is_file():
        return _of_items([path])
    if not path.is_dir():
        raise ValueError(f"there is no file or folder {str(path)!r}")
    files = sorted(_image_files(path))
    if not files:
        raise ValueError(
            f"there is no image in the folder {str(path)!r}, nor below it; looked for {' '.join(suffixes())}"
        )
    return Collection(tuple(files), [path / name for name in files])


def _image_files(folder: Path) -> Iterator[str]:
    """Yield paths within `folder`, with forward slashes; nothing hidden: no checkpoints, no shadow files of macOS."""
    for path in folder.rglob("*"):
        within = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in within.parts)
        if path.suffix.lower() in suffixes() and not hidden and path.is_file():
            yield within.as_posix()


def _of_items(items: Any, names: Iterable[str] | None = None) -> Collection:
    if len(items) == 0:
        raise ValueError(f"there is no image in it: an empty {type(items).__name__}")
    if isinstance(items, list | tuple):
        _check_labels([label_of(item) is not None for item in items])
    names = [_name(items, index) for index in range(len(items))] if names is None else names
    return Collection(_distinct(names), items)


def _check_labels(labelled: list[bool]) -> None:
    if any(labelled) and not all(labelled):
        has, lacks = labelled.index(True), labelled.index(False)
        raise ValueError(
            f"give a label with every image or with none: image {has} has a label, and image {lacks} has none"
        )


def _name(items: Any, index: int) -> str:
    # only of what lies at hand: to ask a data set for its item could be to decode an image
    if not isinstance(items, list | tuple):
        return f"image {index}"
    with _named(f"image {index}"):
        image = image_of(items[index])
    return Path(image).name if isinstance(image, str | os.PathLike) else f"image {index}"


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Number the second and later of equal names, so that a name says which image it is."""
    taken: dict[str, None] = {}
    for name in names:
        candidate, count = name, 1
        while candidate in taken:
            count += 1
            candidate = f"{name} ({count})"
        taken[candidate] = None
    return tuple(taken)


def _is_table(source: Any) -> bool:
    """Say whether it is pandas', or an array of paths or other things, without importing pandas."""
    if isinstance(source, np.ndarray):
        return source.dtype.kind in "OSUT" and source.ndim <= 2  # of more dimensions, it is numbers
    return isinstance(source, _of_module("pandas", "DataFrame", "Series", "Index"))


def _rows(table: Any) -> Any:
    """Return a table's items in their order, whatever its index: a list; one thing for an array without dimensions."""
    if len(table.shape) > 0 and len(table) == 0:
        raise ValueError(f"there is no image in it: an empty {type(table).__name__}")
    if isinstance(table, np.ndarray):
        return (table.astype(str) if table.dtype.kind == "S" else table).tolist()
    return table.to_dict("records") if len(table.shape) == 2 else table.tolist()


def _sized(source: Any) -> Any:
    streams = isinstance(source, _of_module("torch.utils.data", "IterableDataset", "DataLoader"))
    if hasattr(source, "__getitem__") and hasattr(source, "__len__") and not streams:
        return source
    hint = "; make a list of it first" if isinstance(source, Iterable) else ""
    if hasattr(source, "batch_sampler"):
        hint = "; give its data set: loader.dataset"
    raise TypeError(
        "images are a folder, a dictionary, a sequence or torch Dataset of images or of (image, label), a batch, "
        f"or one image; this is {type(source).__module__}.{type(source).__qualname__}{hint}"
    )


def _of_module(module: str, *classes: str) -> tuple[type, ...]:
    """Return classes of a module; none where nobody imported it, and then nothing can be of them."""
    return tuple(getattr(sys.modules[module], name) for name in classes) if module in sys.modules else ()


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
