"""Photographs to look at from the first second, read from the files of scikit-image and scikit-learn; no network."""

import difflib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from zfwidgets.data.decode import decode

# Only photographs whose licence their package states; those of a class that ImageNet has come first. Credits: NOTICE.
_PLACES = {
    "cat": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "astronaut": ("skimage", "data/astronaut.png"),
    "camera": ("skimage", "data/camera.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "coins": ("skimage", "data/coins.png"),
    "brick": ("skimage", "data/brick.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "grass": ("skimage", "data/grass.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "hubble_deep_field": ("skimage", "data/hubble_deep_field.jpg"),
}


def photograph_names() -> tuple[str, ...]:
    """Return the names of the embedded photographs, those of a class that ImageNet knows first."""
    return tuple(_PLACES)


def photograph(name: str) -> np.ndarray:
    """Return an embedded photograph, (H, W, 3) uint8 RGB, at its own size.

    Raises:
        ValueError: no photograph has that name (the nearest names are given), or its package lacks the file.
    """
    return decode(photograph_path(name))


def photographs(names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Return embedded photographs by name, each (H, W, 3) uint8 RGB; all of them by default.

    Raises:
        ValueError: no photograph has one of the names.
    """
    return {name: photograph(name) for name in (photograph_names() if names is None else names)}


def photograph_path(name: str) -> Path:
    """Return the file of an embedded photograph, inside the package that carries it.

    Raises:
        ValueError: no photograph has that name.
    """
    if name not in _PLACES:
        raise ValueError(f"no photograph is called {name!r}; {_nearest(name)}")
    package, place = _PLACES[name]
    return package_folder(package) / place


def package_folder(package: str) -> Path:
    """Return the folder of a package whose pictures are read. Raises ValueError when it is not installed."""
    # found, not imported: importing scikit-learn takes a second, and neither package is needed for its code
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"the photographs need the package {package}, which is not installed")
    return Path(spec.submodule_search_locations[0])


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(str(name), _PLACES, n=3)
    return f"perhaps {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(_PLACES)}"
