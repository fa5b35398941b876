"""What maps are made of: the whole matrix, its maps in an order in which those alike stand together; or one's tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.drawing import new_figure
from zfwidgets.experiments.sharing.order import alike_together

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zfwidgets.experiments.sharing.result import Sharing
    from zfwidgets.experiments.sharing.tree import Branch

FULL = 99.5  # percentile of shares that is drawn black


def draw(sharing: Sharing, feature: int | None = None, layer: str | None = None, by: str = "share") -> Figure:
    """The matrix between a layer (the first by default) and the next; or the tree of one of its maps."""
    if feature is not None:
        return _tree(sharing.chain(feature, layer=layer, by=by))
    links = sharing.links(layer)
    titles = dict(zip(sharing.layers, sharing.titles, strict=True))
    numbers = links.lift if by == "lift" else links.share
    rows, columns = alike_together(links.share), alike_together(links.share.T)
    figure = new_figure(7, 5.6)
    axes = figure.add_subplot()
    shown = axes.imshow(
        numbers[np.ix_(rows, columns)], cmap="Greys", vmin=0, vmax=np.percentile(numbers, FULL) or 1,
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    axes.set(ylabel=f"feature maps of {titles[links.upper]}", xlabel=f"feature maps of {titles[links.lower]}")
    axes.set_title(
        "what is each made of? (rows sum to 1)" if by == "share" else "… more than the mean map", fontsize=10
    )
    figure.colorbar(shown, label=by, extend="max")
    return figure


def _tree(tree: Branch) -> Figure:
    depth = max(level for level, _ in tree.walk())
    figure = new_figure(1.6 + 1.5 * depth, 1.2 + 0.5 * _leaves(tree))
    axes = figure.add_subplot()
    _node(axes, tree, 0, 0)
    axes.set(xlim=(-0.5, depth + 0.6), ylim=(_leaves(tree) - 0.4, -0.6))
    axes.axis("off")
    return figure


def _node(axes: Axes, branch: Branch, level: int, top: float) -> float:
    """Draw a branch and what is below it, from a height on; returns its own height."""
    heights = []
    for part in branch.parts:
        heights.append(_node(axes, part, level + 1, top))
        top += _leaves(part)
    height = float(np.mean(heights)) if heights else top
    for part, end in zip(branch.parts, heights, strict=True):
        axes.plot([level + 0.34, level + 0.66], [height, end], color="0.5", linewidth=0.5 + 24 * part.share, zorder=0)
        axes.text(level + 0.5, (height + end) / 2, f"{part.share:.0%}", fontsize=7, ha="center", va="center")
    colour = "black" if branch.stable else "0.6"
    axes.text(level, height, f"{branch.title}\n{branch.feature}", fontsize=8, ha="center", va="center", color=colour)
    return height


def _leaves(branch: Branch) -> int:
    return sum(map(_leaves, branch.parts)) or 1
