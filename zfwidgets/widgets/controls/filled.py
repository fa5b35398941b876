"""Controls that several panels fill by themselves, and that tell a reader's choice from their own filling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import get_ident

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.controls.controls import labelled


class Filled(W.VBox):
    """A control around another; while it sets the other one, what that says is no choice of the reader's."""

    _filling: int | None = None

    @contextmanager
    def _fills(self) -> Iterator[None]:
        self._filling = get_ident()
        try:
            yield
        finally:
            self._filling = None

    @property
    def _by_reader(self) -> bool:
        return self._filling != get_ident()


class LayerChoice(Filled):
    """A list of layers to choose some from, in the order of the network."""

    value = T.Tuple(help="names of the layers")
    complaint = T.Unicode(help="why the last choice could not be taken; empty when it could")

    def __init__(self, names: Sequence[str], order: Sequence[str], most: int) -> None:
        self._order, self._most = list(order), most
        self._list = W.SelectMultiple(options=list(names), rows=4, layout=W.Layout(width="230px"), tooltip="Layers")
        super().__init__([labelled("Layers", self._list, f"One to {most}; hold Ctrl or ⌘ to choose several. Early "
                                   "layers first: later ones see more of the image (§4.1)")])  # fmt: skip
        self._list.observe(self._chosen, names="value")
        self.observe(self._fill, names="value")

    def _chosen(self, change: T.Bunch) -> None:
        if not self._by_reader:
            return
        fits = 1 <= len(change["new"]) <= self._most
        self.complaint = "" if fits else f"choose one to {self._most} layers; {len(change['new'])} are chosen"
        if fits:
            self.value = tuple(sorted(change["new"], key=self._order.index))

    def _fill(self, _: T.Bunch) -> None:
        """Let the list show the choice; a layer that is not on it comes to it."""
        if set(self._list.value) == set(self.value):
            return
        with self._fills():
            names = {*self._list.options, *self.value}
            if names - set(self._list.options):
                self._list.options = sorted(names, key=self._order.index)
            self._list.value = self.value
