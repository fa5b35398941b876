"""An empty figure, and what all figures have in common."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches, outside pyplot's global state, which shows itself in a notebook."""
    from matplotlib.figure import Figure

    class Drawing(Figure):
        def _repr_png_(self) -> bytes:
            png = BytesIO()
            self.savefig(png, format="png", dpi=110)
            return png.getvalue()

    return Drawing(figsize=(width, height), layout="constrained")


def show_picture(axes: Axes, picture: np.ndarray, title: str) -> None:
    """A picture under its title, without ticks."""
    axes.imshow(picture, interpolation="nearest")
    axes.set_title(title, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])
