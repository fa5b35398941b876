"""The controls that panels share."""

from zfwidgets.widgets.controls.controls import (
    FILLS,
    HIDING,
    ORDERS,
    RULES,
    FeatureSlider,
    ImagePicker,
    Job,
    LayerSlider,
    bars,
    chooser,
    labelled,
    layer_names,
    row,
)
from zfwidgets.widgets.controls.filled import Filled, LayerChoice

__all__ = [
    "FILLS",
    "HIDING",
    "ORDERS",
    "RULES",
    "FeatureSlider",
    "Filled",
    "ImagePicker",
    "Job",
    "LayerChoice",
    "LayerSlider",
    "bars",
    "chooser",
    "labelled",
    "layer_names",
    "row",
]
