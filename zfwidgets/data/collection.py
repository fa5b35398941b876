"""Many images, however the user has them, as one sequence with names; each is decoded when it is asked for."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zfwidgets.data.decode import decode
from zfwidgets.data.photographs import photograph_names, photograph_path
from zfwidgets.data.pixels import is_tensor

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@dataclass(frozen=True, eq=False, repr=False)
class Collection:
    """A sequence of images: `collection[i]` is (H, W, 3) uint8 RGB, decoded anew each time; made by `images`."""

    names: tuple[str, ...]  # distinct
    items: Any  # as given: items[i] is an image, or a pair (image, label)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return image `index` (negative counts from the end), (H, W, 3) uint8 RGB.

        Raises:
            IndexError: there is no such image.
            ValueError, TypeError: it cannot be decoded; the message begins with its name.
        """
        place = range(len(self))[index]
        item = self.items[place]
        try:
            return decode(item[0] if _is_pair(item) else item)
        except ValueError as error:
            raise ValueError(f"image {self.names[place]!r}: {error}") from error
        except TypeError as error:
            raise TypeError(f"image {self.names[place]!r}: {error}") from error

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
        """The images' labels, or None where there are none.

        A data set that lists its `targets`, as torchvision's do, is not read for them; any other is read through, once.
        """
        targets = _listed_targets(self.items)
        if targets is not None:
            return tuple(map(_plain, targets))
        if _is_pair(self.items[0]):
            return tuple(_plain(self.items[index][1]) for index in range(len(self)))
        return None


def images(source: Any = None) -> Collection:
    """Make a named sequence of whatever images the user has.

    `source` is one of:

    - None: the embedded photographs;
    - a dictionary from names to images;
    - a sequence or a torch Dataset of images, or of pairs (image, label);
    - a folder: every image file in it and below, hidden ones left out, named and sorted by its path within the folder;
    - a batch: an array (N, H, W, C) or a tensor (N, C, H, W);
    - one image, as for `decode`;
    - a `Collection`, which is returned.

    Nothing is decoded before it is asked for.

    Raises:
        ValueError: there is no image in it, or only some images have a label.
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
            f"there is no image in the folder {str(path)!r}, nor below it; looked for {' '.join(_SUFFIXES)}"
        )
    return Collection(tuple(files), [path / name for name in files])


def _image_files(folder: Path) -> Iterator[str]:
    """Yield paths within `folder`, with forward slashes; nothing hidden: no checkpoints, no shadow files of macOS."""
    for path in folder.rglob("*"):
        within = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in within.parts)
        if path.suffix.lower() in _SUFFIXES and not hidden and path.is_file():
            yield within.as_posix()


def _of_items(items: Any, names: Iterable[str] | None = None) -> Collection:
    if len(items) == 0:
        raise ValueError(f"there is no image in it: an empty {type(items).__name__}")
    if isinstance(items, list | tuple):
        _check_pairs(items)
    names = [_name(items, index) for index in range(len(items))] if names is None else names
    return Collection(_distinct(names), items)


def _check_pairs(items: list[Any] | tuple[Any, ...]) -> None:
    labelled = [_is_pair(item) for item in items]
    if any(labelled) and not all(labelled):
        has, lacks = labelled.index(True), labelled.index(False)
        raise ValueError(
            f"give a label with every image or with none: image {has} has a label, and image {lacks} has none"
        )


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple | list) and len(item) == 2


def _name(items: Any, index: int) -> str:
    # only of what lies at hand: to ask a data set for its item could be to decode an image
    item: Any = items[index] if isinstance(items, list | tuple) else None
    image = item[0] if _is_pair(item) else item
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


def _sized(source: Any) -> Any:
    if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        return source
    hint = "; make a list of it first" if isinstance(source, Iterable) else ""
    raise TypeError(
        "images are a folder, a dictionary, a sequence or torch Dataset of images or of (image, label), a batch, "
        f"or one image; this is {type(source).__module__}.{type(source).__qualname__}{hint}"
    )


def _listed_targets(items: Any) -> Any | None:
    targets = getattr(items, "targets", None)
    as_given = getattr(items, "target_transform", None) is None
    return targets if targets is not None and as_given and len(targets) == len(items) else None


def _plain(label: Any) -> Any:
    """Turn a scalar tensor or numpy scalar to the number that it holds."""
    return label.item() if hasattr(label, "item") and getattr(label, "ndim", 0) == 0 else label
