"""A folder a class, as published data sets have it: images are listed by us, and whatever else lies there is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zfwidgets.data.collection import Collection
from zfwidgets.data.decode import suffixes
from zfwidgets.data.labelled import Labelled


def found_folder(root: str | os.PathLike[str], places: Sequence[str], name: str, layout: str) -> Path:
    """The first of these places below a folder that there is, or the folder itself where it ends like one of them.

    Raises ValueError, which tells the layout, where there is none.
    """
    start = Path(root).expanduser()
    wanted = [start / place for place in places]
    wanted += [start for place in places if start.name == Path(place).name]
    there = next((place for place in wanted if place.is_dir()), None)
    if there is None:
        raise ValueError(
            f"{name} is not in {str(start)!r}: put it there so that there is {layout}, or give download=True where "
            "there is a network"
        )
    return there


def downloaded(fetch: Callable[[], Any], name: str, root: str | os.PathLike[str], layout: str) -> None:
    """Fetch a data set. Raises ValueError, which says where to put it by hand, where that does not work."""
    Path(root).expanduser().mkdir(parents=True, exist_ok=True)
    try:
        fetch()
    except Exception as error:  # no network, another address, another checksum, a package that lacks
        raise ValueError(
            f"{name} could not be downloaded ({type(error).__name__}: {error}); put it into {str(root)!r} by hand, so "
            f"that there is {layout}"
        ) from error


def class_folders(folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """The images that lie directly in each folder of a folder, sorted, and in words what else there is.

    A folder without an image is there with none.
    """
    found: dict[str, list[Path]] = {}
    strays: list[str] = []
    for place in _listed(folder):
        if place.is_dir():
            found[place.name] = [path for path in _listed(place) if _is_image(path)]
            strays += [f"{place.name}/{path.name}: {_what(path)}" for path in _listed(place) if not _is_image(path)]
        else:
            strays.append(f"{place.name}: {_what(place)}")
    return found, strays


def labelled_files(name: str, classes: Mapping[str, Sequence[Path]], left_out: Sequence[str]) -> Labelled:
    """Files by class as a labelled data set; classes without any are left out, and told.

    Raises ValueError where fewer than two are left.
    """
    kept = {label: paths for label, paths in classes.items() if paths}
    told = [*left_out, *(f"{label}: no image in it" for label in classes if label not in kept)]
    if len(kept) < 2:
        raise ValueError(
            f"{name} has images of {len(kept)} class{'' if len(kept) == 1 else 'es'} there, and at least two are needed"
        )
    items = [path for paths in kept.values() for path in paths]
    names = tuple(f"{label}/{path.name}" for label, paths in kept.items() for path in paths)
    targets = np.repeat(np.arange(len(kept)), [len(paths) for paths in kept.values()])
    return Labelled(Collection(names, items), targets, tuple(kept), name, tuple(told))


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in suffixes() and path.is_file()


def _what(path: Path) -> str:
    return "a folder" if path.is_dir() else "no image"
