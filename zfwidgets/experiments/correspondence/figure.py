"""Hidden parts, and Table 1 as bars."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.drawing import PALETTE, REST, new_figure, show_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zfwidgets.experiments.correspondence.result import Correspondence

WIDE = 8  # letters of a part's name in a line, under its bar


def draw(correspondence: Correspondence) -> Figure:
    """Above, the pictures with each part hidden (Fig. 8); below, Δ for each part and at random, layer by layer."""
    parts, images = correspondence.parts, len(correspondence.names)
    figure = new_figure(max(7, 1.3 * images), 1.3 * len(parts) + 3)
    halves: Any = figure.subfigures(2, 1, height_ratios=(1.3 * len(parts), 3))
    above, below = halves
    grid = above.subplots(len(parts), images, squeeze=False)
    for row, part in zip(grid, parts, strict=True):
        for axes, picture in zip(row, correspondence.hidden(part), strict=True):
            show_picture(axes, picture, "")
        row[0].set_ylabel(part, fontsize=9)
    for axes, layer in zip(
        np.atleast_1d(below.subplots(1, len(correspondence.layers))), correspondence.layers, strict=True
    ):
        _bars(axes, correspondence, layer)
    return figure


def _bars(axes: Axes, correspondence: Correspondence, layer: str) -> None:
    names = (*correspondence.parts, "random")
    heights = [correspondence.delta(name, layer) for name in names]
    spreads = [np.nan_to_num(correspondence.spread(name, layer)) for name in names]
    colours = [*[PALETTE[0]] * len(correspondence.parts), REST]
    axes.bar(range(len(names)), heights, yerr=spreads, color=colours, capsize=3, error_kw={"linewidth": 1})
    elsewhere = [correspondence.chance[f"{part}/{layer}"].mean() for part in correspondence.parts]
    axes.plot(
        range(len(elsewhere)), elsewhere, "D", color=REST, markeredgecolor="black", markersize=5,
        label="the same masks elsewhere",
    )  # fmt: skip
    axes.legend(fontsize=7, loc="lower right")
    said = [f"{fill(name, WIDE)}\np = {correspondence.p_value(name, layer):.2g}" for name in correspondence.parts]
    axes.set_xticks(range(len(names)), [*said, "random"], fontsize=8)
    axes.set_title(f"{layer}: share of signs that differ", fontsize=9)
