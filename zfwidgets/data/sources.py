"""From however the user has images to a `Collection` of them: folders, lists, data frames, data sets, batches."""

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zfwidgets.data.collection import Collection, check_labels, named
from zfwidgets.data.decode import suffixes
from zfwidgets.data.item import image_of, label_of
from zfwidgets.data.photographs import photograph_names, photograph_path
from zfwidgets.data.pixels import is_tensor


def images(source: Any = None, *, fingerprint: str | None = None) -> Collection:
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

    `fingerprint` is any text that tells these contents from others, for a checkpoint to know them again; needed only
    where a data set gives other contents each time, as with random transforms. By default, a sample is read.

    Raises:
        ValueError: there is no image in it, only some images have a label, or a dictionary in a list has no image; an
            empty fingerprint.
        TypeError: it is none of these; a fingerprint that is no text.
    """
    collection = _collected(source)
    return collection if fingerprint is None else replace(collection, stated=_checked_fingerprint(fingerprint))


def _checked_fingerprint(given: str) -> str:
    if not isinstance(given, str):
        raise TypeError(f"fingerprint is a text of your own, such as 'my data, version 1'; this is {given!r}")
    if not given.strip():
        raise ValueError("fingerprint is a text of your own, such as 'my data, version 1'; this one is empty")
    return given


def _collected(source: Any) -> Collection:
    if source is None:
        return Collection(photograph_names(), [photograph_path(name) for name in photograph_names()])
    if isinstance(source, Collection):
        return source
    if isinstance(source, str | os.PathLike):
        return _of_path(Path(os.path.expanduser(source)))
    if isinstance(source, Mapping):
        return _of_items(list(source.values()), [str(name) for name in source])
    if _is_table(source):
        return _collected(_rows(source))
    if isinstance(source, np.ndarray) or is_tensor(source):
        return _of_items(source if source.ndim == 4 else [source])
    if isinstance(source, bytes | bytearray | memoryview | Image.Image):
        return _of_items([source])
    return _of_items(_sized(source))


def _of_path(path: Path) -> Collection:
    if os.path.isfile(path):
        return _of_items([path])
    if not os.path.isdir(path):
        other = "; it is a pipe, a socket or a device" if os.path.exists(path) else ""
        raise ValueError(f"there is no file or folder {str(path)!r}{other}")
    files = sorted(_image_files(path))
    if not files:
        raise ValueError(
            f"there is no image in the folder {str(path)!r}, nor below it; looked for {' '.join(suffixes())}"
        )
    return Collection(_distinct(files), [path / name for name in files])


def _image_files(folder: Path) -> Iterator[str]:
    """Yield paths within `folder`, with forward slashes; nothing hidden: no checkpoints, no shadow files of macOS.

    Links to files count, links to folders do not: they may lead in a circle. A folder below that cannot be read is
    left out, with a warning. Raises ValueError where `folder` itself cannot be.
    """

    def unreadable(error: OSError) -> None:
        what = f"the folder {str(error.filename)!r} cannot be read ({error.strerror})"
        if Path(error.filename) == folder:
            raise ValueError(what) from error
        warnings.warn(f"{what}, and is left out", stacklevel=2)

    for place, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(place, name)
            if not name.startswith(".") and path.suffix.lower() in suffixes() and os.path.isfile(path):
                yield path.relative_to(folder).as_posix()


def _of_items(items: Any, names: Iterable[str] | None = None) -> Collection:
    if len(items) == 0:
        raise ValueError(f"there is no image in it: an empty {type(items).__name__}")
    if isinstance(items, list | tuple):
        check_labels([label_of(item) is not None for item in items])
    names = [_name(items, index) for index in range(len(items))] if names is None else names
    return Collection(_distinct(names), items)


def _name(items: Any, index: int) -> str:
    # only of what lies at hand: to ask a data set for its item could be to decode an image
    if not isinstance(items, list | tuple):
        return f"image {index}"
    with named(f"image {index}"):
        image = image_of(items[index])
    return Path(image).name if isinstance(image, str | os.PathLike) else f"image {index}"


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Number the second and later of equal names, so that a name says which image it is.

    What a file's name has that is no UTF-8 is written with a backslash, so that a name can be shown and saved.
    """
    taken: dict[str, None] = {}
    counts: dict[str, int] = {}  # how far a name has been numbered: all numbers up to it are taken
    for given in names:
        name = given.encode("utf-8", "backslashreplace").decode()
        candidate, count = name, counts.get(name, 1)
        while candidate in taken:
            count += 1
            candidate = f"{name} ({count})"
        taken[candidate], counts[name] = None, count
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
