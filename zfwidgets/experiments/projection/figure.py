"""A projection drawn as in Fig. 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zfwidgets.drawing import format_number, new_figure, show_picture, signed_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zfwidgets.experiments.projection.result import Projection


def draw(projection: Projection) -> Figure:
    """The projection and, beside it, the patch that caused it, at the same scale (Fig. 2)."""
    top, left, bottom, right = projection.box
    figure = new_figure(6, 3.4)
    pictures = (signed_picture(projection.pixels[:, top:bottom, left:right], projection.robust_scale), projection.patch)
    titles = (f"projection, zero grey, ends ±{format_number(projection.robust_scale)}", "patch (receptive field)")
    for axes, picture, title in zip(figure.subplots(1, 2), pictures, titles, strict=True):
        show_picture(axes, picture, title)
    where = "whole map" if projection.unit is None else f"unit {projection.unit}"
    activation = f"activation {format_number(projection.activation)}"
    figure.suptitle(f"{projection.layer} · feature {projection.feature} · {where} · {activation}", fontsize=10)
    return figure
