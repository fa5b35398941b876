"""A slider over the feature maps of a layer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.widgets.controls.binding import Filled, bind
from zfwidgets.widgets.controls.layout import classed, labelled, row
from zfwidgets.widgets.controls.orders import by_score
from zfwidgets.widgets.traits import Option


class FeatureSlider(Filled):
    """The maps in the order of their numbers, or of some score of theirs."""

    value = T.Int(0, help="number of the feature map")

    def __init__(self, order: Option) -> None:
        self._ranks = np.arange(1)
        self.slider = W.IntSlider(0, 0, 0, readout=False, layout=W.Layout(width="auto", flex="1 1 120px"))
        self.number = W.BoundedIntText(0, 0, 0, layout=W.Layout(width="60px"))
        self.place = classed(W.HTML(), "zf-feature-place")
        steps = [_step_button("◂", "the one before"), self.place, _step_button("▸", "the next one")]
        self.order_list = W.Dropdown(options=order.labels, tooltip="order", layout=W.Layout(width=f"{order.width}px"))
        classed(self.number, "zf-feature-number")
        classed(self.order_list, "zf-order")
        line = row(*steps, self.slider, classed(W.HTML("number"), "zf-feature-word"), self.number, self.order_list)
        super().__init__([labelled("Feature map", line, order.tooltip)])
        self.add_class("zf-wide")
        for button, by in ((steps[0], -1), (steps[2], 1)):
            button.on_click(lambda _, by=by: self._step(by))
        self._say_place()
        self.slider.observe(self._moved, names="value")
        self.number.observe(self._typed, names="value")

    def bind_order(self, panel: Any) -> None:
        """Let the list of orders and the panel's `order` have the same value."""
        bind(self.order_list, panel, "order")

    @property
    def position(self) -> int:
        """The slider's place, from 0."""
        return int(self.slider.value)

    def rank(self, scores: np.ndarray, order: str, value: int) -> None:
        """Take over the score of each map of a layer, by which they are ordered, and which map is chosen."""
        with self.fills():
            self._ranks = by_score(scores, order)
            self.slider.max = self.number.max = len(scores) - 1
            self.value = value
            self._fill()

    def filled(self) -> Iterable[W.Widget]:
        """Those that have a range and a value; to look for them would take as long as to set them."""
        return self.slider, self.number

    def notify_change(self, change: T.Bunch) -> None:
        """Let others hear of the choice before the controls are filled in, so that they can begin."""
        super().notify_change(change)
        if change["name"] == "value":
            self._fill()

    def _moved(self, change: T.Bunch) -> None:
        if self.by_reader:
            self.value = int(self._ranks[min(change["new"], len(self._ranks) - 1)])

    def _step(self, by: int) -> None:
        """One map on or back in the order; at the ends nothing happens."""
        self.value = int(self._ranks[min(max(self.position + by, 0), len(self._ranks) - 1)])

    def _typed(self, change: T.Bunch) -> None:
        if self.by_reader:
            self.value = change["new"]

    def _fill(self) -> None:
        """Let the controls show the chosen map."""
        with self.fills():
            self.number.max = max(self.number.max, self.value)
            self.number.value = self.value
            found = np.flatnonzero(self._ranks == self.value)
            self.slider.value = int(found[0]) if len(found) else self.slider.value
            self._say_place()

    def _say_place(self) -> None:
        self.place.value = f"{self.position + 1} of {len(self._ranks)}"


def _step_button(sign: str, tooltip: str) -> W.Button:
    return classed(W.Button(description=sign, tooltip=tooltip, layout=W.Layout(width="32px")), "zf-step")
