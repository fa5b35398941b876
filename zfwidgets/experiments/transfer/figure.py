"""Accuracy against images a class, a line a layer (Fig. 9), and layer by layer with the most (Table 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from zfwidgets.drawing import REST, layer_colours, new_figure
from zfwidgets.experiments.transfer.papers import paper_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zfwidgets.experiments.transfer.result import Transfer


APART = 0.12  # of a layer's place, left and right of it: two networks side by side


def draw(found: Transfer, beside: Transfer | None = None) -> Figure:
    """The curve of every layer with its 95 % interval, and the accuracy of each after the most images.

    `beside` is another result of the same layers, such as of the network before its training: hollow, on the left. With
    one number of images a class there are no curves, but for the paper's.
    """
    has_curves = len(found.per_class) > 1 or paper_beside(found) is not None
    figure = new_figure(10 if has_curves else 6, 4)
    if has_curves:
        curves, layers = figure.subplots(1, 2, width_ratios=(3, 2))
        _draw_curves(curves, found)
    else:
        layers = figure.subplots()
        layers.set_ylabel("right answers, mean of classes, %")
    _draw_layers(layers, found, "full", 0 if beside is None else APART)
    if beside is not None:
        _draw_layers(layers, beside, "none", -APART)
    layers.axhline(100 * found.chance, color=REST, linestyle=":")
    layers.set_xticks(range(len(found.titles)), found.titles, rotation=60, ha="right", fontsize=8)
    layers.set(ylim=(0, 102))
    what = f"{found.network} on {found.data}: {found.classifier} on frozen features"
    hollow = "" if beside is None else f"\nhollow: {beside.network}"
    intervals = f"{found.per_class[-1]} images a class, with 95 % intervals{hollow}"
    layers.set_title(intervals if has_curves else f"{what}\n{intervals}", fontsize=9)
    if has_curves:
        curves.set_title(what, fontsize=9)
    return figure


def _draw_curves(axes: Axes, found: Transfer) -> None:
    for layer, title, colour in zip(found.layers, found.titles, layer_colours(len(found.layers)), strict=True):
        means, _, lows, highs = 100 * np.array([found.estimate(layer, count) for count in found.per_class]).T
        axes.plot(found.per_class, means, "o-", color=colour, label=title, markersize=4)
        axes.fill_between(found.per_class, lows, highs, color=colour, alpha=0.12, linewidth=0)
    _draw_paper(axes, found)
    axes.axhline(100 * found.chance, color=REST, linestyle=":", label="chance")
    axes.set(xlabel="images of each class that were learnt from", ylabel="right answers, mean of classes, %")
    axes.set(ylim=(0, 102), xlim=(0, None))
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))


def _draw_layers(axes: Axes, found: Transfer, style: Literal["full", "none"], apart: float) -> None:
    for place, (layer, colour) in enumerate(zip(found.layers, layer_colours(len(found.layers)), strict=True)):
        mean, _, low, high = found.estimate(layer)
        reach = [[100 * (mean - low)], [100 * (high - mean)]]
        axes.errorbar(place + apart, 100 * mean, yerr=reach, fmt="o", color=colour, capsize=3, fillstyle=style)


def _draw_paper(axes: Axes, found: Transfer) -> None:
    paper = paper_beside(found)
    if paper is not None:
        axes.plot(paper.per_class, paper.pretrained, "s--", color=REST, label="the paper's ZFNet", markersize=4)
        axes.plot(paper.per_class, paper.earlier, "x--", color=REST, label="best before it", markersize=4)
