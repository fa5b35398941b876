"""A widget of one's own: where one feature map responds in a photograph."""

from dataclasses import dataclass

import numpy as np

from zfwidgets.drawing import heat
from zfwidgets.task import Task
from zfwidgets.widgets.panel import FeaturePanel
from zfwidgets.widgets.picture import Picture, fitted
from zfwidgets.widgets.traits import ImageName


@dataclass(frozen=True)
class MapChoice:
    """What the picture depends on: names of traits of the panel."""

    image: str
    layer: str
    feature: int


class ActivationMap(FeaturePanel):
    """Choose an image, a layer and a feature map; see where the map responds."""

    title = "Activation map"
    lead = "Where in the photograph does this feature map respond?"
    Choice = MapChoice
    image = ImageName(help="name of the image")

    def build(self) -> Picture:
        self.picture = Picture(transport=self.transport)
        return self.picture

    def compute(self, choice: MapChoice, task: Task) -> np.ndarray:
        return self.features(choice.image).maps(choice.layer)[choice.feature]

    def draw(self, result: np.ndarray, choice: MapChoice) -> None:
        self.picture.show(heat(result), shown_width=fitted(*result.shape), caption=f"feature {choice.feature}")
