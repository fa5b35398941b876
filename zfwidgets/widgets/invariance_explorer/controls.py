"""What stands left in the invariance explorer: a parameter's value, and the image that is transformed by it."""

from __future__ import annotations

from html import escape

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.experiments.invariance import Transformation
from zfwidgets.widgets.controls import Filled, row
from zfwidgets.widgets.geometry import PICTURE
from zfwidgets.widgets.picture import Picture, fitted
from zfwidgets.widgets.play import Play

EXPLAINED = "How much the image is transformed; arrow keys change it"
START = 0.2  # where the slider stands at first: this share of the way from the identity to the last value


class ValueSlider(Filled):
    """A slider over the values of a transformation's parameter."""

    value = T.Float(0.0, help="of the parameter")

    def __init__(self) -> None:
        self._head, self._unit, self._values, self._name = W.HTML(), "", np.zeros(1), ""
        self._left_at: dict[str, float] = {}  # where the slider stood, by transformation
        self.slider = W.SelectionSlider(options=[("0", 0.0)], readout=False, layout=W.Layout(width="auto", flex="1"))
        self.play = Play()
        self._head.add_class("zf-label")
        super().__init__([self._head, row(self.play, self.slider)])
        self.add_class("zf-value")
        self.play.observe(self._played, names="place")
        self.slider.observe(self._slid, names="value")
        self.observe(self._fill, names="value")

    def offer(self, transformation: Transformation, value: float | None = None) -> None:
        """Let the slider go over the values of a transformation; it stands where it was left.

        At first it stands at `value`, or where the image is changed, but not much.
        """
        self._values, self._unit, self._name = transformation.values, transformation.unit, transformation.name
        self.play.playing, self.play.what = False, transformation.name
        with self.fills():
            self.play.place, self.play.count = 0, len(self._values)
            self.slider.options = [(f"{number:.4g}", float(number)) for number in self._values]
        first = _first_value(transformation) if value is None else value
        self.value = self._left_at.setdefault(self._name, first)
        self._fill()

    def _slid(self, change: T.Bunch) -> None:
        if self.by_reader:
            self.value = change["new"]

    def _played(self, change: T.Bunch) -> None:
        if self.by_reader:
            self.value = float(self._values[min(change["new"], len(self._values) - 1)])

    def _fill(self, _: T.Bunch | None = None) -> None:
        """Let the slider stand at the value, or at the one of its own that is nearest."""
        self._left_at[self._name] = self.value
        self._head.value = f"<span title='{EXPLAINED}'><b>{self.value:.4g}</b> {escape(self._unit)}</span>"
        with self.fills():
            self.slider.index = self.play.place = int(np.abs(self._values - self.value).argmin())


class TransformedPicture(Picture):
    """The image as it is transformed."""

    def __init__(self, transport: str) -> None:
        size = dict.fromkeys(("width", "height", "shown_width"), PICTURE)
        super().__init__(**size, smooth=True, transport=transport, hoverable=False)
        self.add_class("zf-invariance-picture")

    def tell(self, pixels: np.ndarray, caption: str, description: str) -> None:
        """Show pixels (h, w, 3) uint8, as large as there is room."""
        width = fitted(pixels.shape[0], pixels.shape[1], PICTURE)
        self.show(pixels, shown_width=width, caption=caption, description=description)


def _first_value(transformation: Transformation) -> float:
    values = transformation.values
    begin = float(values[0]) if transformation.identity is None else transformation.identity
    return float(values[np.abs(values - begin - START * (values[-1] - begin)).argmin()])
