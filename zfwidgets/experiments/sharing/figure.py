"""What maps are made of: the whole matrix, its maps in an order in which those alike stand together; or one's tree.
Shares beside what falls; and classes before and after maps were taken out."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.drawing import line_colour, new_figure
from zfwidgets.experiments.sharing.checked import SharingCheck
from zfwidgets.experiments.sharing.knock_out import KnockOut
from zfwidgets.experiments.sharing.order import alike_together
from zfwidgets.experiments.sharing.result import Sharing
from zfwidgets.models import Meaning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zfwidgets.experiments.sharing.tree import SharingBranch

FULL = 99.5  # percentile of shares that is drawn black


@singledispatch
def draw(found: Any, *choices: Any, **options: Any) -> Figure:
    """A result of this room."""
    raise TypeError(f"nothing is known of a figure for {type(found).__name__}")


@draw.register(Sharing)
def _sharing(sharing: Sharing, feature: int | None = None, layer: str | None = None, by: str = "share") -> Figure:
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


@draw.register(SharingCheck)
def _checked(checked: SharingCheck) -> Figure:
    """By what part an upper map falls, against the share of the lower map that was taken out."""
    figure = new_figure(8, 3.4)
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, weight, words in ((left, "contribution", "share"), (right, "average", "mean share over all upper maps")):
        mean, low, high = checked.correlation(weight)
        axes.plot(
            100 * getattr(checked, weight).ravel(), 100 * checked.fall.ravel(), ".", color=line_colour(0), alpha=0.5
        )
        axes.set(xlabel=f"{words} of the lower map, %")
        axes.set_title(f"rank correlation {mean:.2f} (95 %: {low:.2f} to {high:.2f})", fontsize=9)
        axes.axhline(0, color="0.7", linewidth=0.8)
    left.set(ylabel="fall of the upper map without it, %")
    return figure


@draw.register(KnockOut)
def _knock_out(found: KnockOut, classes: int = 5) -> Figure:
    """The most probable classes, before and after."""
    rows = found.top(classes)
    figure = new_figure(5.5, 0.8 + 0.45 * max(len(rows), 1))
    axes = figure.add_subplot()
    places = np.arange(len(rows))
    for shift, column, words in (
        (-0.2, 1, "whole network"),
        (0.2, 2, f"without {', '.join(map(str, found.features))}"),
    ):
        axes.barh(places + shift, [row[column] for row in rows], 0.38, color=line_colour(column - 1), label=words)
    axes.set_yticks(places, [row[0] for row in rows])
    axes.invert_yaxis()
    axes.set(xlabel=Meaning(found.meaning).quantity)
    axes.legend(fontsize=8)
    return figure


def _tree(tree: SharingBranch) -> Figure:
    depth = max(level for level, _ in tree.walk())
    figure = new_figure(1.6 + 1.5 * depth, 1.2 + 0.5 * _leaves(tree))
    axes = figure.add_subplot()
    _node(axes, tree, 0, 0)
    axes.set(xlim=(-0.5, depth + 0.6), ylim=(_leaves(tree) - 0.4, -0.6))
    axes.axis("off")
    return figure


def _node(axes: Axes, branch: SharingBranch, level: int, top: float) -> float:
    """Draw a branch and what is below it, from a height on; returns its own height."""
    heights = []
    for part in branch.branches:
        heights.append(_node(axes, part, level + 1, top))
        top += _leaves(part)
    height = float(np.mean(heights)) if heights else top
    for part, end in zip(branch.branches, heights, strict=True):
        axes.plot([level + 0.34, level + 0.66], [height, end], color="0.5", linewidth=0.5 + 24 * part.share, zorder=0)
        axes.text(level + 0.5, (height + end) / 2, f"{part.share:.0%}", fontsize=7, ha="center", va="center")
    colour = "black" if branch.stable else "0.6"
    axes.text(level, height, f"{branch.title}\n{branch.feature}", fontsize=8, ha="center", va="center", color=colour)
    return height


def _leaves(branch: SharingBranch) -> int:
    return sum(map(_leaves, branch.branches)) or 1
