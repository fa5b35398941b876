"""Charts in a notebook, by bqplot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bqplot as bq
import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.drawing import MARKER, PALETTE, REST, WHISKER, line_colour
from zfwidgets.widgets.charts.frame import framed

LINES = PALETTE  # one a line
TOOLTIP = {
    "opacity": 0.95,
    "padding": "2px 6px",
    "color": "var(--zf-text)",
    "background-color": "var(--zf-raised)",
    "box-shadow": "0 2px 8px var(--zf-shadow)",
}
NAME = 24  # letters of a class name that there is room for


class Bars(W.VBox):
    """One bar a name, with a whisker that reaches as far up and down as the spread."""

    def __init__(self, height: int = 220) -> None:
        self.head = W.HTML()
        self._names, self._up = bq.OrdinalScale(), bq.LinearScale(min=0, allow_padding=False)
        self._axis = bq.Axis(scale=self._up, side="left", grid_lines="none", tick_format=".3~g")
        scales = {"x": self._names, "y": self._up}
        self._bars, self._other = (
            bq.Bars(x=[], y=[], scales=scales, colors=[colour], padding=0.4) for colour in (PALETTE[0], REST)
        )
        self._whiskers = bq.Lines(x=[], y=[], scales=scales, colors=[WHISKER], stroke_width=2)
        self.figure = framed(
            [self._bars, self._other, self._whiskers], [bq.Axis(scale=self._names, grid_lines="none"), self._axis],
            height, (8, 12, 28, 52), animation_duration=0,
        )  # fmt: skip
        super().__init__([self.head, self.figure])
        self.add_class("zf-spread-bars")

    def show(
        self, head: str, names: Sequence[str], heights: Sequence[float], spreads: Sequence[float], top: float = 0.0
    ) -> None:
        """Draw; `head` is HTML, the last bar is the one that the others are held against. The axis goes up to `top`,
        or to the highest bar with its spread."""
        self.head.value = head
        values, spread = np.array(heights, float), np.nan_to_num(spreads)
        short = _short(names)
        self._names.domain = short
        ticks = _round_numbers(max(top, float((values + spread).max())))
        self._up.max, self._axis.tick_values = ticks[-1], ticks
        for bars, some in ((self._bars, slice(-1)), (self._other, slice(-1, None))):
            with bars.hold_sync():
                bars.x, bars.y = short[some], values[some]
        with self._whiskers.hold_sync():
            self._whiskers.x = [[name, name] for name in short]
            self._whiskers.y = np.stack([np.maximum(values - spread, 0), values + spread], 1)


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
        marks = [self._marker, self._lines, self._chosen, self._points]
        self.figure = framed(marks, self._axes, height, (8, 12, 44, 52), animation_duration=0)
        self.head.add_class("zf-curves-head")
        super().__init__([self.head, self.figure])
        self.add_class("zf-curves")
        for mark in (self._lines, self._points):
            mark.on_element_click(self._click)

    def show(
        self, values: np.ndarray, curves: np.ndarray, names: Sequence[str], chosen: int, top: float | None,
        bottom: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw the curves (lines, v) over values (v,), the chosen one bold; the upright axis goes from `bottom` to
        `top`, or to the highest point."""
        colours = [line_colour(line) for line in range(len(curves))]
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

    def clear(self) -> None:
        """No curves; the axes stay."""
        self._axes[1].tick_values = np.zeros(1)
        for mark in (self._lines, self._chosen, self._points):
            with mark.hold_sync():
                mark.x, mark.y = [], []

    def scale(self, low: float, high: float, parameter: str, height: str) -> None:
        """What the axes measure, and from where to where the parameter goes."""
        with self._across.hold_sync():
            self._across.min, self._across.max = low, high
        self._axes[0].tick_values = ticks(low, high)
        self._axes[0].label, self._tooltip.labels = parameter, ["image", parameter, height]

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


def _round_numbers(top: float) -> np.ndarray:
    """From 0 up to the first round number that is not below `top`."""
    power = 10.0 ** np.floor(np.log10(top)) if top > 0 else 1.0
    step = next(part * power for part in (0.2, 0.5, 1.0, 2.0) if 5 * part * power >= top)
    return step * np.arange(int(np.ceil(top / step)) + 1) if top > 0 else np.array([0.0, 1.0])


def _short(names: Sequence[str]) -> list[str]:
    """Class names that fit in front of a bar; equal ones stay apart."""
    found: list[str] = []
    for name in names:
        short = name if len(name) <= NAME else name[: NAME - 1].rstrip() + "…"
        while short in found:
            short += " "
        found.append(short)
    return found
