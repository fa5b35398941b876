"""Charts in a notebook, by bqplot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bqplot as bq
import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.drawing import MARKER, PALETTE, line_colour
from zfwidgets.widgets.charts.frame import framed

LINES = PALETTE  # one a line
TOOLTIP = {
    "opacity": 0.95,
    "padding": "2px 6px",
    "color": "var(--zf-text)",
    "background-color": "var(--zf-raised)",
    "box-shadow": "0 2px 8px var(--zf-shadow)",
}


class Curves(W.VBox):
    """Curves over one parameter, one line an image, with an upright line that marks the parameter's present value.

    A point of a line shows its image, parameter and value under the pointer; a click on it, or on the line, is told
    in `clicked`.
    """

    clicked = T.Any(None, help="(line, count): the line clicked last; the count grows with every click")

    def __init__(self, height: int = 184) -> None:
        self.head, self._clicks = W.HTML(), 0
        self._across, self._up = bq.LinearScale(), bq.LinearScale(min=0)
        scales = {"x": self._across, "y": self._up}
        self._lines = bq.Lines(x=[], y=[], scales=scales, stroke_width=1.6)
        self._chosen = bq.Lines(x=[], y=[], scales=scales, stroke_width=3.6)
        self._intervals = bq.Lines(x=[], y=[], scales=scales, stroke_width=1.5)
        self._dashed = [bq.Lines(x=[], y=[], scales=scales, line_style="dashed", stroke_width=1.6) for _ in range(2)]
        self._marker = bq.Lines(
            x=[], y=[0, 1], scales={"x": self._across, "y": bq.LinearScale(min=0, max=1)},
            colors=[MARKER], stroke_width=1.5, line_style="dashed",
        )  # fmt: skip
        self._tooltip = bq.Tooltip(fields=["name", "x", "y"], labels=["", "", ""], formats=["", ".4~g", ".3~g"])
        self._points = bq.Scatter(  # the style sheet shows only the one under the pointer
            x=[], y=[], names=[], display_names=False, scales=scales, default_size=50, tooltip=self._tooltip,
            tooltip_style=TOOLTIP,
        )  # fmt: skip
        self._axes = [
            bq.Axis(scale=self._across, grid_lines="none", tick_format=",.6~g", label_offset="32px"),
            bq.Axis(scale=self._up, side="left", grid_lines="none", tick_format=",.6~g"),
        ]
        marks = [self._marker, *self._dashed, self._lines, self._intervals, self._chosen, self._points]
        self.figure = framed(marks, self._axes, height, (8, 12, 44, 52), animation_duration=0)
        self.head.add_class("zf-curves-head")
        super().__init__([self.head, self.figure])
        self.add_class("zf-curves")
        for mark in (self._lines, self._points):
            mark.on_element_click(self._click)

    def show(
        self, values: np.ndarray, curves: np.ndarray, names: Sequence[str], chosen: int, top: float | None,
        bottom: float = 0.0, colours: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        """Draw the curves (lines, v) over values (v,), the chosen one bold; the upright axis goes from `bottom` to
        `top`, or to the highest point."""
        colours = list(colours or map(line_colour, range(len(curves))))
        end = top if top is not None and top > bottom else float(curves.max()) or 1.0
        with self._up.hold_sync():
            self._up.min, self._up.max = bottom, end
        self._axes[1].tick_values = ticks(bottom, end)
        with self._lines.hold_sync():
            self._lines.x, self._lines.y, self._lines.colors, self._lines.labels = values, curves, colours, list(names)
        with self._chosen.hold_sync():
            self._chosen.x, self._chosen.y, self._chosen.colors = values, curves[chosen], [colours[chosen]]
        with self._points.hold_sync():
            self._points.x, self._points.y = np.tile(values, len(curves)), curves.ravel()
            self._points.names = np.repeat(np.array(names), len(values))

    def dash(self, place: int, values: np.ndarray, curve: np.ndarray, colour: str) -> None:
        """Draw one of the two dashed curves, over values of its own."""
        with self._dashed[place].hold_sync():
            self._dashed[place].x, self._dashed[place].y, self._dashed[place].colors = values, curve, [colour]

    def reach(self, values: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> None:
        """Draw an interval (v,) at each value (v,) as an upright line."""
        with self._intervals.hold_sync():
            self._intervals.x, self._intervals.y = np.stack([values, values], 1), np.stack([low, high], 1)
            self._intervals.colors = [colour] * len(values)

    def clear(self) -> None:
        """No curves; the axes stay."""
        self._axes[1].tick_values = np.zeros(1)
        for mark in (self._lines, self._chosen, self._points, self._intervals, *self._dashed):
            with mark.hold_sync():
                mark.x, mark.y = [], []

    def scale(
        self, low: float, high: float, parameter: str, height: str, line: str = "image",
        at: Sequence[float] | None = None,
    ) -> None:  # fmt: skip
        """What the axes measure, from where to where the parameter goes, and where it is marked (at round numbers by
        default); and what a line stands for."""
        with self._across.hold_sync():
            self._across.min, self._across.max = low, high
        self._axes[0].tick_values = ticks(low, high) if at is None else np.array(at, float)
        self._axes[0].label, self._tooltip.labels = parameter, [line, parameter, height]

    def mark(self, value: float) -> None:
        """Put the upright line there."""
        self._marker.x = [value, value]

    @property
    def marked(self) -> float:
        """Where the upright line is."""
        return float(self._marker.x[0])

    @property
    def shown(self) -> dict[str, np.ndarray]:
        """What is on show: the curve of each image by its name."""
        return dict(zip(self._lines.labels, np.atleast_2d(self._lines.y), strict=False)) if len(self._lines.x) else {}

    def _click(self, mark: bq.Mark, message: dict[str, Any]) -> None:
        index = message["data"].get("index")
        if index is not None:
            self._clicks += 1
            line = index // max(1, len(self._lines.x)) if mark is self._points else index
            self.clicked = int(line), self._clicks


def ticks(low: float, high: float) -> np.ndarray:
    """About five round numbers from `low` to `high`."""
    wanted = (high - low) / 4
    size = 10.0 ** np.floor(np.log10(wanted))
    step = size * next(round_ for round_ in (1, 2, 2.5, 5, 10) if round_ * size >= 0.999 * wanted)
    return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
