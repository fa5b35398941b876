"""The controls that panels share: built from what their traits declare, and bound to them."""

from zfwidgets.widgets.controls.binding import Filled, bind
from zfwidgets.widgets.controls.feature_slider import FeatureSlider
from zfwidgets.widgets.controls.image_picker import thumbnail
from zfwidgets.widgets.controls.job import Job, duration
from zfwidgets.widgets.controls.layout import classed, in_columns, labelled, probability_bars, row, titled
from zfwidgets.widgets.controls.more import bar, rare
from zfwidgets.widgets.controls.name_buttons import NameButtons, NameList
from zfwidgets.widgets.controls.network_strip import LayerStrip
from zfwidgets.widgets.controls.options import control
from zfwidgets.widgets.controls.orders import by_score

__all__ = [
    "FeatureSlider",
    "Filled",
    "Job",
    "LayerStrip",
    "NameButtons",
    "NameList",
    "bar",
    "bind",
    "by_score",
    "classed",
    "control",
    "duration",
    "in_columns",
    "labelled",
    "probability_bars",
    "rare",
    "row",
    "thumbnail",
    "titled",
]
