"""Find a layer or a class by what a person calls it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from zfwidgets.backend.graph.layer import FeatureLayer


def find_layer(layers: Sequence[FeatureLayer], asked: Any) -> FeatureLayer | None:
    """The layer of that name or title. A title may be typed as is easiest, `stage 3 block 2` or `Conv1`: only its
    letters and numbers count, unless that fits several."""
    exact = [layer for layer in layers if asked in (layer.name, layer.title)]
    found = exact or [layer for layer in layers if _spelt(layer.title) == _spelt(asked)]
    return found[0] if len(found) == 1 else None


def nearest_layers(layers: Sequence[FeatureLayer], asked: Any) -> list[str]:
    """The names and titles that are most like what was asked for; or, when none is, the first layers' names."""
    names = [layer.name for layer in layers]
    known = dict.fromkeys([*names, *(layer.title for layer in layers)])
    return get_close_matches(str(asked), known, n=3, cutoff=0.4) or names[:3]


def class_number(labels: Sequence[str], target: int | str, network: str) -> int:
    """The number of a class of a network of that name, given by its number or label.

    Raises ValueError, with the nearest labels, when there is none.
    """
    if isinstance(target, str):
        if target in labels:
            return labels.index(target)
        near = get_close_matches(target, labels, n=3, cutoff=0.4) or labels[:3]
        raise ValueError(f"{network} knows no class {target!r}; near it: {', '.join(near)}")
    if not isinstance(target, int | np.integer) or not 0 <= target < len(labels):
        raise ValueError(f"{network} has the classes 0 to {len(labels) - 1}; {target!r} was given")
    return int(target)


def _spelt(title: Any) -> str:
    return "".join(filter(str.isalnum, str(title).casefold().replace("×", "x")))
