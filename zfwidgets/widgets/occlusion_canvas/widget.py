"""Hide parts of a photograph by hand, or let a square sweep over it, and watch the answer change (§4.2, Fig. 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.experiments.occlusion import (
    Hiding,
    baseline_picture,
    compare_hidden,
    make_baseline,
    map_sums,
    rectangles,
    strongest_map,
)
from zfwidgets.models import Network
from zfwidgets.task import Task
from zfwidgets.widgets.canvas import BRUSHES, DrawingCanvas
from zfwidgets.widgets.controls import bind, classed, control, labelled, rare, row
from zfwidgets.widgets.occlusion_canvas.sweeper import Sweeper
from zfwidgets.widgets.occlusion_canvas.view import OcclusionView
from zfwidgets.widgets.panel import FeaturePanel, call, image_line
from zfwidgets.widgets.traits import FILLS, HIDING, ClassLabel, FeatureNumber, ImageName, Number, Option

RARE = ("fill", "layer", "feature")  # controls
TOOLS = ("square", "brush", "eraser", "rectangle")


@dataclass(frozen=True)
class HidingChoice:
    """What the answer depends on."""

    image: str
    layer: str
    feature: int  # where nobody has chosen one, the panel finds it first
    target: str
    fill: str
    gestures: int


class OcclusionCanvas(FeaturePanel):
    """Hide parts of a photograph with a square, a brush or a rectangle; see the network change its mind.

    `OcclusionCanvas(net)` shows the embedded photographs; `images` is anything that `zfwidgets.images` takes. `layers`
    are the names on the strip, as in `FeatureExplorer`. `.canvas.mask` is what is drawn, `.canvas.put` draws it
    by a program, `.result` the answer (`zfwidgets.Hiding`), `.swept` the latest result of the sweep
    (`zfwidgets.Occlusion`).

    Raises ValueError for an unknown layer or image, and for a network that does not end in one score a class;
    TypeError for a misspelt setting.
    """

    title = "Occlusion canvas"
    lead = "Does the network look at the object, or around it? Hide a part of the image, and see."
    Choice = HidingChoice

    image = ImageName(help="name of the image")
    feature = FeatureNumber(anew=True, help="number of the feature map; by default the strongest on the image")
    target = ClassLabel(help="label of the class whose probability is mapped; empty: what the network says")
    fill = Option(FILLS, "grey", "Fill", "what stands in hidden places", HIDING)
    size = Number(32, 2, lambda panel: panel.shortest_side, "Side of the square", "side of the square, input pixels",
                  "Pixels of the network's input; the paper does not state it", width=150)  # fmt: skip
    stride = Number(8, 1, lambda panel: max(1, panel.shortest_side // 2), "Stride", "pixels from one place to the next",
                    "Pixels from one place of the square to the next")  # fmt: skip
    tool = Option(TOOLS, "square", "Hide with", "what the pointer does",
                  "The square follows the pointer; a click leaves it there.", buttons=True)  # fmt: skip
    brush = Number(24, 4, 80, "Brush", "diameter of brush and eraser, input pixels",
                   "Diameter of brush and eraser, in pixels of the network's input", width=140)  # fmt: skip
    gestures = T.Int(0, help="grows with every change of what is hidden")
    swept = T.Any(None, help="the latest result of the sweep")

    def __init__(self, net: Network | None = None, images: Any = None, **settings: Any) -> None:
        self._on_canvas: tuple[str, str] | None = None  # image and fill
        self._moved_on = False  # whether something else is hidden than the network was asked about
        self._baseline = lru_cache(maxsize=8)(self._made_baseline)
        super().__init__(net, images, **settings)
        self.add_class("zf-occlusion")
        self.observe(self._ask, names="busy")

    @property
    def shortest_side(self) -> int:
        """Of the network's input, pixels."""
        return min(self.net.program.input.shape[1:])

    def first_choice(self) -> dict[str, Any]:
        return {"layer": self.net.last_spatial_layer.name}

    def tries(self) -> dict[str, dict[str, Any]]:
        large = self.shortest_side * 3 // 7
        known: dict[str, dict[str, Any]] = {
            "Cover the motorcycle": {"image": "motorcycle", "tool": "square", "size": large},
            "Paint round the cat": {"image": "cat", "tool": "brush", "brush": 60},
        }
        here = {words: settings for words, settings in known.items() if settings["image"] in self.selection.images}
        return here | {"Blur what is hidden": {"fill": "blur"}}

    def build(self) -> W.Widget:
        self.net.check_classes()
        self.canvas = DrawingCanvas()
        self.view = OcclusionView(self.transport, control(self, "target"))
        self.sweeper = Sweeper(self)
        bind(self.canvas, self, "tool", "tool")
        bind(self.canvas, self, "brush", "brush")
        T.dlink((self, "size"), (self.canvas, "size"), lambda side: (side, side))
        T.dlink((self, "stride"), (self.canvas, "step"))
        self._put_on_canvas(self.image, self.fill)
        self.canvas.observe(self._hidden_anew, names=["mask", "square"])
        self.sweeper.observe(self._take_over, names="mask")
        self.tabs = W.Tab([self.view, self.sweeper], titles=("By hand", "Sweep a square"))
        return classed(W.Box([self.canvas, classed(self.tabs, "zf-occlusion-tabs")]), "zf-occlusion-body")

    def controls(self) -> list[W.Widget]:
        undo, clear = (W.Button(description=name, layout=W.Layout(width="auto")) for name in ("Undo", "Clear"))
        T.dlink((self.canvas, "can_undo"), (undo, "disabled"), lambda can: not can)
        undo.on_click(lambda _: self.canvas.undo())
        clear.on_click(lambda _: self.canvas.clear())
        drawn = labelled("Drawn", row(classed(undo, "zf-undo"), classed(clear, "zf-clear")))
        image, tool, size, brush, *rest = (control(self, name) for name in ("image", "tool", "size", "brush", *RARE))
        T.dlink((self, "tool"), (brush.layout, "display"), lambda tool: "" if tool in BRUSHES else "none")
        return [image, tool, size, brush, drawn, *rare(*rest)]

    def sweep(self) -> None:
        """Let the square sweep over the image, as the button does; outside a kernel, it is over on return."""
        self.tabs.selected_index = 1
        self.sweeper.job.start()

    def scores(self, choice: HidingChoice) -> np.ndarray:
        return map_sums(self.features(choice.image), choice.layer)

    def first_feature(self, choice: HidingChoice) -> int:
        return strongest_map(self.features(choice.image), choice.layer)

    def compute(self, choice: HidingChoice, task: Task) -> Hiding:
        """Ask the network about the image as it is hidden now."""
        features, baseline = self.features(choice.image), self._baseline(choice.image, choice.fill)
        self._put_on_canvas(choice.image, choice.fill)
        return compare_hidden(
            features, self.canvas.hidden, baseline, choice.fill, choice.target or None, choice.layer, choice.feature,
            task,
        )  # fmt: skip

    def draw(self, result: Hiding, choice: HidingChoice) -> None:
        self.view.show(result)

    @property
    def answer(self) -> Any:
        """The latest sweep, or else the comparison of the whole image with what is hidden now."""
        return super().answer if self.swept is None else self.swept

    def code_lines(self) -> Sequence[str]:
        image, target = image_line(self.selection.images, self.image), self.target or None
        place = {"target": target, "layer": self.layer, "feature": self.feature, "fill": self.fill}
        if self.swept is not None:
            return [image, call("zf.occlusion", "net", "image", **place, size=self.size, stride=self.stride)]
        return [image, call("zf.hide", "net", "image", repr(rectangles(self.answer.mask)), **place)]

    def _made_baseline(self, image: str, fill: str) -> Any:
        return make_baseline(self.net, self.features(image).input, fill)

    def _put_on_canvas(self, image: str, fill: str) -> None:
        if self._on_canvas != (image, fill):
            self._on_canvas = image, fill
            features = self.features(image)
            self.canvas.show(features.picture, baseline_picture(features, self._baseline(image, fill)))

    def _hidden_anew(self, _: T.Bunch) -> None:
        if self.result is not None or self.canvas.hidden.any():  # the first picture brings an empty mask
            self._moved_on = True
            self._ask()

    def _ask(self, _: Any = None) -> None:
        """Ask about what is hidden now, after the answer under way: while a square moves, answers are to be seen."""
        if self._moved_on and not self.busy:
            self._moved_on = False
            self.gestures += 1

    def _take_over(self, change: T.Bunch) -> None:
        """The square of a sweep's place becomes what is drawn."""
        if change["new"].shape == self.canvas.mask.shape:
            self.canvas.put(change["new"])
