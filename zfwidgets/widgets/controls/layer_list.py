"""A list of layers to choose some from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.controls.binding import Filled
from zfwidgets.widgets.controls.layout import labelled


class LayerList(Filled):
    """Several layers, in the order of the network; one that is chosen elsewhere and is not on the list joins it."""

    value = T.Tuple(help="names of the layers")

    def __init__(
        self, names: Sequence[str], order: Sequence[str], most: int, report: Callable[[str, Any], None]
    ) -> None:
        self._order, self._most, self._report = list(order), most, report
        self.list = W.SelectMultiple(options=list(names), rows=4, layout=W.Layout(width="230px"), tooltip="Layers")
        explanation = (
            f"One to {most}; hold Ctrl or ⌘ to choose several. Early layers first: later ones see more of the image "
            "(§4.1)"
        )
        super().__init__([labelled("Layers", self.list, explanation)])
        self.list.observe(self._chosen, names="value")
        self.observe(self._fill, names="value")

    def _chosen(self, change: T.Bunch) -> None:
        if not self.by_reader:
            return
        fits = 1 <= len(change["new"]) <= self._most
        words = f"choose one to {self._most} layers; {len(change['new'])} are chosen"
        self._report("layers", None if fits else words)
        if fits:
            self.value = tuple(sorted(change["new"], key=self._order.index))

    def _fill(self, _: T.Bunch) -> None:
        """Let the list show the choice."""
        if set(self.list.value) == set(self.value):
            return
        with self.fills():
            names = {*self.list.options, *self.value}
            if names - set(self.list.options):
                self.list.options = sorted(names, key=self._order.index)
            self.list.value = self.value
