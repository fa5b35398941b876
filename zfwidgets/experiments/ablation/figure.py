"""Error against parameters, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zfwidgets.drawing import line_colour, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zfwidgets.experiments.ablation.result import Ablation


def draw(found: Ablation) -> Figure:
    """A point a variant: its validation error over its parameters, and hollow its train error."""
    figure = new_figure(8, 4.4)
    axes = figure.add_subplot()
    for place, name in enumerate(found.variants):
        mean, _, low, high = found.error(name)
        where, colour = found.parameters[place], line_colour(place)
        reach = [[100 * (mean - low)], [100 * (high - mean)]]
        axes.errorbar(where, 100 * mean, yerr=reach, fmt="o", color=colour, capsize=3, label=name)
        axes.plot(where, 100 * found.error(name, "train")[0], "o", color=colour, fillstyle="none")
    axes.set(xscale="log", xlabel="parameters", ylabel="wrong answers, %", ylim=(0, None))
    axes.set_title("filled: held-back images, with 95 % intervals; hollow: images learnt from", fontsize=9)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
