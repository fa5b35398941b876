"""The controls of the player: the layers of a recording as a strip, and its epochs on a slider that plays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.experiments.evolution import Outline
from zfwidgets.widgets.controls import Filled, classed, row
from zfwidgets.widgets.play import Play


@dataclass(frozen=True)
class RecordedLayer:
    """What a strip draws of a layer."""

    name: str
    title: str
    channels: int
    height: int
    width: int

    @property
    def units(self) -> int:
        """Units in one map."""
        return self.height * self.width


class RecordedLayers:
    """The layers of a recording, as a strip asks a network for them."""

    def __init__(self, outline: Outline) -> None:
        columns = zip(outline.layers, outline.titles, outline.maps, strict=True)
        self._layers = {name: RecordedLayer(name, title, *maps) for name, title, maps in columns}
        self._fields = dict(zip(outline.layers, outline.fields, strict=True))

    def layer(self, name: str) -> RecordedLayer:
        """The layer of that name."""
        return self._layers[name]

    def layer_names(self, names: Iterable[str], _: Any = None) -> tuple[str, ...]:
        """Names in the order of the network."""
        return tuple(name for name in self._layers if name in set(names))

    def class_of(self, layer: str, feature: int) -> str:
        """No map of a recording stands for a class."""
        return ""

    def seen_from(self, layer: str) -> str:
        """What a unit sees, in words."""
        return "{}×{} pixels".format(*self._fields[layer])


class EpochSlider(Filled):
    """The epochs that there are snapshots of, one after another."""

    value = T.Int(0, help="the epoch")

    def __init__(self) -> None:
        self.epochs: tuple[int, ...] = (0,)
        self._head = classed(W.HTML(), "zf-label")
        self.slider = W.IntSlider(0, 0, 0, readout=False, layout=W.Layout(width="auto", flex="1 1 120px"))
        self.play = Play(what="through the epochs", interval=600)
        super().__init__([self._head, row(self.play, self.slider)])
        for name in ("zf-value", "zf-epoch", "zf-wide"):
            self.add_class(name)
        self.slider.observe(self._slid, names="value")
        self.play.observe(self._slid, names="place")
        self.observe(self._fill, names="value")

    def offer(self, epochs: Sequence[int], value: int) -> None:
        """Let there be these epochs, and one be chosen."""
        with self.fills():
            self.epochs = tuple(epochs)
            self.slider.max, self.play.count = len(epochs) - 1, len(epochs)
        self.value = value
        self._fill()

    def _slid(self, change: T.Bunch) -> None:
        if self.by_reader:
            self.value = self.epochs[min(change["new"], len(self.epochs) - 1)]

    def _fill(self, _: T.Bunch | None = None) -> None:
        last = f" of {self.epochs[-1]}" if len(self.epochs) > 1 else ""
        self._head.value = f"<span title='how long the network has learnt'>Epoch <b>{self.value}</b>{last}</span>"
        if self.value in self.epochs:
            with self.fills():
                self.slider.value = self.play.place = self.epochs.index(self.value)
