"""Transfer that comes with the package, so that there is something to see at once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from zfwidgets.experiments.transfer.data import labelled_data
from zfwidgets.experiments.transfer.result import Transfer
from zfwidgets.models import Network, require_network

PLACE = Path(__file__).parent / "prepared"


def prepared_transfer(net: Network, data: Any) -> Transfer | None:
    """What `zf.transfer` found beforehand, and comes with the package.

    So far of the embedded SqueezeNet and of `net.reinitialised()`, with the images that a `zf.TransferLab` offers:
    `zf.data_set("digits", 40)`, "faces", "forms" and "textures"; 1, 3, 5, 10 and 20 of each class, five splits, a
    softmax. None for any other.

    Args:
        net: the network.
        data: labelled images, as for `zf.transfer`.

    Raises:
        ValueError: images without labels, or no such data set.
        TypeError: `net` is no network.
    """
    require_network(net)
    labelled = labelled_data(data)
    if labelled.name not in {path.name for path in PLACE.iterdir()}:
        return None
    known = (found for found in _loaded(labelled.name) if found.weights == net.fingerprint)
    found = next(known, None)
    if found is None or found.images != labelled.images.result_fingerprint or found.classes != labelled.classes:
        return None
    return found if np.array_equal(found.targets, labelled.targets) else None


def save_small(found: Transfer, name: str) -> Path:
    """Put a result there, its numbers in few bytes. Returns its file."""
    path = PLACE / found.data / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    small = {"answers": np.int8, "targets": np.int8, "tests": np.int16}
    replace(found, **{field: getattr(found, field).astype(kind) for field, kind in small.items()}).save(path)
    return path


@cache
def _loaded(data: str) -> list[Transfer]:
    found = [Transfer.load(path) for path in sorted((PLACE / data).glob("*.safetensors"))]
    whole = ("answers", "targets", "tests")
    return [replace(one, **{field: getattr(one, field).astype(np.int64) for field in whole}) for one in found]
