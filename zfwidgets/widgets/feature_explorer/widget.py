"""The first widget: what one feature map of one layer responds to in one image (§2, Fig. 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.drawing import format_number
from zfwidgets.experiments.projection import Projection
from zfwidgets.experiments.responses import Box, respond
from zfwidgets.task import Cancelled, Task
from zfwidgets.widgets.controls import bind, classed, control, labelled, rare
from zfwidgets.widgets.feature_explorer.examples import BestExamples
from zfwidgets.widgets.feature_explorer.view import FeatureView
from zfwidgets.widgets.panel import FeaturePanel, call, feature_order, image_line
from zfwidgets.widgets.traits import RULES, ImageName, Option, PlaceOfImage, Switch, UnitPlace
from zfwidgets.widgets.worker import LatestOnlyWorker

PLACES = {"strongest unit": "max", "chosen place": "chosen", "whole map": "all"}
HERE = {"strongest first": "strength", "strongest here": "here", "by number": "index"}
EYE = (0.36, 0.27, 0.48, 0.42)  # of the embedded cat, as parts of the picture
SHOWN = 8  # maps in the row of those that respond most strongly
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
    place: Box | None
    over: bool


class FeatureExplorer(FeaturePanel):
    """Choose a layer and a feature map; see where it responds in a photograph, and to what.

    `FeatureExplorer(net)` shows the embedded photographs; `images` is anything that `zfwidgets.images` takes: a
    folder, a list, a dictionary, a torch data set, one image. `layers` are the names on the strip: by default
    those through which everything passes; "all" for every layer. `selection` is what to share with another panel.
    `transport="webp"` packs pictures for slow links. Every choice is a trait, to be set, observed or linked.

    Raises ValueError for an unknown layer or image, and for a feature or unit that the layer does not have; TypeError
    for a misspelt setting.
    """

    title = "Feature explorer"
    lead = "What does one feature map of the network respond to? Its activation, carried back down to the pixels."
    help = (
        ("What responds here?", "Click on the photograph, or draw a rectangle on it: the row shows the maps that "
         "respond most strongly there, and the slider goes through all of them in that order."),
        ("The projection", "A unit's activation, carried back to the pixels that caused it (§2 and Fig. 2 of the "
         "paper): bright is for it, dark against it, grey is neither."),
        ("The network's strip", "A cell a layer, as high as its maps are large and as wide as they are many."),
    )  # fmt: skip
    Choice = ProjectionChoice

    image = ImageName(help="name of the image")
    unit = UnitPlace(help='"max": the strongest unit of the map; (row, column): that unit; "all": the whole map')
    order = feature_order(HERE)
    place = PlaceOfImage(help="where it is asked what responds: (top, left, bottom, right) in pixels; None: everywhere")
    over = Switch(False, help="whether the activation map lies over the photograph")
    rule = Option(RULES, "deconvnet", "Method", "how the signal passes rectifiers on its way down",
                  "A rectifier passes the signal's positive part (§2), or by the chain rule.")  # fmt: skip
    scale = Option(SCALES, "percentile", "Contrast", "what full colour stands for in the projection",
                   "What the strongest colours of the projection stand for; zero is grey.")  # fmt: skip
    places = Option(PLACES, "max", "Project", "which units are projected; goes with `unit`",
                   "One unit of the map, or all at once. A click on the map chooses a place.",
                   buttons=True)  # fmt: skip

    _examples_read = False
    _tiled: tuple[Any, ...] = ()  # what the row of the strongest maps belongs to

    def first_choice(self) -> dict[str, Any]:
        return {"layer": self.layer_names[len(self.layer_names) // 3]}

    def tries(self) -> dict[str, dict[str, Any]]:
        first, middle, last = (self.layer_names[place] for place in (0, len(self.layer_names) // 2, -1))
        everywhere: dict[str, Any] = {"unit": "max", "place": None, "order": "strength", "feature": None}
        found: dict[str, dict[str, Any]] = {}
        if "cat" in self.selection.images:
            found["Find the cat's eye"] = {
                "image": "cat", "layer": middle, "feature": None, "place": self._pixels(EYE), "order": "here"
            }  # fmt: skip
        found["An edge, in the first layer"] = {"layer": first} | everywhere
        found["A class, in the last"] = {"layer": last} | everywhere
        return found

    def _pixels(self, part: tuple[float, float, float, float]) -> Box:
        """Parts of the picture's height and width in pixels."""
        height, width = self.net.program.input.shape[1:]
        top, left, bottom, right = part
        return round(top * height), round(left * width), round(bottom * height), round(right * width)

    def build(self) -> FeatureView:
        self.examples = BestExamples(self.net)
        self._tiles = LatestOnlyWorker(self._show_responding, self.direct)
        self.view = FeatureView(control(self, "image"), self.net.classifies, self.transport)
        self._show_place()
        self.observe(self._show_place, names="unit")
        self.observe(self._place_chosen, names="places")
        self.view.map.observe(self._cell_chosen, names="cell")
        self.view.photograph.observe(self._place_asked, names=["clicked", "dragged"])
        self.view.responding.observe(self._map_chosen, names="chosen")
        self.observe(self._reorder, names="order")
        return self.view

    def controls(self) -> list[W.Widget]:
        over = W.ToggleButton(description="on the photograph", layout=W.Layout(width="auto"))
        bind(classed(over, "zf-over"), self, "over")
        rarely = [control(self, name) for name in ("places", "rule", "scale")]
        rarely.append(labelled("Activation map", over, "Lay the map over the photograph"))
        return [control(self, "layer"), control(self, "feature"), *rare(*rarely)]

    def scores(self, choice: ProjectionChoice) -> np.ndarray:
        if self.order == "here":
            return respond(self.features(choice.image), choice.layer, choice.place).activation
        return super().scores(choice)

    def ranked_by(self, choice: ProjectionChoice) -> tuple[Any, ...]:
        return *super().ranked_by(choice), choice.place if self.order == "here" else self.order

    def compute(self, choice: ProjectionChoice, task: Task) -> Projection:
        """Project the chosen unit; all else that is drawn is computed on the way."""
        features = self.features(choice.image)
        if choice.scale == "strongest":
            features.project(choice.layer, choice.feature, "max", choice.rule, task)
        return features.project(choice.layer, choice.feature, choice.unit, choice.rule, task)

    def draw(self, result: Projection, choice: ProjectionChoice) -> None:
        record = self.examples.record(choice.layer, result.feature)

        def chosen() -> bool:
            return not (isinstance(choice.unit, str) and isinstance(self.unit, str))

        self.view.show(self.features(choice.image), result, choice.scale, chosen, choice.place, choice.over, record)

    def settle(self, choice: ProjectionChoice) -> None:
        super().settle(choice)
        asked = choice.image, choice.layer, choice.place
        if asked != self._tiled:
            self._tiled = asked
            self._tiles.ask(asked)

    def code_lines(self) -> Sequence[str]:
        result: Projection = self.answer
        settings = {"unit": "all" if result.unit is None else result.unit, "rule": result.rule}
        image = image_line(self.selection.images, self.image)
        return [image, call("zf.project", "net", "image", repr(result.layer), repr(result.feature), **settings)]

    def _show_responding(self, asked: tuple[str, str, Box | None], cancelled: Callable[[], bool]) -> None:
        """Who responds at the place: at once by number and strength, then with the best example of each."""
        image, layer, place = asked
        task, features = Task(cancelled, behind=self.foreground), self.features(image)
        found = respond(features, layer, place)
        title = "Strongest on this image" if place is None else "Strongest here"
        maps = []
        for number in found.top(SHOWN):
            words = f"{found.name_of(number)}: activation {format_number(float(found.activation[number]))} here"
            share = float(found.activation[number] / found.activation.max())
            name = found.labels[number] if found.labels else str(number)
            maps.append({"number": number, "name": name, "words": words, "share": share})
        self.view.responding.show(title, maps, [])
        tiles = []
        with suppress(Cancelled):
            task.check()
            if not self._examples_read:
                self._examples_read = True
                self.examples.read()
                self._draw_again()  # activations as shares of records, which are known from now on
            for number in found.top(SHOWN):
                task.check()
                tiles.append(self.examples.patch(features, layer, number))
            self.view.responding.show(title, maps, tiles)

    def _draw_again(self) -> None:
        """Draw what is on show once more, unless the reader is on the way to something else."""
        with self._drawing:
            if self._shown is not None and self._shown == self._asked and self.result is not None:
                self.draw(self.result, self._shown)

    def _place_asked(self, change: T.Bunch) -> None:
        """What responds here? A click asks about one place, a drawn rectangle about all in it."""
        if change["new"] is None:
            return
        row, column, *rest = change["new"]
        box = (row, column, row + 1, column + 1) if change["name"] == "clicked" else (row, column, *rest[:2])
        if change["name"] == "clicked":
            unit = self.features(self.image).unit_at(self.layer, row, column)
        else:
            unit = self._unit_in(box)
        self.place, self.order, self.unit = box, "here", unit

    def _map_chosen(self, change: T.Bunch) -> None:
        number, _ = change["new"]
        self.selection.choose(feature=number, unit="max" if self.place is None else self._unit_in(self.place, number))

    def _unit_in(self, box: Box, number: int | None = None) -> tuple[int, int]:
        """The strongest unit of a map whose field has its middle in a box."""
        chosen = self.feature if number is None else number
        row, column = respond(self.features(self.image), self.layer, box).unit[chosen or 0].tolist()
        return row, column

    def _reorder(self, _: Any) -> None:
        if self._shown is not None:
            self.settle(self._shown)

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
