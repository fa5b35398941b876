"""What hiding a part of an image changes: before and after, side by side."""

from __future__ import annotations

from html import escape

import ipywidgets as W

from zfwidgets.drawing import format_number, heat, signed_picture
from zfwidgets.experiments.occlusion import Hiding
from zfwidgets.experiments.projection import robust_scale
from zfwidgets.models import Meaning
from zfwidgets.widgets.controls import classed, titled
from zfwidgets.widgets.geometry import INSIDE
from zfwidgets.widgets.occlusion_canvas.class_rows import ClassRows
from zfwidgets.widgets.picture import Picture, fitted, heat_scale, scale_html, signed_scale


class OcclusionView(W.Box):
    """In words, as probabilities, as a feature map, and as its projection; `above` stands over the words."""

    def __init__(self, transport: str, *above: W.Widget) -> None:
        self.words = classed(W.HTML(), "zf-occlusion-words", "zf-verdict")
        self.bars = ClassRows()
        self.maps = _pair(transport, "The feature map")
        self.projections = _pair(transport, "Its projection")
        self.scales = W.HTML(), W.HTML()  # each of both pictures of a pair
        titles = ("Feature map: whole image, now", "Projection: whole image, now")
        pairs = zip(titles, (self.maps, self.projections), self.scales, ("maps", "projections"), strict=True)
        pictures = [classed(_pair_under(*parts), f"zf-occlusion-{name}") for *parts, name in pairs]
        answer = classed(W.VBox([*above, self.words, self.bars]), "zf-occlusion-answer")
        super().__init__([answer, classed(W.VBox(pictures), "zf-occlusion-inside")])
        self.add_class("zf-occlusion-view")

    def show(self, result: Hiding) -> None:
        """Draw everything."""
        self.words.value = summary_html(result)
        whole, hidden = result.probability
        self.bars.show(result.labels, whole, hidden, result.target, Meaning(result.meaning))
        self._show_maps(result)
        self._show_projections(result)

    def _show_maps(self, result: Hiding) -> None:
        low, high = min(float(result.maps[0].min()), 0.0), float(result.maps.max())
        for picture, values in zip(self.maps, result.maps, strict=True):
            caption = f"sum {format_number(float(values.sum()))}"
            shown = fitted(values.shape[0], values.shape[1], INSIDE)
            picture.show(heat(values, low, high), shown_width=shown, caption=caption)
        self.scales[0].value = scale_html(*heat_scale(low, high))

    def _show_projections(self, result: Hiding) -> None:
        end = max(robust_scale(pixels) for pixels in result.projected)
        for picture, pixels in zip(self.projections, result.projected, strict=True):
            shown = fitted(pixels.shape[1], pixels.shape[2], INSIDE)
            picture.show(signed_picture(pixels, end), shown_width=shown)
        self.scales[1].value = scale_html(*signed_scale(end))


def summary_html(result: Hiding) -> str:
    """What has changed, in two sentences of HTML."""
    (was, now), target = result.answers, result.target
    whole, hidden = result.probability
    names = [escape(result.labels[number]) for number in (was, now, target)]
    write, says = Meaning(result.meaning).write, Meaning(result.meaning).answer.capitalize()
    if not result.mask.any():
        answer = f"Nothing is hidden: <b>{names[0]}</b>, {write(whole[was])}."
    elif len(result.labels) == 1:
        answer = f"<b>{names[0]}</b>: {write(whole[was])} → {write(hidden[now])}."
    elif was == now:
        answer = f"{says} stays <b>{names[0]}</b>: {write(whole[was])} → {write(hidden[now])}."
    else:
        changed = f"from <b>{names[0]}</b> ({write(whole[was])}) to <b>{names[1]}</b> ({write(hidden[now])})"
        answer = f"{says} changes {changed}."
    if target != was:
        change = f" → {write(hidden[target])}" if result.mask.any() else ""
        answer += f" ★ {names[2]}: {write(whole[target])}{change}."
    return f"{answer}<br>{_map_sentence(result)}"


def _map_sentence(result: Hiding) -> str:
    before, after = result.sums
    feature = f"Feature {result.feature} of {escape(result.layer)}: {format_number(before)}"
    if not result.mask.any():
        return f"{feature}."
    return f"{result.share:.1%} of the image is hidden. {feature} → {format_number(after)}{_change(before, after)}."


def _change(before: float, after: float) -> str:
    return f" ({after / before - 1:+.0%})" if before > 0 else ""


def _pair(transport: str, what: str) -> tuple[Picture, Picture]:
    first, second = (
        Picture(
            width=INSIDE, height=INSIDE, shown_width=INSIDE, transport=transport, hoverable=False, description=words
        )
        for words in (f"{what} of the whole image", f"{what} of the image as it is hidden now")
    )
    return first, second


def _pair_under(title: str, pictures: tuple[Picture, Picture], scale: W.HTML) -> W.VBox:
    pair = W.VBox([classed(W.HBox(list(pictures)), "zf-occlusion-pair"), classed(scale, "zf-occlusion-scale")])
    return titled(title, pair, "zf-occlusion-titled")
