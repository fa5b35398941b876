"""Results drawn as in the paper, and the colours that figures and widgets share."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zfwidgets.experiments.features import Projection


def signed_picture(pixels: np.ndarray, scale: float | None = None) -> np.ndarray:
    """Signed numbers (C, H, W) as a picture (H, W, 3) uint8: zero is mid-grey, ±`scale` are the ends.

    Without a scale, the largest magnitude is taken. Three channels are shown as colour, any other number as their mean.
    """
    if len(pixels) != 3:
        pixels = np.repeat(pixels.mean(axis=0, keepdims=True), 3, axis=0)
    scale = float(np.abs(pixels).max()) if scale is None else scale
    unit = np.clip(pixels / scale, -1, 1) if scale > 0 else np.zeros_like(pixels)
    return np.rint(127.5 + 127.5 * unit).astype(np.uint8).transpose(1, 2, 0)


def heat(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """A map (H, W) in magma, (H, W, 3) uint8: dark is `low` (the least value by default), bright is `high`."""
    from matplotlib import colormaps

    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    unit = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return colormaps["magma"](np.clip(unit, 0, 1), bytes=True)[..., :3]


def said(number: float) -> str:
    """A number in three significant digits, without an exponent where that is readable."""
    return f"{number:,.0f}" if 999.5 <= abs(number) < 1e7 else f"{number:.3g}"


def draw_projection(projection: Projection) -> Figure:
    """The projection and, beside it, the patch that caused it, at the same scale (Fig. 2)."""
    top, left, bottom, right = projection.box
    figure = new_figure(6, 3.4)
    pictures = (signed_picture(projection.pixels[:, top:bottom, left:right], projection.bulk), projection.patch)
    titles = (f"projection, zero grey, ends ±{said(projection.bulk)}", "what the unit sees")
    for axes, picture, title in zip(figure.subplots(1, 2), pictures, titles, strict=True):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
    where = "whole map" if projection.unit is None else f"unit {projection.unit}"
    figure.suptitle(
        f"{projection.layer} · feature {projection.feature} · {where} · activation {said(projection.activation)}",
        fontsize=10,
    )
    return figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches, outside pyplot's global state, which shows itself in a notebook."""
    from matplotlib.figure import Figure

    class Drawing(Figure):
        def _repr_png_(self) -> bytes:
            png = BytesIO()
            self.savefig(png, format="png", dpi=110)
            return png.getvalue()

    return Drawing(figsize=(width, height), layout="constrained")
