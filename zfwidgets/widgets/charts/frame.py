"""The frame of a chart: marks and axes in a field that may have no size yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bqplot as bq
import ipywidgets as W

OVER = 1  # pixels by which the marks' field is larger than the figure, to the right and below


def framed(
    marks: Sequence[bq.Mark], axes: Sequence[bq.Axis], height: int, margins: tuple[int, int, int, int], **options: Any
) -> bq.Figure:
    """A chart `height` pixels high and as wide as there is room, with margins (top, right, bottom, left) for its axes.

    The margins are the page's, not bqplot's: it would take its own off a size that is 0 while a chart is hidden, and
    draw rectangles of a negative size. Without any it would divide by that size. So its field is always `OVER` pixels
    or more, and axes and labels stand around the figure.
    """
    top, right, bottom, left = margins
    figure = bq.Figure(
        marks=list(marks), axes=list(axes), fig_margin={"top": 0, "right": -OVER, "bottom": -OVER, "left": 0},
        display_toolbar=False,  # it would cover what is drawn
        layout=W.Layout(
            width=f"calc(100% - {left + right + OVER}px)", min_width="0", height=f"{height - top - bottom - OVER}px",
            margin=f"{top}px {right + OVER}px {bottom + OVER}px {left}px", overflow="visible",
        ),
        **options,
    )  # fmt: skip
    figure.add_class("zf-chart")
    return figure
