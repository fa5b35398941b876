"""What a wall of feature maps can be set to."""

from __future__ import annotations

from typing import Any

import traitlets as T

from zfwidgets.experiments.top_activations import TopActivations
from zfwidgets.widgets.traits import LayerName

ORDERS = {"strongest first": "strength", "rarest first": "sparsity", "by number": "index"}
SHOWS = {"patches": "patches", "projections": "projections", "side by side": "both"}
ORDERED = (
    "A feature map (channel): the same filter at every place of an image. Strongest first: by its strongest activation "
    "in all images. Rarest first: by how far the mean of its nine strongest stays below the strongest of all, which "
    "is far where only few images have what it looks for. Dead maps come last."
)


class MinedLayer(LayerName):
    """The name of a layer that was looked at."""

    def set(self, obj: Any, value: Any) -> None:
        check_looked_at(obj.net.layer(value).name, obj.layer_names)
        super().set(obj, value)


class MinedTops(T.TraitType[Any, Any]):
    """Top activations that were found with the panel's network in its images, in all layers to choose from; or None."""

    default_value = None

    def validate(self, obj: Any, value: Any) -> TopActivations | None:
        if value is not None:
            value.check(obj.net, obj.images)
            for name in obj.layer_names:
                check_looked_at(name, value.layers)
        return value


class PageNumber(T.TraitType[int, Any]):
    """The number of a page of the wall, from 0."""

    default_value = 0

    def validate(self, obj: Any, value: Any) -> int:
        if not isinstance(value, int) or not 0 <= value < obj.pages:
            raise ValueError(f"layer {obj.layer!r} has the pages 0 to {obj.pages - 1}, not {value}")
        return value


def check_looked_at(name: str, layers: tuple[str, ...]) -> None:
    """Raise ValueError, with the layers that there are, for one that was not looked at."""
    if name not in layers:
        raise ValueError(f"layer {name!r} was not looked at; these were: {', '.join(layers)}")
