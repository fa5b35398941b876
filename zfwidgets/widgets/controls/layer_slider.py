"""A slider over the layers of a network."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as W
import traitlets as T

from zfwidgets.models import Network
from zfwidgets.widgets.controls.binding import Filled
from zfwidgets.widgets.controls.layout import labelled


class LayerSlider(Filled):
    """Some layers in the order of the network; one that is chosen elsewhere and is not among them joins them."""

    value = T.Unicode(help="name of the layer")

    def __init__(self, net: Network, names: Sequence[str], width: int = 330) -> None:
        self._net, self._names = net, list(names)
        self.slider = W.SelectionSlider(options=self._names, layout=W.Layout(width=f"{width}px"))
        super().__init__(
            [labelled("Layer", self.slider, "Early layers first: later ones see more of the image (§4.1)")]
        )
        self.value = self._names[0]
        self.slider.observe(self._moved, names="value")
        self.observe(self._fill, names="value")

    @property
    def names(self) -> tuple[str, ...]:
        """The layers to choose from."""
        return tuple(self._names)

    def _moved(self, change: T.Bunch) -> None:
        if self.by_reader:
            self.value = change["new"]

    def _fill(self, _: T.Bunch) -> None:
        with self.fills():
            if self.value not in self._names:
                self._names = list(self._net.layer_names([*self._names, self.value], ()))
                self.slider.options = self._names
            self.slider.value = self.value
