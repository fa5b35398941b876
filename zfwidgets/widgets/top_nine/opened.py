"""Images of the data set that were opened in a feature explorer below the wall."""

from __future__ import annotations

from typing import Any

import ipywidgets as W

from zfwidgets.widgets.feature_explorer import FeatureExplorer
from zfwidgets.widgets.top_nine.reveal import Reveal
from zfwidgets.widgets.top_nine.tiles import Tiles


class OpenedImages(W.VBox):
    """Nothing to be seen, until the first image is opened."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        self.explorer: FeatureExplorer | None = None
        self._names: dict[tuple[str, int], str] = {}  # images that are in the explorer, and their names there
        self.reveal = Reveal()
        super().__init__([self.reveal])
        self.add_class("zf-opened")

    def show(self, tiles: Tiles, layer: str, feature: int, place: int) -> None:
        """Show the image of one of a feature's activations, 0 the strongest, and its unit; scroll there."""
        panel = self._panel
        number = int(tiles.tops.images[layer][feature, place])
        unit = tuple(tiles.tops.units[layer][feature, place].tolist())
        explorer = self._explorer_on(tiles, number)
        image = self._names[tiles.images.result_fingerprint, number]
        explorer.rule = panel.rule
        explorer.selection.choose(image=image, layer=layer, feature=feature, unit=unit)
        self.reveal.reveal()

    def _explorer_on(self, tiles: Tiles, number: int) -> FeatureExplorer:
        """The explorer, among whose images is one of the data set."""
        panel, key, name = self._panel, (tiles.images.result_fingerprint, number), tiles.images.names[number]
        if self.explorer is None:
            image = {name: panel.net.reader.item(tiles.images, number)}
            start = {"layer": panel.layer, "feature": panel.feature, "rule": panel.rule}
            self.explorer = FeatureExplorer(
                panel.net, image, layers=panel.layer_names, transport=panel.transport, **start
            )
            self._names[key] = name
            self.children = [self.reveal, self.explorer]
        elif key not in self._names:
            self._names[key] = self.explorer.selection.images.add(name, panel.net.reader.item(tiles.images, number))
        return self.explorer
