"""The control of the invariance explorer: a parameter's value."""

from __future__ import annotations

from html import escape

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.experiments.invariance import Transformation
from zfwidgets.widgets.controls import Filled


class ValueSlider(Filled):
    """A slider over the values of a transformation's parameter."""

    value = T.Float(0.0, help="of the parameter")

    def __init__(self) -> None:
        self._head, self._unit, self._values = W.HTML(), "", np.zeros(1)
        self.slider = W.SelectionSlider(
            options=[("0", 0.0)], readout=False, tooltip="How much the image is transformed; arrow keys change it",
            layout=W.Layout(width="240px"),
        )  # fmt: skip
        self._head.add_class("zf-label")
        super().__init__([self._head, self.slider])
        self.add_class("zf-value")
        self.slider.observe(self._slid, names="value")
        self.observe(self._fill, names="value")

    def offer(self, transformation: Transformation, value: float) -> None:
        """Let the slider go over the values of a transformation, and stand at one."""
        self._values, self._unit = transformation.values, transformation.unit
        with self.fills():
            self.slider.options = [(f"{number:.4g}", float(number)) for number in self._values]
        self.value = value
        self._fill()

    def _slid(self, change: T.Bunch) -> None:
        if self.by_reader:
            self.value = change["new"]

    def _fill(self, _: T.Bunch | None = None) -> None:
        """Let the slider stand at the value, or at the one of its own that is nearest."""
        self._head.value = f"<b>{self.value:.4g}</b> {escape(self._unit)}"
        with self.fills():
            self.slider.index = int(np.abs(self._values - self.value).argmin())
