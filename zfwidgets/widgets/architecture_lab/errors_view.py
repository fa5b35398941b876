"""Errors against parameters, and beside them a network to build."""

from __future__ import annotations

import ipywidgets as W

from zfwidgets.widgets.architecture_lab.builder import BuilderView
from zfwidgets.widgets.architecture_lab.error_chart import ErrorChart
from zfwidgets.widgets.controls import classed

READING = (
    "Filled: images held back, with the interval in which the mean lies (95%); hollow: images learnt from. "
    "Ringed: the chosen one; orange: yours."
)


class ErrorsView(W.Box):
    """The chart, what is said of the chosen network, and the builder."""

    def __init__(self, builder: BuilderView | None) -> None:
        self.chart = ErrorChart()
        self.words = classed(W.HTML(), "zf-architecture-words")
        reading = classed(W.HTML(READING), "zf-architecture-reading")
        left = classed(W.Box([self.chart, self.words, reading]), "zf-architecture-errors")
        super().__init__([left, *([] if builder is None else [builder])])
        self.add_class("zf-architecture-both")
