"""What panels share that look at one feature map: its slider, and which map is taken where nobody has chosen one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zfwidgets.models import Network
from zfwidgets.task import Task
from zfwidgets.widgets.controls import FeatureSlider, by_score
from zfwidgets.widgets.panel.panel import Panel
from zfwidgets.widgets.traits import FeatureNumber, LayerName, Option

ORDERS = {"strongest first": "strength", "by number": "index"}
MAPS = "A feature map (channel): the same filter at every place of the image"


def feature_order(orders: Mapping[str, str] = ORDERS, tooltip: str = MAPS) -> Option:
    """In which order the slider of a panel goes through the feature maps."""
    help = "order of the feature slider: by a score, or by number"
    return Option(orders, "strength", "Order", help, tooltip, width=116)


class FeaturePanel(Panel):
    """A panel on one feature map of one layer. Its `Choice` has `layer` and `feature`, and mostly `image`.

    Where nobody has chosen a map, the one at the slider's place is taken: the strongest at first.
    """

    layer = LayerName(help="name of the layer")
    feature = FeatureNumber(help="number of the feature map; by default the strongest on the image")
    order = feature_order()

    def __init__(self, net: Network | None = None, images: Any = None, **settings: Any) -> None:
        self.feature_slider = FeatureSlider(type(self).order)
        self._ranked: tuple[Any, ...] = ()  # what the slider's order belongs to
        super().__init__(net, images, **settings)
        self.feature_slider.bind_order(self)
        self.observe(lambda _: self._rank(), names="order")

    def scores(self, choice: Any) -> np.ndarray:
        """What the maps are ordered by, (channels,): by default each one's strongest activation on the image."""
        return self.features(choice.image).strengths(choice.layer)

    def first_feature(self, choice: Any) -> int:
        """The map that is taken where nobody has chosen one: the one at the slider's place."""
        ranks = by_score(self.scores(choice), self.order)
        return int(ranks[min(self.feature_slider.position, len(ranks) - 1)])

    def resolve(self, choice: Any, task: Task) -> Any:
        """The choice with a feature map in it."""
        return choice if choice.feature is not None else replace(choice, feature=self.first_feature(choice))

    def settle(self, choice: Any) -> None:
        """Bring the slider into the order of this image and layer."""
        ranked = self.ranked_by(choice)
        if ranked != self._ranked:
            self._ranked = ranked
            self._scores = self.scores(choice)
            self._rank(choice.feature)

    def ranked_by(self, choice: Any) -> tuple[Any, ...]:
        """What the scores of the maps depend on."""
        return getattr(choice, "image", None), choice.layer

    def _rank(self, feature: int | None = None) -> None:
        chosen = self.feature if feature is None else feature
        if self._ranked and chosen is not None:
            self.feature_slider.rank(self._scores, self.order, chosen)
