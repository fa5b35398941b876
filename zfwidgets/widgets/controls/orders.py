"""In which order the feature maps of a layer come."""

from __future__ import annotations

import numpy as np


def by_score(scores: np.ndarray, order: str) -> np.ndarray:
    """The numbers of the maps: by falling score, or, with the order "index", as they are counted."""
    return np.arange(len(scores)) if order == "index" else np.argsort(-scores, kind="stable")
