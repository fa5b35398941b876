"""A network drawn as a strip of its layers, to choose one from, or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log2
from pathlib import Path
from typing import Any

import anywidget
import traitlets as T

from zfwidgets.models import Network
from zfwidgets.widgets.holding import holding
from zfwidgets.widgets.play import Play

INTERVAL = 1500  # milliseconds from one layer to the next: to look at each


class NetworkStrip(anywidget.AnyWidget):
    """A cell a layer, as high as its maps are large and as wide as they are many.

    One that is chosen elsewhere and is not on the strip joins it. A click, a drag and the arrow keys choose; where
    there may be several, a click, Space and Enter put one in or out.
    """

    _esm = (Path(__file__).parent / "network_strip.js").read_text(encoding="utf-8")  # a path would hold every one made

    layers: T.List[Any] = T.List(help="what there is to choose from, in the order of the network (`drawn`)").tag(
        sync=True
    )
    chosen = T.List(T.Unicode(), help="names of the chosen layers").tag(sync=True)
    most = T.Int(1, help="how many layers may be chosen").tag(sync=True)

    def __init__(self, net: Network, names: Sequence[str], most: int = 1) -> None:
        self._net, self.names = net, tuple(names)
        super().__init__(layers=drawn(net, names), chosen=list(names[:1]), most=most)

    @property
    def label(self) -> str:
        """The titles and names of the chosen layers."""
        return ", ".join(f"{self._net.layer(name).title} · {name}" for name in self.chosen)

    def show(self, names: Sequence[str]) -> None:
        """Let these be the chosen ones; those that are not on the strip join it."""
        with holding(self):
            if set(names) - set(self.names):
                self.names = self._net.layer_names([*self.names, *names], ())
                self.layers = drawn(self._net, self.names)
            self.chosen = list(names)


class LayerStrip(NetworkStrip):
    """One layer."""

    value = T.Unicode(help="name of the layer")

    def __init__(self, net: Network, names: Sequence[str]) -> None:
        super().__init__(net, names)
        self.value = self.names[0]
        self.observe(lambda change: self.show([change["new"]]), names="value")
        self.observe(self._chosen, names="chosen")

    def _chosen(self, change: T.Bunch) -> None:
        if change["new"]:
            self.value = change["new"][0]


class LayersStrip(NetworkStrip):
    """One to `most` layers, in the order of the network."""

    value = T.Tuple(help="names of the layers")

    def __init__(self, net: Network, names: Sequence[str], most: int, report: Callable[[str, Any], None]) -> None:
        super().__init__(net, names, most)
        self.value, self._report = tuple(self.names[:1]), report
        self.observe(lambda change: self.show(change["new"]), names="value")
        self.observe(self._chosen, names="chosen")

    def _chosen(self, change: T.Bunch) -> None:
        if 1 <= len(change["new"]) <= self.most:
            self._report("layers", None)
            self.value = self._net.layer_names(change["new"], ())
        else:
            self.show(self.value)
            self._report("layers", f"choose one to {self.most} layers; {len(change['new'])} are chosen")


def played(strip: LayerStrip) -> Play:
    """A button that goes through the layers of a strip, one after another."""
    play = Play(count=len(strip.names), interval=INTERVAL, what="through the layers")

    def follow(_: Any = None) -> None:
        with holding(play):
            play.count, play.place = len(strip.names), strip.names.index(strip.value)

    strip.observe(follow, names="value")
    play.observe(lambda change: setattr(strip, "value", strip.names[change["new"]]), names="place")
    follow()
    return play


def drawn(net: Network, names: Sequence[str]) -> list[dict[str, Any]]:
    """What the page draws of layers: their names, what is said of them, and how high and wide their cells are."""
    layers = [net.layer(name) for name in names]
    largest = max(layer.height for layer in layers)
    return [
        {
            "name": layer.name,
            "title": layer.title,
            "about": about(net, layer.name),
            "tall": log2(1 + layer.height) / log2(1 + largest),
            "wide": max(1.0, log2(1 + layer.channels)),
        }
        for layer in layers
    ]


def about(net: Network, name: str) -> str:
    """A layer's maps, and what a unit of them sees, in words."""
    layer = net.layer(name)
    size = f" of {layer.height}×{layer.width}" if layer.units > 1 else ""
    kind = "classes" if net.class_of(layer.name, 0) else "maps" if size else "features"
    return f"{layer.channels} {kind}{size} · a unit sees {net.seen_from(layer.name)}"
