"""Error against parameters, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zfwidgets.drawing import PALETTE, line_colour, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zfwidgets.experiments.ablation.papers import PaperRow
    from zfwidgets.experiments.ablation.result import Ablation


def draw(found: Ablation) -> Figure:
    """A point a variant: its validation error over its parameters, and hollow its train error."""
    figure = new_figure(8, 4.4)
    axes = figure.add_subplot()
    for place, name in enumerate(found.variants):
        mean, _, low, high = found.error(name)
        where, colour = found.parameters[place], line_colour(place)
        reach = [[100 * (mean - low)], [100 * (high - mean)]]
        axes.errorbar(where, 100 * mean, yerr=reach, fmt=_marker(place), color=colour, capsize=3, label=name)
        axes.plot(where, 100 * found.error(name, "train")[0], _marker(place), color=colour, fillstyle="none")
    _explain(axes, "filled: held-back images, with 95 % intervals; hollow: images learnt from")
    return figure


def draw_papers(rows: Sequence[PaperRow]) -> Figure:
    """The same of the paper's own table, which has no intervals."""
    figure = new_figure(8, 4.4)
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        colour = line_colour(place)
        axes.plot(row.parameters, row.validation, _marker(place), color=colour, label=row.variant)
        axes.plot(row.parameters, row.train, _marker(place), color=colour, fillstyle="none")
    _explain(axes, "filled: ImageNet's validation images; hollow: images learnt from")
    return figure


def _marker(place: int) -> str:
    """Colours come again, and then with another marker."""
    return "os^v"[place // len(PALETTE) % 4]


def _explain(axes: Axes, title: str) -> None:
    axes.set(xscale="log", xlabel="parameters", ylabel="wrong answers, %", ylim=(0, None))
    axes.set_title(title, fontsize=9)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
