"""Figure 2's layout."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING

from zfwidgets.drawing import mosaic, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zfwidgets.experiments.gallery.result import Gallery


def draw(gallery: Gallery) -> Figure:
    """For each feature map a square of its strongest activations: projections left, patches right (Fig. 2)."""
    across = max(1, round(sqrt(len(gallery.features))))
    down = ceil(len(gallery.features) / across)
    figure = new_figure(10, 5 * down / across + 0.5)
    side = min(120, max(40, 900 // (3 * across)))
    titles = (
        f"{gallery.layer}: projections ({gallery.rule}), zero grey, each on its own scale",
        "patches (receptive fields)",
    )
    for axes, tiles, title in zip(figure.subplots(1, 2), (gallery.pictures(), gallery.patches), titles, strict=True):
        picture = mosaic(tiles, side, across)
        axes.imshow(picture, interpolation="antialiased")
        axes.set_title(title, fontsize=9)
        axes.axis("off")
        tall, wide = picture.shape[0] / down, picture.shape[1] / across
        for place, feature in enumerate(gallery.features):
            x, y = place % across * wide + 4, place // across * tall + 4
            box = {"facecolor": "black", "alpha": 0.6, "pad": 1, "linewidth": 0}
            axes.text(x, y, str(feature), fontsize=6, color="white", va="top", bbox=box)
    return figure
