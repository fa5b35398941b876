"""Results drawn as in the paper, and the colours that figures and widgets share."""

from __future__ import annotations

from io import BytesIO
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zfwidgets.experiments.features import Projection
    from zfwidgets.experiments.gallery import Gallery
    from zfwidgets.experiments.occlusion import Occlusion


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


OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")  # told apart by everybody
REST = "#999999"


def label_picture(label: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """A map of classes (rows, columns) in colours, (rows, columns, 3) uint8; and the colour of each class, the most
    frequent first. What is beyond the seven most frequent is grey."""
    classes, counts = np.unique(label, return_counts=True)
    ranked = classes[np.argsort(-counts, kind="stable")].tolist()
    colours = dict(zip(ranked, (*OKABE_ITO, *[REST] * len(ranked)), strict=False))
    picture = np.zeros((*label.shape, 3), np.uint8)
    for number, colour in colours.items():
        picture[label == number] = tuple(bytes.fromhex(colour[1:]))
    return picture, colours


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


def draw_occlusion(occlusion: Occlusion) -> Figure:
    """The row of Figure 7: (a) to (e); with several targets, (d) for each."""
    across = 4 + len(occlusion.targets)
    figure = new_figure(3 * across, 4.2)
    panels, below = figure.subplots(2, across, height_ratios=(3, 0.8))
    for axes in below:
        axes.axis("off")
    fall = occlusion.untouched_activity - occlusion.activity
    row, column = (int(index) for index in np.unravel_index(int(fall.argmax()), fall.shape))
    _panel(panels[0], occlusion.hidden(row, column), "(a) where hiding costs\nthe feature map most")
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


def _panel(axes: Axes, picture: np.ndarray, title: str) -> None:
    axes.imshow(picture, interpolation="nearest")
    axes.set_title(title, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])


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
    shown = list(colours)[: len(OKABE_ITO)]
    handles = [Patch(color=colours[number], label=occlusion.labels[number][:28]) for number in shown]
    if len(colours) > len(shown):
        handles.append(Patch(color=REST, label=f"{len(colours) - len(shown)} more"))
    below.legend(handles=handles, fontsize=7, loc="upper center", ncols=2, frameon=False)


def _projections(axes: Axes, below: Axes, occlusion: Occlusion) -> None:
    """Panel (c): the map projected for this image, in a black frame, and for others beside it."""
    bulk = occlusion.projection.bulk
    here = signed_picture(occlusion.projected, bulk)
    _panel(axes, here, f"(c) the map, projected\nzero grey, ends ±{said(bulk)}")
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
    axes.set_facecolor("#eeeeee")
    axes.set_title(title, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches, outside pyplot's global state, which shows itself in a notebook."""
    from matplotlib.figure import Figure

    class Drawing(Figure):
        def _repr_png_(self) -> bytes:
            png = BytesIO()
            self.savefig(png, format="png", dpi=110)
            return png.getvalue()

    return Drawing(figsize=(width, height), layout="constrained")
