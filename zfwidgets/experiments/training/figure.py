"""How a training went, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zfwidgets.drawing import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zfwidgets.experiments.training.result import Training


def draw(training: Training) -> Figure:
    """Loss and error over the epochs, of training and validation."""
    figure = new_figure(8, 3)
    for place, (quantity, of) in enumerate({"loss": lambda x: x, "accuracy": lambda x: 1 - x}.items()):
        axes = figure.add_subplot(1, 2, place + 1)
        for which, color in (("train", "#0072B2"), ("validation", "#D55E00")):
            axes.plot(training.epochs, of(getattr(training, f"{which}_{quantity}")), color=color, label=which)
        axes.set_xlabel("epoch")
        axes.set_ylabel("cross-entropy" if quantity == "loss" else "error")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)
    return figure
