"""Hide parts of a photograph by hand, or let a square sweep over it, and watch the answer change (§4.2, Fig. 7)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import images as collected
from zfwidgets.experiments.occlusion import Occlusion, filling, hide, occlusion_sweep, shown
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network
from zfwidgets.widgets.canvas import DrawingCanvas
from zfwidgets.widgets.controls import (
    FILLS,
    HIDING,
    FeatureSlider,
    ImagePicker,
    Job,
    LayerSlider,
    chooser,
    labelled,
    layer_names,
    row,
)
from zfwidgets.widgets.occlusion_canvas.sweep_view import SweepView
from zfwidgets.widgets.occlusion_canvas.view import OcclusionView
from zfwidgets.widgets.panel import Panel, Progress, Stale, at_once

SWEPT = ("image", "layer", "feature", "target", "size", "stride", "fill")  # a sweep starts anew when one changes
PATIENCE = 0.005  # seconds between two looks whether a gesture has had its answer


@dataclass(frozen=True, eq=False)
class Answer:
    """What the network makes of an image, and of the same image with parts hidden."""

    before: ImageFeatures
    after: ImageFeatures
    mask: np.ndarray  # (H, W) bool, what is hidden
    layer: str
    feature: int
    target: int


class OcclusionCanvas(Panel):
    """Hide parts of a photograph with a square, a brush or a rectangle; see the network change its mind.

    `OcclusionCanvas(net)` shows the embedded photographs; `images` is anything that `zfwidgets.data.images` takes.
    `layers` are the names on the layer slider, as in `FeatureExplorer`. `.canvas.mask` is what is drawn, `.canvas.put`
    draws it by a program, `.result` the answer, `.swept` the latest result of the sweep (`zfwidgets.Occlusion`).

    Raises ValueError for an unknown layer or image, and for a network that does not end in one score a class;
    TypeError for a misspelt setting.
    """

    title = "Occlusion canvas"
    lead = "Does the network look at the object, or at what surrounds it? Hide a part of the image, and see."
    inputs = ("image", "layer", "feature", "_feature_of", "target", "fill", "_gesture")

    image = T.Unicode(help="name of the image")
    layer = T.Unicode(help="name of the layer; by default the last one before the classes")
    feature = T.Int(0, help="number of the feature map; by default the strongest on the image")
    target = T.Unicode("", help="label of the class whose probability is mapped; empty: what the network says")
    fill = T.Enum(FILLS, "grey", help="what stands in hidden places")
    size = T.Int(32, min=1, help="side of the square, pixels of the network's input")
    stride = T.Int(8, min=1, help="pixels from one place of the sweeping square to the next")
    swept = T.Any(None, help="the latest result of the sweep")
    _gesture = T.Int(0, help="grows with every change of what is hidden")

    def __init__(
        self,
        net: Network,
        images: Any = None,
        *,
        layers: Sequence[str] | None = None,
        transport: str = "raw",
        **settings: Any,
    ) -> None:
        net.check_classes()
        self.net = net
        start = net.layer(settings.get("layer", net.watched_layer.name)).name
        self._picker = ImagePicker(collected(images))
        self._layer_slider = LayerSlider(layer_names(net, layers, start), start)
        self._feature_slider = FeatureSlider()
        self._fills, self._targets = chooser({name: name for name in FILLS}), _targets(net)
        side = min(net.program.input.shape[1:])
        self._size = W.IntSlider(32, 2, side, layout=W.Layout(width="190px"))
        self._stride = W.IntSlider(8, 1, max(1, side // 2), layout=W.Layout(width="190px"))
        self.canvas = DrawingCanvas()
        self._view, self._maps = OcclusionView(transport), SweepView(transport)
        self._features = lru_cache(maxsize=4)(lambda name: ImageFeatures(net, self._picker[name]))
        self._filler = lru_cache(maxsize=8)(lambda name, fill: filling(net, self._features(name).input, fill))
        self._on_canvas: tuple[str, str] | None = None  # image and fill
        self._moved_on = False  # whether something else is hidden than the network was asked about
        self._following = False  # whether a sweep starts anew when a choice changes
        self._whole = False  # whether the latest sweep came to its end
        self._job = Job("Sweep the square over the image", "places", self._sweep, direct=at_once())
        self._link()
        self._feature_of: Any = None  # the image and layer for which the feature was chosen
        left = W.VBox([self.canvas, self._view.words])
        pictures = W.Box([left, self._view])
        pictures.add_class("zf-pictures")
        start_values = {"image": self._picker.value, "layer": start, **settings}
        self._put_on_canvas(self._picker.known(start_values["image"]), start_values.get("fill", "grey"))
        super().__init__(self._controls(), pictures, [self._sweep_controls(), self._maps], **start_values)
        self.add_class("zf-occlusion")
        self.observe(self._sweep_anew, names=SWEPT)
        self.observe(self._ask, names="busy")

    def sweep(self) -> None:
        """Let the square sweep over the image, as the button does; outside a kernel, it is over on return."""
        self._job.start()

    def compute(self, choice: SimpleNamespace, stale: Stale, progress: Progress) -> Answer:
        """Ask the network about the image as it is hidden now."""
        features, filler = self._features(choice.image), self._filler(choice.image, choice.fill)
        self._put_on_canvas(choice.image, choice.fill)
        if choice._feature_of != (choice.image, choice.layer):
            choice.feature = int(_sums(features, choice.layer).argmax())
            choice._feature_of = choice.image, choice.layer
        label = choice.target or features.prediction.top(1)[0][0]
        target = self.net.class_number(label)
        mask = self.canvas.hidden
        after = hide(features, mask, filler) if mask.any() else features
        for either in (features, after):
            either.project(choice.layer, choice.feature, "all", stale=stale)
        return Answer(features, after, mask, choice.layer, choice.feature, target)

    def _put_on_canvas(self, image: str, fill: str) -> None:
        if self._on_canvas != (image, fill):
            self._on_canvas = image, fill
            features = self._features(image)
            self.canvas.show(features.picture, shown(features, self._filler(image, fill)))

    def draw(self, result: Answer, choice: SimpleNamespace) -> None:
        """Show before and after; bring the feature slider into the order of this image and layer."""
        self._view.show(
            result.before, result.after, result.layer, result.feature, result.target, float(result.mask.mean())
        )
        if self.layer == choice.layer and self.image == choice.image:
            self._feature_of = choice._feature_of
            self._feature_slider.rank(_sums(result.before, choice.layer), choice.feature)

    def _sweep(self, tick: Callable[[int, int], None], stale: Stale) -> str:
        """Let the square sweep, and draw its maps as they become finer. Gestures go first."""

        def given_up() -> bool:
            while self.busy and not stale() and not at_once():
                time.sleep(PATIENCE)
            return stale()

        given_up()
        self._following, started, result = True, time.perf_counter(), None
        for result in occlusion_sweep(
            self.net, self._features(self.image), self.target or None, self.layer, self.size, self.stride, self.fill,
            feature=self.feature, stale=given_up,
        ):  # fmt: skip
            if stale():
                break
            self._maps.show(result)
            self.swept = result
            self._whole = bool(result.computed.all())
            tick(int(result.computed.sum()), result.computed.size)
        return _summary(result, time.perf_counter() - started)

    def _sweep_anew(self, _: Any) -> None:
        if self._following:
            self._job.cancel()
            self._job.start()

    def _controls(self) -> list[W.Widget]:
        tools = chooser({name: name for name in ("square", "brush", "eraser", "rectangle")}, True)
        brush = W.IntSlider(24, 4, 80, layout=W.Layout(width="150px"))
        undo, clear = (W.Button(description=name, layout=W.Layout(width="auto")) for name in ("Undo", "Clear"))
        T.link((tools, "value"), (self.canvas, "tool"))
        T.link((brush, "value"), (self.canvas, "brush"))
        T.dlink((self.canvas, "can_undo"), (undo, "disabled"), lambda can: not can)
        undo.on_click(lambda _: self.canvas.undo())
        clear.on_click(lambda _: self.canvas.clear())
        for control, name in ((tools, "tool"), (brush, "brush"), (undo, "undo"), (clear, "clear")):
            control.add_class(f"zf-{name}")
        return [
            self._picker,
            labelled("Hide with", tools, "The square follows the pointer; a click leaves it there."),
            labelled("Brush", brush, "Diameter of brush and eraser, in pixels of the network's input"),
            labelled("Fill", self._fills, HIDING),
            labelled("Drawn", row(undo, clear)),
            self._layer_slider,
            self._feature_slider,
            labelled("Target class", self._targets, "Whose probability is mapped; empty: what the network says"),
        ]  # fmt: skip

    def _sweep_controls(self) -> W.Widget:
        controls = W.Box([
            labelled("Side of the square", self._size, "Pixels of the network's input; the paper does not state it"),
            labelled("Stride", self._stride, "Pixels from one place of the square to the next"),
            self._job,
        ])  # fmt: skip
        controls.add_class("zf-controls")
        controls.add_class("zf-sweep-controls")
        return controls

    def _link(self) -> None:
        """Bind the choices to their controls. Comes before `Panel` listens, so that it hears of them together."""
        for control, name in (
            (self._picker, "image"), (self._layer_slider, "layer"), (self._feature_slider, "feature"),
            (self._fills, "fill"), (self._size, "size"), (self._stride, "stride"),
        ):  # fmt: skip
            control.add_class(f"zf-{name}")
            T.link((control, "value"), (self, name))
        self._targets.add_class("zf-target")
        self._targets.observe(self._target_typed, names="value")
        self.observe(lambda change: setattr(self._targets, "value", change["new"]), names="target")
        T.dlink((self, "size"), (self.canvas, "size"), lambda side: (side, side))
        T.dlink((self, "stride"), (self.canvas, "step"))
        T.dlink((self._picker, "complaint"), (self, "error"))
        T.dlink((self._job, "error"), (self, "error"))
        self.canvas.observe(self._hidden_anew, names=["mask", "square"])
        self._maps.observe(self._take_over, names="taken")
        self._job.observe(self._job_ended, names="running")

    def _hidden_anew(self, _: T.Bunch) -> None:
        if self.result is not None or self.canvas.hidden.any():  # the first picture brings an empty mask
            self._moved_on = True
            self._ask()

    def _ask(self, _: Any = None) -> None:
        """Ask about what is hidden now, after the answer under way: while a square moves, answers are to be seen."""
        if self._moved_on and not self.busy:
            self._moved_on = False
            self._gesture += 1

    def _target_typed(self, change: T.Bunch) -> None:
        try:
            self.target = change["new"]
        except ValueError as error:
            self.error = str(error)

    def _take_over(self, change: T.Bunch) -> None:
        """The square of a sweep's place becomes what is drawn."""
        result, (place_row, place_column, _) = self._maps.result, change["new"]
        if result is not None and result.picture.shape[:2] == self.canvas.mask.shape:
            top, left = result.top[place_row], result.left[place_column]
            mask = np.zeros(self.canvas.mask.shape, bool)
            mask[top : top + result.size[0], left : left + result.size[1]] = True
            self.canvas.put(mask)

    def _job_ended(self, change: T.Bunch) -> None:
        """Who has cancelled a sweep does not want the next one by itself."""
        if change["new"]:
            self._whole = False
        elif not self._whole:
            self._following = False

    @T.validate("image")
    def _known_image(self, proposal: T.Bunch) -> str:
        return self._picker.known(proposal["value"])

    @T.validate("layer")
    def _known_layer(self, proposal: T.Bunch) -> str:
        return self.net.layer(proposal["value"]).name

    @T.validate("feature")
    def _known_feature(self, proposal: T.Bunch) -> int:
        feature = self.net.layer(self.layer).checked(proposal["value"])
        self._feature_of = self.image, self.layer
        return feature

    @T.validate("target")
    def _known_target(self, proposal: T.Bunch) -> str:
        return proposal["value"] and self.net.labels[self.net.class_number(proposal["value"])]


def _sums(features: ImageFeatures, layer: str) -> np.ndarray:
    """Each feature map of a layer, summed over its units, (channels,)."""
    return features.maps(layer).sum(axis=(1, 2))


def _targets(net: Network) -> W.Combobox:
    return W.Combobox(
        options=net.labels, placeholder="what the network says", continuous_update=False,
        layout=W.Layout(width="190px"),
    )  # fmt: skip


def _summary(result: Occlusion | None, seconds: float) -> str:
    """What a sweep has cost, in words."""
    if result is None:
        return ""
    done, _, full = result.macs
    agreement = "" if np.isnan(result.agreement) else f" · (b) agrees with the projection: {result.agreement:.2f}"
    places = f"{result.computed.size} places in {seconds:.1f} s"
    return f"{places}, with {done / full:.0%} of the work of asking anew{agreement}"
