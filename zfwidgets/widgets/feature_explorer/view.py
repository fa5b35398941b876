"""The pictures of one feature in one image: the photograph, its projection beside it, the map, and the answer."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W
import numpy as np

from zfwidgets.drawing import format_number, heat, signed_picture
from zfwidgets.experiments.projection import ImageFeatures, Projection
from zfwidgets.widgets.controls import classed, probability_bars, titled
from zfwidgets.widgets.feature_explorer.responding import Responding
from zfwidgets.widgets.geometry import FRAME, INSET, MAP
from zfwidgets.widgets.picture import Picture, fitted, heat_scale, signed_scale

INK = 0.72  # how much of the map's colour lies over the photograph
GRID = 16  # pixels of the photograph that an arrow key goes on by
ENLARGED = 1.4  # at least, in the corner: what is larger is seen well enough in its place
Box = tuple[int, int, int, int]


class FeatureView(W.Box):
    """The photograph and, in a frame of the same size, the projection; in a corner of both the patch, enlarged.

    Beside them the activation map, what the network says, and the maps that respond most strongly.
    """

    def __init__(self, images: W.Widget, classifies: bool, transport: str) -> None:
        still = {"transport": transport, "hoverable": False}
        self.photograph = Picture(shown_width=FRAME, smooth=True, draggable=True, **still)
        self.whole = Picture(
            shown_width=FRAME, smooth=True, **still, description="Projection, at its place in the image"
        )
        self.patch = Picture(shown_width=INSET, **still, description="What the unit sees, enlarged")
        self.projection = Picture(shown_width=INSET, **still, description="Its projection, enlarged")
        self.map = Picture(
            shown_width=MAP, width=MAP, height=MAP, **still,
            description="Activation map; arrow keys choose a unit",
        )  # fmt: skip
        self.prediction, self.responding = W.HTML(), Responding()
        classed(self.patch, "zf-patch"), classed(self.projection, "zf-projection")
        self.insets = [W.Box([self.patch]), W.Box([self.projection])]
        frames = [
            _frame("What it sees", classed(self.photograph, "zf-photograph"), self.insets[0]),
            _frame("Projection", classed(self.whole, "zf-whole"), self.insets[1]),
        ]
        beside = [
            titled("Where it responds", classed(self.map, "zf-map"), "zf-quarter"),
            titled("What the network says", classed(self.prediction, "zf-prediction"), "zf-quarter"),
            self.responding,
        ]
        side = classed(W.Box(beside if classifies else [beside[0], beside[2]]), "zf-beside")
        super().__init__([classed(images, "zf-images"), *frames, side])
        self.add_class("zf-explorer")

    def show(
        self, features: ImageFeatures, result: Projection, scale: str, chosen: Callable[[], bool], place: Box | None,
        over: bool, record: float | None,
    ) -> None:  # fmt: skip
        """Draw all pictures. `scale` says what full colour stands for, `chosen` whether somebody has chosen a unit by
        now, `place` where it was asked what responds, `over` whether the map lies over the photograph, `record` how
        strongly the map has responded to any image.

        Each goes out as soon as it is drawn, so what changes most comes first.
        """
        self._show_projection(features, result, scale, record)
        self._show_map(features, result, chosen)
        self._show_photograph(features, result, place, over)
        self.responding.feature = result.feature
        if features.net.classifies:
            self.prediction.value = probability_bars(features.prediction.top(5), features.prediction.meaning)

    def _show_photograph(self, features: ImageFeatures, result: Projection, place: Box | None, over: bool) -> None:
        picture, net = features.picture, features.net
        height, width = picture.shape[:2]
        if over:
            values = features.over_image(result.layer, result.feature)
            picture = np.rint(INK * heat(values) + (1 - INK) * picture.mean(2, keepdims=True)).astype(np.uint8)
        unit = "the whole map" if result.unit is None else "unit {}, {}".format(*result.unit)
        sees = f"{'' if result.unit else 'each unit '}sees {net.seen_from(result.layer)}"
        boxes = [] if result.unit is None else [result.box]
        if place is not None and (place[2] - place[0]) * (place[3] - place[1]) > 1:
            boxes.append(place)
        self.photograph.show(
            picture,
            boxes=boxes,
            cells=(-(-height // GRID), -(-width // GRID)),
            shown_width=round(FRAME * width / max(height, width)),
            caption=f"{unit} of {net.layer(result.layer).title} · {sees}",
            description="The photograph; a click, a dragged rectangle or Enter asks what responds there",
        )

    def _show_map(self, features: ImageFeatures, result: Projection, chosen: Callable[[], bool]) -> None:
        maps = features.maps(result.layer)
        values, named = maps[result.feature], features.net.class_of(result.layer, result.feature)
        flat = values.min() == values.max()
        low, high = map(float, (maps.min(), maps.max()) if flat else (values.min(), values.max()))
        found = f"feature {result.feature} · {named or f'{values.shape[0]}×{values.shape[1]} units'}"
        if values.max() <= 0:
            found += "\nsilent on this image"
        elif flat:
            found += f"\n{format_number(values.flat[0])}, of the layer's"
        painted = heat(values, low, high)
        # a chosen unit is outlined already, or one that was chosen since and is not drawn yet
        outlined = {} if chosen() else {"cell": result.unit}
        self.map.show(
            painted,
            cells=values.shape,
            shown_width=fitted(values.shape[0], values.shape[1], MAP),
            caption=found,
            scale=heat_scale(low, high),
            **outlined,
        )

    def _show_projection(self, features: ImageFeatures, result: Projection, scale: str, record: float | None) -> None:
        end = full_colour(features, result, scale)
        painted = signed_picture(result.pixels, end)
        height, width = painted.shape[:2]
        self.whole.show(
            painted,
            boxes=[] if result.unit is None else [result.box],
            shown_width=round(FRAME * width / max(height, width)),
            caption=activation_words(result, record) if end > 0 else "silent here: nothing comes down",
            hint=f"activation {format_number(result.activation)}, by {result.rule}",
            scale=signed_scale(end) if end > 0 else [],
        )
        self._enlarge(result, painted)

    def _enlarge(self, result: Projection, painted: np.ndarray) -> None:
        """Show the patch and its projection in a corner, where they are small; else nothing of them is sent."""
        top, left, bottom, right = result.box
        height, width = painted.shape[:2]
        small = ENLARGED * FRAME * max((bottom - top) / height, (right - left) / width) <= INSET
        corner = corner_away_from(result.box, (height, width)) if small else "zf-no-inset"
        for frame in self.insets:
            frame._dom_classes = ["zf-inset", corner]  # of the box: a picture's own are read but once
        if small:
            inset = fitted(bottom - top, right - left, INSET)
            self.projection.show(painted[top:bottom, left:right], shown_width=inset)
            self.patch.show(result.patch, shown_width=inset)


def activation_words(result: Projection, record: float | None) -> str:
    """How strongly the unit, or the map, responds: as a share of the strongest response to any image, if known."""
    if record is None or result.unit is None:
        return f"{result.rule} · activation {format_number(result.activation)}"
    return f"{result.rule} · {result.activation / record:.0%} of the map's record, {format_number(record)}"


def full_colour(features: ImageFeatures, result: Projection, scale: str) -> float:
    """What the ends of the projection's colours stand for."""
    if scale == "percentile":
        return result.robust_scale
    if scale == "strongest":
        return features.project(result.layer, result.feature, "max", result.rule).scale
    return result.scale


def corner_away_from(box: Box, size: tuple[int, int]) -> str:
    """The class of the corner of a picture, of that height and width, in which a box lies least."""
    down = "top" if box[0] + box[2] > size[0] else "bottom"
    across = "left" if box[1] + box[3] > size[1] else "right"
    return f"zf-{down}-{across}"


def _frame(title: str, picture: W.Widget, inset: W.Widget) -> W.VBox:
    return titled(title, classed(W.Box([picture, inset]), "zf-frame"), "zf-framed")
