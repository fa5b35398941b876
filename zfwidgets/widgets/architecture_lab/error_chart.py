"""Errors of networks against how large they are, with intervals, as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bqplot as bq
import ipywidgets as W
import numpy as np
import traitlets as T
from matplotlib.ticker import LogLocator

from zfwidgets.drawing import MARKER, line_colour
from zfwidgets.widgets.charts import TOOLTIP, framed, ticks
from zfwidgets.widgets.controls import classed

HEIGHT = 270  # pixels
WORDS = {"parameters": "parameters", "macs": "multiply–adds for an image"}
BESIDE = 1.2  # what is left on both sides, as a factor


@dataclass(frozen=True)
class Point:
    """A network in the chart; errors in %."""

    name: str
    parameters: int
    macs: int
    train: float
    error: float
    low: float
    high: float
    own: bool = False  # the reader's


class ErrorChart(W.Box):
    """A point a network, its interval as an upright line; a ring where its error on the images that it learnt lies."""

    clicked = T.Any(None, help="(place, count): the point that was clicked last; the count grows with every click")

    def __init__(self) -> None:
        self._clicks = 0
        self._across, self._up = bq.LogScale(), bq.LinearScale(min=0)
        scales = {"x": self._across, "y": self._up}
        self._intervals = bq.Lines(x=[], y=[], scales=scales, stroke_width=2)
        self._tooltip = bq.Tooltip(fields=["name", "x", "y"], labels=["", "", "wrong, %"], formats=["", ",", ".3~g"])
        self._points = bq.Scatter(
            x=[], y=[], names=[], display_names=False, scales=scales, default_size=90, tooltip=self._tooltip,
            tooltip_style=TOOLTIP,
        )  # fmt: skip
        self._learnt = bq.Scatter(x=[], y=[], scales=scales, default_size=60, fill=False, stroke_width=1.5)
        self._ring = bq.Scatter(
            x=[], y=[], scales=scales, default_size=330, fill=False, stroke_width=2, colors=[MARKER]
        )
        self._axes = [
            bq.Axis(scale=self._across, grid_lines="none", tick_format="~s", label_offset="32px"),
            bq.Axis(
                scale=self._up,
                side="left",
                grid_lines="none",
                tick_format=",.3~g",
                label="wrong answers, %",
                label_offset="36px",
            ),
        ]
        marks = [self._intervals, self._learnt, self._points, self._ring]
        self.figure = framed(marks, self._axes, HEIGHT, (8, 16, 44, 52), animation_duration=0)
        super().__init__([self.figure])
        classed(self, "zf-error-chart")
        self._points.on_element_click(self._click)

    def show(self, points: Sequence[Point], across: str, chosen: int) -> None:
        """Draw the points over their parameters or multiply–adds, the chosen one in a ring."""
        x = np.array([getattr(point, across) for point in points], float)
        y = np.array([point.error for point in points])
        colours = [line_colour(int(point.own)) for point in points]
        low, high = float(x.min()) / BESIDE, float(x.max()) * BESIDE
        top = max(1.0, *(max(point.high, point.train) for point in points))
        marks = np.asarray(LogLocator(subs=(1, 2, 5)).tick_values(low, high))
        with self._across.hold_sync():
            self._across.min, self._across.max = low, high
        self._axes[0].tick_values = marks[(marks >= low) & (marks <= high)]
        self._axes[0].label = WORDS[across]
        self._up.max = min(100.0, 1.04 * top)
        self._axes[1].tick_values = ticks(0, float(self._up.max))
        with self._intervals.hold_sync():
            self._intervals.x = np.stack([x, x], 1)
            self._intervals.y = np.array([[point.low, point.high] for point in points])
            self._intervals.colors = colours
        for mark, heights in ((self._points, y), (self._learnt, np.array([point.train for point in points]))):
            with mark.hold_sync():
                mark.x, mark.y, mark.colors = x, heights, colours
        self._points.names = np.array([point.name for point in points])
        self._tooltip.labels = ["", WORDS[across], "wrong, %"]
        with self._ring.hold_sync():
            self._ring.x, self._ring.y = x[chosen : chosen + 1], y[chosen : chosen + 1]

    @property
    def shown(self) -> np.ndarray:
        """Where the points are, (n, 2): how large they are, and their errors."""
        return np.stack([self._points.x, self._points.y], 1)

    def _click(self, _: bq.Mark, message: dict[str, Any]) -> None:
        index = message["data"].get("index")
        if index is not None:
            self._clicks += 1
            self.clicked = int(index), self._clicks
