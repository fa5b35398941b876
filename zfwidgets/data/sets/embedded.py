"""Data sets that need no download: in packages that are installed anyway, drawn, or in the reader's own system."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zfwidgets.data.collection import Collection
from zfwidgets.data.labelled import Labelled
from zfwidgets.data.photographs import package_folder
from zfwidgets.data.sets.folders import labelled_files
from zfwidgets.data.shapes import Shapes

DRAWN = 600  # shapes
STAMPS = Path("/usr/share/tuxpaint/stamps")
KINDS = {
    "mammals": "animals/mammals", "birds": "animals/birds", "fruit": "food/fruit", "vegetables": "food/vegetables",
    "flowers": "plants/flowers",
}  # fmt: skip


def data_set(name: str, per_class: int | None = None, seed: int = 0) -> Labelled:
    """A labelled data set that needs no download.

    - "digits": 1797 handwritten digits of 8×8 pixels (scikit-learn's);
    - "faces": 100 faces and 100 pieces of photographs that are none, of 25×25 pixels (scikit-image's subset of Labeled
      Faces in the Wild);
    - "forms": 600 of `zf.Shapes`, by their form; "textures": the same by their texture;
    - "stamps": photographs of mammals, birds, fruit, vegetables and flowers, cut out on white: Tux Paint's, where they
      are installed (Debian's package `tuxpaint-stamps-default`).

    Args:
        name: one of these.
        per_class: so many images of each class at most, chosen at random; by default all.
        seed: of that choice.

    Raises:
        ValueError: there is no such data set, it is not installed (how to get it is told), or `per_class` is below 2.
    """
    if name not in EMBEDDED:
        raise ValueError(f"there is no data set {name!r} here; there are {', '.join(map(repr, EMBEDDED))}")
    if per_class is not None and per_class < 2:
        raise ValueError(f"per_class is at least 2, to learn and to test; {per_class} was given")
    found = EMBEDDED[name]()
    return found if per_class is None else found.at_most(per_class, seed)


def digits() -> Labelled:
    """Handwritten digits, without scikit-learn's import, which takes a second."""
    file = package_folder("sklearn") / "datasets" / "data" / "digits.csv.gz"
    with gzip.open(file) as stream:
        table = np.loadtxt(stream, delimiter=",")
    grey = np.rint(table[:, :-1].reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
    return _of_arrays("digits", grey, table[:, -1].astype(np.int64), tuple("0123456789"))


def faces() -> Labelled:
    """Faces, and what is none."""
    found = np.load(package_folder("skimage") / "data" / "lfw_subset.npy", allow_pickle=False)
    grey = np.rint(255 * found.clip(0, 1)).astype(np.uint8)
    return _of_arrays("faces", grey, np.repeat([0, 1], 100), ("face", "no face"))


def forms() -> Labelled:
    """Drawn shapes by form."""
    shapes = Shapes(DRAWN)
    return _of_items("forms", shapes, shapes.targets, shapes.classes)


def textures() -> Labelled:
    """The same by texture."""
    shapes = Shapes(DRAWN)
    names = [shapes.truth(place).texture for place in range(DRAWN)]
    classes = tuple(sorted(set(names)))
    return _of_items("textures", shapes, [classes.index(name) for name in names], classes)


def stamps(folder: Path = STAMPS) -> Labelled:
    """Tux Paint's photographs, where they are installed. Raises ValueError, which tells how to get them."""
    if not folder.is_dir():
        raise ValueError(
            f"the stamps are Tux Paint's, and there is no {str(folder)!r}: `apt install tuxpaint-stamps-default` puts "
            "them there on Debian and Ubuntu"
        )
    found = {kind: sorted(filter(_is_photograph, (folder / place).rglob("*.png"))) for kind, place in KINDS.items()}
    return labelled_files("stamps", found, ())


EMBEDDED: dict[str, Callable[[], Labelled]] = {
    "digits": digits, "faces": faces, "forms": forms, "textures": textures, "stamps": stamps,
}  # fmt: skip


def _is_photograph(path: Path) -> bool:
    return "cartoon" not in path.parts and not path.stem.endswith(("_mirror", "_flip"))


def _of_arrays(name: str, pictures: np.ndarray, targets: np.ndarray, classes: tuple[str, ...]) -> Labelled:
    return _of_items(name, list(pictures), targets, classes)


def _of_items(name: str, items: Any, targets: Sequence[int] | np.ndarray, classes: tuple[str, ...]) -> Labelled:
    names = tuple(f"{classes[label]} {place}" for place, label in enumerate(targets))
    return Labelled(Collection(names, items), np.asarray(targets, np.int64), classes, name)
