"""Which layers' features are tried, where nobody says it."""

from __future__ import annotations

import numpy as np

from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.models import Network

MOST_LAYERS = 9


def spread_layers(net: Network) -> tuple[FeatureLayer, ...]:
    """So many layers as a table has room for, from the first to the last."""
    found = net.block_layers
    places = np.unique(np.linspace(0, len(found) - 1, min(len(found), MOST_LAYERS)).round().astype(int))
    return tuple(found[place] for place in places)
