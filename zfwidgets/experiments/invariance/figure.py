"""The grid of Fig. 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.drawing import line_colour, mosaic, new_figure, show_picture
from zfwidgets.experiments.invariance.result import MEASURES
from zfwidgets.models import Meaning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zfwidgets.experiments.invariance.result import Invariance


def draw(invariance: Invariance, measure: str = "distance") -> Figure:
    """A row a transformation: the first image transformed, the curves of the first and the last layer, and the
    probability (or score); one line an image."""
    layers = list(dict.fromkeys((invariance.layers[0], invariance.layers[-1])))
    rows, meaning = len(invariance.transforms), Meaning(invariance.meaning)
    figure = new_figure(2.7 + 4 * (len(layers) + 1), 2.7 * rows + 0.4)
    grid = figure.subplots(rows, len(layers) + 2, squeeze=False, width_ratios=[0.66, *[1] * (len(layers) + 1)])
    for row, transform, unit in zip(grid, invariance.transforms, invariance.units, strict=True):
        show_picture(row[0], mosaic(invariance.examples[transform][None], 120, 1), transform)
        row[0].axis("off")
        for axes, layer in zip(row[1:], layers, strict=False):
            _lines(axes, invariance.values[transform], invariance.curve(transform, layer, measure))
            axes.set_title(layer, fontsize=9)
            axes.set_ylabel(MEASURES[measure], fontsize=8)
        _lines(row[-1], invariance.values[transform], invariance.probability[transform])
        low, high = meaning.limits(invariance.probability[transform])
        row[-1].set_title(f"{meaning.quantity} of the true class", fontsize=9)
        row[-1].set_ylim(low if meaning is not Meaning.RAW else low - 0.02 * (high - low), high + 0.02 * (high - low))
        for axes in row[1:]:
            axes.set_xlabel(f"{transform}, {unit}", fontsize=8)
            axes.tick_params(labelsize=7)
    figure.legend(grid[0][1].lines, invariance.names, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure


def _lines(axes: Axes, values: np.ndarray, curves: np.ndarray) -> None:
    for index, curve in enumerate(curves):
        axes.plot(values, curve, color=line_colour(index), linewidth=1.5)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
