"""The chosen tile's image in a feature explorer, with the network as it was after that epoch."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W

from zfwidgets.experiments.evolution import Evolution
from zfwidgets.models import Network
from zfwidgets.widgets.feature_explorer import FeatureExplorer

Networks = Callable[[int], Network]


class OpenedEpoch(W.VBox):
    """Nothing to be seen, until the first tile is opened."""

    def __init__(self, networks: Networks | None, transport: str) -> None:
        self._networks, self._transport = networks, transport
        self.explorer: FeatureExplorer | None = None
        super().__init__()
        self.add_class("zf-opened")

    def show(self, evolution: Evolution, layer: str, row: int, place: int, epoch: int) -> None:
        """Open a tile. Raises ValueError where its picture is missing."""
        if self._networks is None:
            raise ValueError("give networks=, a function from an epoch to its zf.Network")
        snapshot = evolution.snapshot(epoch)
        number = int(snapshot.images[layer][row, place])
        if number not in evolution.pictures:
            raise ValueError(f"the picture of image {number} is missing in the recording")
        if self.explorer is not None:
            self.explorer.close()
        unit = tuple(snapshot.units[layer][row, place].tolist())
        self.explorer = FeatureExplorer(
            self._networks(epoch), {f"image {number}, after epoch {epoch}": evolution.pictures[number]},
            layer=layer, feature=int(snapshot.features[layer][place]), unit=unit, transport=self._transport,
        )  # fmt: skip
        self.children = [self.explorer]
