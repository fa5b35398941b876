"""The first widget: what one feature map of one layer responds to in one image (§2, Fig. 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.experiments.projection import Projection
from zfwidgets.task import Task
from zfwidgets.widgets.controls import control
from zfwidgets.widgets.feature_explorer.view import FeatureView
from zfwidgets.widgets.panel import FeaturePanel, call, image_line
from zfwidgets.widgets.traits import RULES, ImageName, Option, UnitPlace

PLACES = {"strongest unit": "max", "chosen place": "chosen", "whole map": "all"}
SCALES = {"its 99th percentile": "percentile", "its own maximum": "own", "the strongest unit's": "strongest"}


@dataclass(frozen=True)
class ProjectionChoice:
    """What the projection depends on."""

    image: str
    layer: str
    feature: int  # where nobody has chosen one, the panel finds it first
    unit: Any
    rule: str
    scale: str


class FeatureExplorer(FeaturePanel):
    """Choose a layer and a feature map; see where it responds in a photograph, and to what.

    `FeatureExplorer(net)` shows the embedded photographs; `images` is anything that `zfwidgets.images` takes: a
    folder, a list, a dictionary, a torch data set, one image. `layers` are the names on the layer slider: by default
    those through which everything passes; "all" for every layer. `selection` is what to share with another panel.
    `transport="webp"` packs pictures for slow links. Every choice is a trait, to be set, observed or linked.

    Raises ValueError for an unknown layer or image, and for a feature or unit that the layer does not have; TypeError
    for a misspelt setting.
    """

    title = "Feature explorer"
    lead = "What does one feature map of the network respond to? Its activation, carried back down to the pixels."
    Choice = ProjectionChoice

    image = ImageName(help="name of the image")
    unit = UnitPlace(help='"max": the strongest unit of the map; (row, column): that unit; "all": the whole map')
    rule = Option(RULES, "deconvnet", "ReLU rule", "how the signal passes rectifiers on its way down",
                  "A rectifier passes the signal's positive part (§2), or by the chain rule.")  # fmt: skip
    scale = Option(SCALES, "percentile", "Full colour", "what full colour stands for in the projection",
                   "What the strongest colours of the projection stand for; zero is grey.")  # fmt: skip
    places = Option(PLACES, "max", "Project", "which units are projected; goes with `unit`",
                   "One unit of the map, or all at once. A click on the map chooses a place.",
                   buttons=True)  # fmt: skip

    def first_choice(self) -> dict[str, Any]:
        return {"layer": self.layer_names[len(self.layer_names) // 3]}

    def build(self) -> FeatureView:
        self.view = FeatureView(self.net.classifies, self.transport)
        self._show_place()
        self.observe(self._show_place, names="unit")
        self.observe(self._place_chosen, names="places")
        self.view.map.observe(self._cell_chosen, names="cell")
        self.view.photograph.observe(self._photograph_clicked, names="clicked")
        return self.view

    def controls(self) -> list[W.Widget]:
        return [control(self, name) for name in ("image", "layer", "feature", "places", "rule", "scale")]

    def compute(self, choice: ProjectionChoice, task: Task) -> Projection:
        """Project the chosen unit; all else that is drawn is computed on the way."""
        features = self.features(choice.image)
        if choice.scale == "strongest":
            features.project(choice.layer, choice.feature, "max", choice.rule, task)
        return features.project(choice.layer, choice.feature, choice.unit, choice.rule, task)

    def draw(self, result: Projection, choice: ProjectionChoice) -> None:
        chosen = not isinstance(choice.unit, str)
        self.view.show(self.features(choice.image), result, choice.image, choice.scale, chosen)

    def code_lines(self) -> Sequence[str]:
        result: Projection = self.answer
        settings = {"unit": "all" if result.unit is None else result.unit, "rule": result.rule}
        image = image_line(self.selection.images, self.image)
        return [image, call("zf.project", "net", "image", repr(result.layer), repr(result.feature), **settings)]

    def _place_chosen(self, change: T.Bunch) -> None:
        if change["new"] != "chosen":
            self.unit = change["new"]
        elif isinstance(self.unit, str) and self.result is not None:
            self.unit = self.result.unit or self.features(self.image).strongest(self.layer, self.result.feature)

    def _show_place(self, _: Any = None) -> None:
        self.places = self.unit if isinstance(self.unit, str) else "chosen"
        if not isinstance(self.unit, str):
            self.view.map.cell = self.unit

    def _cell_chosen(self, change: T.Bunch) -> None:
        if change["new"] is not None and self.view.map.by_reader:
            self.unit = tuple(change["new"])

    def _photograph_clicked(self, change: T.Bunch) -> None:
        if change["new"] is not None:
            row, column, _ = change["new"]
            self.unit = self.features(self.image).unit_at(self.layer, row, column)
