"""Figure 4's layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.drawing import NOW, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zfwidgets.experiments.evolution.result import Evolution


def draw(evolution: Evolution, layer: str, row: int, features: int = 8) -> Figure:
    """A row a feature map, a column an epoch: its projection, each on its own contrast (Fig. 4). A bar above a tile
    says that another image was the strongest from there on."""
    count = min(features, len(evolution.outline.features[layer]))
    columns = max(1, len(evolution.snapshots))
    figure = new_figure(0.9 * columns + 0.8, 0.9 * count + 0.8)
    axes = np.array(figure.subplots(count, columns, squeeze=False))
    changed = evolution.changed_image(layer)
    for place in range(count):
        for column, snapshot in enumerate(evolution.snapshots):
            shown = axes[place, column]
            shown.imshow(evolution.tile(snapshot.epoch, layer, place, row), interpolation="antialiased")
            shown.set(xticks=[], yticks=[])
            if row == 0 and changed[place, column]:
                shown.spines["left"].set(color=NOW, linewidth=3)
            if place == 0:
                shown.set_title(f"{snapshot.epoch}", fontsize=8)
        axes[place, 0].set_ylabel(evolution.outline.features[layer][place], fontsize=8, rotation=0, labelpad=12)
    title = dict(zip(evolution.layers, evolution.outline.titles, strict=True))[layer]
    figure.suptitle(f"{title}: {'strongest over all images' if row == 0 else 'anchored to one image'}, by epoch",
                    fontsize=9)  # fmt: skip
    return figure
