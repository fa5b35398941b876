"""The pictures of one feature in one image: the photograph, the map, the patch and its projection."""

from __future__ import annotations

import ipywidgets as W

from zfwidgets.drawing import format_number, heat, signed_picture
from zfwidgets.experiments.projection import ImageFeatures, Projection
from zfwidgets.widgets.controls import classed, probability_bars, titled
from zfwidgets.widgets.geometry import PHOTOGRAPH
from zfwidgets.widgets.picture import Picture, fitted


class FeatureView(W.Box):
    """The photograph with the receptive field on it; beside it what the feature makes of it."""

    def __init__(self, classifies: bool, transport: str) -> None:
        self.photograph = Picture(shown_width=PHOTOGRAPH, smooth=True, transport=transport, hoverable=False)
        self.map = Picture(transport=transport, hoverable=False, description="Activation map; arrow keys choose a unit")
        self.patch = Picture(transport=transport, hoverable=False)
        self.projection = Picture(transport=transport, hoverable=False)
        self.prediction = W.HTML()
        quarters = [
            titled("Where it responds", classed(self.map, "zf-map"), "zf-quarter"),
            titled("What the network says", classed(self.prediction, "zf-prediction"), "zf-quarter"),
            titled("Patch (receptive field)", classed(self.patch, "zf-patch"), "zf-quarter"),
            titled("Projection", classed(self.projection, "zf-projection"), "zf-quarter"),
        ]
        beside = W.Box(quarters if classifies else [quarters[0], *quarters[2:]])
        super().__init__([self.photograph, beside])
        self.photograph.add_class("zf-photograph")
        beside.add_class("zf-quarters")
        self.add_class("zf-pictures")

    def show(self, features: ImageFeatures, result: Projection, name: str, scale: str, chosen: bool) -> None:
        """Draw all pictures; `name` is the image's, `scale` says what full colour stands for, `chosen` whether somebody
        has chosen the unit.

        Each goes out as soon as it is drawn, so what changes most comes first.
        """
        self._show_patches(features, result, scale)
        self._show_map(features, result, chosen)
        self._show_photograph(features, result, name)
        if features.net.classifies:
            self.prediction.value = probability_bars(features.prediction.top(6), features.prediction.meaning)

    def _show_photograph(self, features: ImageFeatures, result: Projection, name: str) -> None:
        self.photograph.show(
            features.picture,
            boxes=[] if result.unit is None else [result.box],
            shown_width=fitted(features.picture.shape[0], features.picture.shape[1], PHOTOGRAPH),
            caption=f"{name} · a unit of {result.layer} sees {features.net.seen_from(result.layer)}",
        )

    def _show_map(self, features: ImageFeatures, result: Projection, chosen: bool) -> None:
        maps = features.maps(result.layer)
        values, named = maps[result.feature], features.net.class_of(result.layer, result.feature)
        flat = values.min() == values.max()
        low, high = map(float, (maps.min(), maps.max()) if flat else (values.min(), values.max()))
        found = f"{format_number(low)} (dark) to {format_number(high)} (bright)"
        if values.max() <= 0:
            found = "silent on this image"
        elif flat:
            found = f"{format_number(values.flat[0])}, of the layer's {found}"
        # a chosen unit is outlined already, or one that was chosen since and is not drawn yet
        outlined = {} if chosen else {"cell": result.unit}
        self.map.show(
            heat(values, low, high),
            cells=values.shape,
            shown_width=fitted(*values.shape),
            caption=f"feature {result.feature} · {named or f'{values.shape[0]}×{values.shape[1]} units'}\n{found}",
            **outlined,
        )

    def _show_patches(self, features: ImageFeatures, result: Projection, scale: str) -> None:
        top, left, bottom, right = result.box
        end = full_colour(features, result, scale)
        width = fitted(bottom - top, right - left)
        unit = "the whole map" if result.unit is None else "unit {}, {}".format(*result.unit)
        place = f"rows {top}–{bottom - 1}, columns {left}–{right - 1}"
        self.projection.show(
            signed_picture(result.pixels[:, top:bottom, left:right], end),
            shown_width=width,
            caption=f"{result.rule} · activation {format_number(result.activation)}\n{_read(end)}",
        )
        self.patch.show(result.patch, shown_width=width, caption=f"{unit}\n{place}")


def _read(end: float) -> str:
    """How the colours of a projection are to be read."""
    return f"zero is grey, the ends ±{format_number(end)}" if end > 0 else "silent here: nothing comes down"


def full_colour(features: ImageFeatures, result: Projection, scale: str) -> float:
    """What the ends of the projection's colours stand for."""
    if scale == "percentile":
        return result.robust_scale
    if scale == "strongest":
        return features.project(result.layer, result.feature, "max", result.rule).scale
    return result.scale
