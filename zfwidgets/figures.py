"""Results drawn as in the paper, and the colours that figures and widgets share."""

from __future__ import annotations

from io import BytesIO
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zfwidgets.experiments.features import Projection
    from zfwidgets.experiments.gallery import Gallery


def signed_picture(pixels: np.ndarray, scale: float | None = None) -> np.ndarray:
    """Signed numbers (C, H, W) as a picture (H, W, 3) uint8: zero is mid-grey, ±`scale` are the ends.

    Without a scale, the largest magnitude is taken. Three channels are shown as colour, any other number as their mean.
    """
    if len(pixels) != 3:
        pixels = np.repeat(pixels.mean(axis=0, keepdims=True), 3, axis=0)
    scale = float(np.abs(pixels).max()) if scale is None else scale
    unit = np.clip(pixels / scale, -1, 1) if scale > 0 else np.zeros_like(pixels)
    return np.rint(127.5 + 127.5 * unit).astype(np.uint8).transpose(1, 2, 0)


def mosaic(tiles: np.ndarray, side: int, across: int, gap: int = 2, beyond: int = 8) -> np.ndarray:
    """Blocks of tiles (n, k, h, w, 3) uint8 as one picture with see-through joints, (H, W, 4) uint8.

    Each block is a square of its k tiles, row by row, every tile fitted into `side` pixels; `across` blocks go in a
    row. `gap` pixels lie between tiles, `beyond` between blocks (half of it around the picture).
    """
    n, k = tiles.shape[:2]
    inner, down = ceil(sqrt(k)), ceil(n / across)
    pitch = inner * side + (inner - 1) * gap + beyond
    wall = np.zeros((down * pitch, across * pitch, 4), np.uint8)
    for block, place in np.ndindex(n, k):
        fitted = fit_tile(tiles[block, place], side)
        row = block // across * pitch + beyond // 2 + place // inner * (side + gap) + (side - fitted.shape[0]) // 2
        column = block % across * pitch + beyond // 2 + place % inner * (side + gap) + (side - fitted.shape[1]) // 2
        wall[row : row + fitted.shape[0], column : column + fitted.shape[1], :3] = fitted
        wall[row : row + fitted.shape[0], column : column + fitted.shape[1], 3] = 255
    return wall


def fit_tile(tile: np.ndarray, side: int) -> np.ndarray:
    """A tile (h, w, 3) uint8 at the largest whole multiple of its own pixels in a square of `side`; or made smaller."""
    height, width = tile.shape[:2]
    times = side // max(height, width)
    if times:
        return tile.repeat(times, 0).repeat(times, 1)
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(tile).resize(size, Image.Resampling.BOX, reducing_gap=2.0))


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


def draw_gallery(gallery: Gallery) -> Figure:
    """For each feature map a square of its strongest activations: projections left, patches right (Fig. 2)."""
    across = max(1, round(sqrt(len(gallery.features))))
    down = ceil(len(gallery.features) / across)
    figure = new_figure(10, 5 * down / across + 0.5)
    side = min(120, max(40, 900 // (3 * across)))
    titles = (f"{gallery.layer}: projections ({gallery.rule}), zero grey, each on its own scale", "what the units saw")
    for axes, tiles, title in zip(figure.subplots(1, 2), (gallery.pictures(), gallery.patches), titles, strict=True):
        picture = mosaic(tiles, side, across)
        axes.imshow(picture, interpolation="antialiased")
        axes.set_title(title, fontsize=9)
        axes.axis("off")
        tall, wide = picture.shape[0] / down, picture.shape[1] / across
        for place, feature in enumerate(gallery.features):
            x, y = place % across * wide + 4, place // across * tall + 4
            box = {"facecolor": "black", "alpha": 0.6, "pad": 1, "linewidth": 0}
            axes.text(x, y, str(feature), fontsize=6, color="white", va="top", bbox=box)
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
