"""What hiding a part of an image changes: before and after, side by side."""

from __future__ import annotations

from html import escape

import ipywidgets as W
import numpy as np

from zfwidgets.drawing import heat, said, signed_picture
from zfwidgets.experiments.projection import ImageFeatures, bulk
from zfwidgets.widgets.charts import BeforeAndAfter
from zfwidgets.widgets.geometry import ACTIVITY, SWEEP
from zfwidgets.widgets.picture import Picture, fitted


class OcclusionView(W.VBox):
    """As probabilities, as a feature map, and as its projection; in `words`, for whoever holds the view to place."""

    def __init__(self, transport: str) -> None:
        self.words = W.HTML()
        self.bars = BeforeAndAfter()
        self.maps = _pair(ACTIVITY, transport, "The feature map")
        self.projections = _pair(SWEEP, transport, "Its projection")
        self.words.add_class("zf-occlusion-words")
        parts = (
            (self.bars, "answer"),
            (_titled("The feature map: whole image, and now", self.maps), "maps"),
            (_titled("Carried back down to the pixels: whole image, and now", self.projections), "projections"),
        )  # fmt: skip
        for part, name in parts:
            part.add_class(f"zf-occlusion-{name}")
        super().__init__([part for part, _ in parts])
        self.add_class("zf-occlusion-view")

    def show(
        self, before: ImageFeatures, after: ImageFeatures, layer: str, feature: int, target: int, hidden: float
    ) -> None:
        """Draw everything; `hidden` is the share of the image that is hidden."""
        self.words.value = told(before, after, layer, feature, target, hidden)
        self.bars.show(before.prediction, after.prediction, target)
        self._show_maps(before.maps(layer)[feature], after.maps(layer)[feature])
        self._show_projections(*(features.project(layer, feature, "all").pixels for features in (before, after)))

    def _show_maps(self, before: np.ndarray, after: np.ndarray) -> None:
        low, high = min(float(before.min()), 0.0), max(float(before.max()), float(after.max()))
        for picture, values in zip(self.maps, (before, after), strict=True):
            caption = f"sum {said(float(values.sum()))}"
            shown = fitted(values.shape[0], values.shape[1], ACTIVITY)
            picture.show(heat(values, low, high), shown_width=shown, caption=caption)

    def _show_projections(self, before: np.ndarray, after: np.ndarray) -> None:
        end = max(bulk(before), bulk(after))
        for picture, pixels in zip(self.projections, (before, after), strict=True):
            shown = fitted(pixels.shape[1], pixels.shape[2], SWEEP)
            picture.show(signed_picture(pixels, end), shown_width=shown, caption=f"zero is grey, the ends ±{said(end)}")


def told(before: ImageFeatures, after: ImageFeatures, layer: str, feature: int, target: int, hidden: float) -> str:
    """What has changed, in two sentences of HTML."""
    (was, then), (now, share) = before.prediction.top(1)[0], after.prediction.top(1)[0]
    if hidden == 0:
        answer = f"Nothing is hidden: <b>{escape(was)}</b>, {then:.2f}."
    elif was == now:
        answer = f"The answer stays <b>{escape(was)}</b>: {then:.2f} → {share:.2f}."
    else:
        answer = f"The answer changes from <b>{escape(was)}</b> ({then:.2f}) to <b>{escape(now)}</b> ({share:.2f})."
    label = before.prediction.labels[target]
    if label not in (was, now):
        old, new = (features.prediction.probability[0, target] for features in (before, after))
        answer += f" {escape(label)}: {old:.2f} → {new:.2f}."
    sums = [float(features.maps(layer)[feature].sum()) for features in (before, after)]
    part = f"{hidden:.1%} of the image is hidden. " if hidden else ""
    change = f" → {said(sums[1])}{_change(*sums)}" if hidden else ""
    return f"{answer}<br>{part}Feature {feature} of {escape(layer)}: {said(sums[0])}{change}."


def _change(before: float, after: float) -> str:
    return f" ({after / before - 1:+.0%})" if before > 0 else ""


def _pair(side: int, transport: str, what: str) -> tuple[Picture, Picture]:
    first, second = (
        Picture(width=side, height=side, shown_width=side, transport=transport, hoverable=False, description=words)
        for words in (f"{what} of the whole image", f"{what} of the image as it is hidden now")
    )
    return first, second


def _titled(title: str, pictures: tuple[Picture, Picture]) -> W.VBox:
    head = W.HTML(title)
    head.add_class("zf-quarter-title")
    row = W.HBox(list(pictures))
    row.add_class("zf-occlusion-pair")
    return W.VBox([head, row])
