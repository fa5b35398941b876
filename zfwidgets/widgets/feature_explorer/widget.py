"""The first widget: what one feature map of one layer responds to in one image (§2, Fig. 2)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import images as collected
from zfwidgets.experiments.projection import ImageFeatures, Projection, checked_unit
from zfwidgets.models import Network
from zfwidgets.widgets.controls import RULES, FeatureSlider, ImagePicker, LayerSlider, chooser, labelled, layer_names
from zfwidgets.widgets.feature_explorer.view import FeatureView
from zfwidgets.widgets.panel import Panel, Progress, Stale

PLACES = {"strongest unit": "max", "chosen place": "chosen", "whole map": "all"}
SCALES = {"its 99th percentile": "percentile", "its own maximum": "own", "the strongest unit's": "strongest"}


class FeatureExplorer(Panel):
    """Choose a layer and a feature map; see where it responds in a photograph, and to what.

    `FeatureExplorer(net)` shows the embedded photographs; `images` is anything that `zfwidgets.data.images` takes: a
    folder, a list, a dictionary, a torch data set, one image. `layers` are the names on the layer slider: by default
    those through which everything passes; "all" for every layer. `transport="webp"` packs pictures for slow links.
    Every choice is a trait, to be set, observed or linked.

    Raises ValueError for an unknown layer or image, and for a feature or unit that the layer does not have; TypeError
    for a misspelt setting.
    """

    title = "Feature explorer"
    lead = "What does one feature map of the network respond to? Its activation, carried back down to the pixels."
    inputs = ("image", "layer", "feature", "_feature_of", "unit", "rule", "order", "scale")

    image = T.Unicode(help="name of the image")
    layer = T.Unicode(help="name of the layer")
    feature = T.Int(0, help="number of the feature map; by default the strongest on the image")
    unit = T.Any("max", help='"max": the strongest unit of the map; (row, column): that unit; "all": the whole map')
    rule = T.Enum(tuple(RULES.values()), "deconvnet", help="how the signal passes rectifiers on its way down")
    order = T.Enum(("strength", "index"), "strength", help="order of the feature slider")
    scale = T.Enum(tuple(SCALES.values()), "percentile", help="what full colour stands for in the projection")

    def __init__(
        self,
        net: Network,
        images: Any = None,
        *,
        layers: Sequence[str] | None = None,
        transport: str = "raw",
        **settings: Any,
    ) -> None:
        self.net = net
        names = layer_names(net, layers, settings.get("layer"))
        start = net.layer(settings.get("layer", names[len(names) // 3])).name
        self._picker = ImagePicker(collected(images))
        self._layer_slider = LayerSlider(names, start)
        self._feature_slider = FeatureSlider()
        self._places, self._rules, self._scales = chooser(PLACES, True), chooser(RULES), chooser(SCALES)
        self._view = FeatureView(net.classifies, transport)
        self._features = lru_cache(maxsize=4)(lambda name: ImageFeatures(net, self._picker[name]))
        self._ranked: tuple[str, ...] = ()
        self._link()
        # the layer for which the feature was chosen; in another one, the slider's place counts
        self._feature_of = start if "feature" in settings else ""
        super().__init__(self._controls(), self._view, **{"image": self._picker.value, "layer": start, **settings})

    def add_image(self, name: str, image: Any) -> None:
        """Put one more image on the list and show it. Raises ValueError when it is not an image."""
        self._picker.add(name, image)

    def compute(self, choice: SimpleNamespace, stale: Stale, progress: Progress) -> Projection:
        """Project the chosen unit; all else that is drawn is computed on the way."""
        features = self._features(choice.image)
        if choice._feature_of != choice.layer:
            choice.feature = self._at_slider(features.strengths(choice.layer), choice.order)
            choice._feature_of = choice.layer
        if choice.scale == "strongest":
            features.project(choice.layer, choice.feature, "max", choice.rule, stale)
        return features.project(choice.layer, choice.feature, choice.unit, choice.rule, stale)

    def draw(self, result: Projection, choice: SimpleNamespace) -> None:
        """Show the pictures; bring the feature slider into the order of this image and layer."""
        features = self._features(choice.image)
        self._view.show(features, result, choice.image, choice.scale)
        ranked = (choice.image, choice.layer, choice.order)
        if self.layer == choice.layer and ranked != self._ranked:
            self._ranked = ranked
            self._feature_slider.rank(features.strengths(choice.layer), choice.feature)

    def _at_slider(self, strengths: np.ndarray, order: str) -> int:
        position = min(self._feature_slider.position, len(strengths) - 1)
        return int(np.argsort(-strengths, kind="stable")[position]) if order == "strength" else position

    def _controls(self) -> list[W.Widget]:
        return [
            self._picker,
            self._layer_slider,
            self._feature_slider,
            labelled(
                "Project", self._places, "One unit of the map, or all at once. A click on the map chooses a place."
            ),
            labelled(
                "Way down", self._rules, "A rectifier passes the signal's positive part (§2), or by the chain rule."
            ),
            labelled(
                "Full colour", self._scales, "What the strongest colours of the projection stand for; zero is grey."
            ),
        ]

    def _link(self) -> None:
        """Bind the choices to their controls. Comes before `Panel` listens, so that it hears of them together."""
        for control, name in (
            (self._picker, "image"), (self._layer_slider, "layer"), (self._feature_slider, "feature"),
            (self._rules, "rule"), (self._scales, "scale"),
        ):  # fmt: skip
            control.add_class(f"zf-{name}")
            T.link((control, "value"), (self, name))
        self._places.add_class("zf-places")
        T.link((self._feature_slider, "order"), (self, "order"))
        T.dlink((self._picker, "complaint"), (self, "error"))
        self._places.observe(self._place_chosen, names="value")
        self._view.map.observe(self._cell_chosen, names="cell")
        self._view.photograph.observe(self._photograph_clicked, names="clicked")
        self.observe(self._show_place, names="unit")
        self.observe(self._keep_place, names="layer")

    def _place_chosen(self, change: T.Bunch) -> None:
        if change["new"] != "chosen":
            self.unit = change["new"]
        elif isinstance(self.unit, str) and self.result is not None:
            self.unit = self.result.unit or self._features(self.image).strongest(self.layer, self.feature)

    def _show_place(self, change: T.Bunch) -> None:
        self._places.value = change["new"] if isinstance(change["new"], str) else "chosen"

    def _cell_chosen(self, change: T.Bunch) -> None:
        if change["new"] is not None and tuple(change["new"]) != self._view.unit:
            self.unit = tuple(change["new"])

    def _photograph_clicked(self, change: T.Bunch) -> None:
        if change["new"] is not None:
            row, column, _ = change["new"]
            self.unit = self._features(self.image).unit_at(self.layer, row, column)

    def _keep_place(self, change: T.Bunch) -> None:
        """A place chosen on one layer's map stays about the same place of the image on another's."""
        if not isinstance(self.unit, str) and change["old"]:
            before, now = self.net.layer(change["old"]), self.net.layer(change["new"])
            row, column = self.unit
            self.unit = (row * now.height // before.height, column * now.width // before.width)

    @T.validate("image")
    def _known_image(self, proposal: T.Bunch) -> str:
        return self._picker.known(proposal["value"])

    @T.validate("layer")
    def _known_layer(self, proposal: T.Bunch) -> str:
        return self.net.layer(proposal["value"]).name

    @T.validate("feature")
    def _known_feature(self, proposal: T.Bunch) -> int:
        feature = self.net.layer(self.layer).checked(proposal["value"])
        self._feature_of = self.layer
        return feature

    @T.validate("unit")
    def _known_unit(self, proposal: T.Bunch) -> Any:
        return checked_unit(self.net.layer(self.layer), proposal["value"])
