"""The row of panels of Fig. 7."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.drawing import (
    BEYOND,
    CLASSES,
    NOW,
    REST,
    format_number,
    label_picture,
    mosaic,
    new_figure,
    show_picture,
    signed_picture,
)
from zfwidgets.experiments.occlusion.hiding import Hiding
from zfwidgets.experiments.occlusion.result import Occlusion
from zfwidgets.experiments.projection import robust_scale
from zfwidgets.experiments.result import Result
from zfwidgets.models import Meaning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Limits = tuple[float, float] | None  # where a scale of colours begins and ends


@singledispatch
def draw(result: Result) -> Figure:
    """A result of this room."""
    raise TypeError(f"there is no figure of {type(result).__name__}")


@draw.register(Hiding)
def _(hiding: Hiding) -> Figure:
    """The image whole and hidden; of both the map's projection, and the probabilities."""
    figure = new_figure(11, 6)
    rows = figure.subplots(2, 3, width_ratios=(1, 1, 1.3))
    end = max(robust_scale(pixels) for pixels in hiding.projected)
    for row, title, picture, pixels, values in zip(
        rows, ("whole image", "hidden"), hiding.pictures, hiding.projected, hiding.probability, strict=True
    ):
        show_picture(row[0], picture, title)
        sees = f"{hiding.layer}, feature {hiding.feature}, projected\nzero grey, ends ±{format_number(end)}"
        show_picture(row[1], signed_picture(pixels, end), sees)
        _answers(row[2], hiding, values)
    return figure


def _answers(axes: Axes, hiding: Hiding, values: np.ndarray) -> None:
    """The most probable classes of either image (or those of the highest scores), and the target, as bars."""
    ranked = np.argsort(-hiding.probability.max(0), kind="stable")[:5].tolist()
    shown = [*ranked, hiding.target] if hiding.target not in ranked else ranked
    axes.barh(range(len(shown)), values[shown], color=NOW)
    axes.set_yticks(range(len(shown)), [hiding.labels[number][:24] for number in shown], fontsize=7)
    axes.set_xlim(*Meaning(hiding.meaning).limits(0.0, hiding.probability[:, shown]))
    axes.set_title(Meaning(hiding.meaning).quantity, fontsize=9)
    axes.invert_yaxis()


@draw.register(Occlusion)
def _(occlusion: Occlusion) -> Figure:
    """The row of Figure 7: (a) to (e); with several targets, (d) for each."""
    across, meaning = 4 + len(occlusion.targets), Meaning(occlusion.meaning)
    figure = new_figure(3 * across, 4.2)
    panels, below = figure.subplots(2, across, height_ratios=(3, 0.8))
    for axes in below:
        axes.axis("off")
    fall = occlusion.unoccluded_activity - occlusion.activity
    row, column = (int(index) for index in np.unravel_index(int(fall.argmax()), fall.shape))
    show_picture(panels[0], occlusion.hidden(row, column), "(a) where hiding costs\nthe feature map most")
    where = f"{occlusion.layer}, feature {occlusion.feature}"
    _map_panel(panels[1], occlusion, occlusion.activity, None, f"(b) {where}, summed\n{_without(occlusion)}")
    _projections(panels[2], below[2], occlusion)
    for axes, target, probability in zip(panels[3:-1], occlusion.targets, occlusion.probabilities, strict=True):
        whole = f"whole image: {format_number(float(occlusion.unoccluded[target]))}"
        title = f"(d) {meaning.quantity} of {occlusion.labels[target]}\n{whole}"
        _map_panel(axes, occlusion, probability, meaning.limits(probability), title)
    _label_panel(panels[-1], below[-1], occlusion)
    return figure


def _without(occlusion: Occlusion) -> str:
    agreement = occlusion.agreement
    words = "" if np.isnan(agreement) else f", agreement with (c) {agreement:.2f}"
    return f"whole image: {format_number(occlusion.unoccluded_activity)}{words}"


def _map_panel(axes: Axes, occlusion: Occlusion, values: np.ndarray, limits: Limits, title: str) -> None:
    """A map of the square's places in magma, with a scale, by default from the least value to the largest; every place
    is drawn around the square's middle."""
    low, high = limits or (None, None)
    image = axes.imshow(values, cmap="magma", vmin=low, vmax=high, extent=_extent(occlusion))
    axes.figure.colorbar(image, ax=axes, shrink=0.75, pad=0.02)
    _frame(axes, occlusion, title)


def _label_panel(axes: Axes, below: Axes, occlusion: Occlusion) -> None:
    from matplotlib.patches import Patch

    picture, colours = label_picture(occlusion.label)
    axes.imshow(picture, interpolation="nearest", extent=_extent(occlusion))
    whole = occlusion.labels[int(occlusion.unoccluded.argmax())]
    _frame(axes, occlusion, f"(e) {Meaning(occlusion.meaning).first}\nwhole image: {whole}")
    shown = list(colours)[: len(CLASSES)]
    handles = [Patch(color=colours[number], label=occlusion.labels[number][:28]) for number in shown]
    if len(colours) > len(shown):
        handles.append(Patch(color=REST, label=f"{len(colours) - len(shown)} more"))
    below.legend(handles=handles, fontsize=7, loc="upper center", ncols=2, frameon=False)


def _projections(axes: Axes, below: Axes, occlusion: Occlusion) -> None:
    """Panel (c): the map projected for this image, in a black frame, and for others beside it."""
    robust_scale = occlusion.projection.robust_scale
    here = signed_picture(occlusion.projected, robust_scale)
    show_picture(axes, here, f"(c) the map, projected\nzero grey, ends ±{format_number(robust_scale)}")
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
