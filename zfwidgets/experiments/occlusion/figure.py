"""The row of panels of Fig. 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.drawing import (
    BEYOND,
    CLASSES,
    REST,
    label_picture,
    mosaic,
    new_figure,
    said,
    show_picture,
    signed_picture,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zfwidgets.experiments.occlusion.result import Occlusion


def draw(occlusion: Occlusion) -> Figure:
    """The row of Figure 7: (a) to (e); with several targets, (d) for each."""
    across = 4 + len(occlusion.targets)
    figure = new_figure(3 * across, 4.2)
    panels, below = figure.subplots(2, across, height_ratios=(3, 0.8))
    for axes in below:
        axes.axis("off")
    fall = occlusion.untouched_activity - occlusion.activity
    row, column = (int(index) for index in np.unravel_index(int(fall.argmax()), fall.shape))
    show_picture(panels[0], occlusion.hidden(row, column), "(a) where hiding costs\nthe feature map most")
    where = f"{occlusion.layer}, feature {occlusion.feature}"
    _map_panel(panels[1], occlusion, occlusion.activity, None, f"(b) {where}, summed\n{_without(occlusion)}")
    _projections(panels[2], below[2], occlusion)
    for axes, target, probability in zip(panels[3:-1], occlusion.targets, occlusion.probabilities, strict=True):
        whole = f"whole image: {said(float(occlusion.untouched[target]))}"
        _map_panel(axes, occlusion, probability, 1, f"(d) probability of {occlusion.labels[target]}\n{whole}")
    _label_panel(panels[-1], below[-1], occlusion)
    return figure


def _without(occlusion: Occlusion) -> str:
    agreement = occlusion.agreement
    told = "" if np.isnan(agreement) else f", agreement with (c) {agreement:.2f}"
    return f"whole image: {said(occlusion.untouched_activity)}{told}"


def _map_panel(axes: Axes, occlusion: Occlusion, values: np.ndarray, high: float | None, title: str) -> None:
    """A map of the square's places in magma, with a scale; every place is drawn around the square's middle."""
    image = axes.imshow(values, cmap="magma", vmin=0 if high else None, vmax=high, extent=_extent(occlusion))
    axes.figure.colorbar(image, ax=axes, shrink=0.75, pad=0.02)
    _frame(axes, occlusion, title)


def _label_panel(axes: Axes, below: Axes, occlusion: Occlusion) -> None:
    from matplotlib.patches import Patch

    picture, colours = label_picture(occlusion.label)
    axes.imshow(picture, interpolation="nearest", extent=_extent(occlusion))
    _frame(
        axes, occlusion, "(e) most probable class\nwhole image: " + occlusion.labels[int(occlusion.untouched.argmax())]
    )
    shown = list(colours)[: len(CLASSES)]
    handles = [Patch(color=colours[number], label=occlusion.labels[number][:28]) for number in shown]
    if len(colours) > len(shown):
        handles.append(Patch(color=REST, label=f"{len(colours) - len(shown)} more"))
    below.legend(handles=handles, fontsize=7, loc="upper center", ncols=2, frameon=False)


def _projections(axes: Axes, below: Axes, occlusion: Occlusion) -> None:
    """Panel (c): the map projected for this image, in a black frame, and for others beside it."""
    bulk = occlusion.projection.bulk
    here = signed_picture(occlusion.projected, bulk)
    show_picture(axes, here, f"(c) the map, projected\nzero grey, ends ±{said(bulk)}")
    axes.spines[:].set(color="black", linewidth=3)
    if len(occlusion.others):
        below.imshow(mosaic(occlusion.others[:4, None], min(here.shape[1] // 2, 120), 4))
        below.set_title("for other images", fontsize=8)


def _extent(occlusion: Occlusion) -> tuple[float, float, float, float]:
    """Left, right, bottom, top of a map of places on the image, in pixels."""
    (height, width), (down, across), (rows, columns) = occlusion.size, occlusion.stride, occlusion.label.shape
    left, top = (width - across) / 2, (height - down) / 2
    return left, left + across * columns, top + down * rows, top


def _frame(axes: Axes, occlusion: Occlusion, title: str) -> None:
    """The whole image's edges around a map of places, which ends half a square inside them."""
    height, width = occlusion.picture.shape[:2]
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_facecolor(BEYOND)
    axes.set_title(title, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])
