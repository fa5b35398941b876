"""A short list of images, to see only the feature maps whose strongest activations hold one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.controls import Filled, classed

ALL = "all maps"
EXPLANATION = "only maps whose strongest activations hold this image"


class ImageFilter(Filled):
    """All feature maps, or those that respond to an image: one of those behind the chosen map."""

    value = T.Unicode("", help="name of the image; empty: all maps")

    def __init__(self) -> None:
        self.list = classed(W.Dropdown(tooltip=EXPLANATION, layout=W.Layout(width="auto")), "zf-image-filter")
        self._names: tuple[str, ...] = ()
        super().__init__([self.list])
        self.add_class("zf-nine-filter")
        self.offer(())
        self.list.observe(self._chosen, names="value")
        self.observe(lambda _: self.offer(self._names), names="value")

    def offer(self, names: Sequence[str]) -> None:
        """Let these images be on the list, and the one that is chosen."""
        self._names = tuple(dict.fromkeys(names))
        chosen = [self.value] if self.value and self.value not in self._names else []
        with self.fills():  # new options put the list back to its first one, which nobody chose
            self.list.options = [(ALL, ""), *((f"with {name}", name) for name in [*chosen, *self._names])]
            self.list.value = self.value

    def _chosen(self, change: T.Bunch) -> None:
        if self.by_reader and change["new"] is not None:
            self.value = change["new"]


class HeldImage(T.TraitType[Any, Any]):
    """The name of an image that strongest activations of the layer hold; or empty, for all maps."""

    default_value = ""

    def validate(self, obj: Any, value: Any) -> str:
        if value and value not in obj.images.names:
            raise ValueError(f"there is no image {value!r}")
        if value and obj.tiles is not None and not len(obj.tiles.ranks(obj.layer, obj.order, value)):
            raise ValueError(f"no map of {obj.layer!r} has {value!r} among its strongest activations")
        return str(value)
