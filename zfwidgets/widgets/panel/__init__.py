"""What all widgets are made of: the card, and the choice → resolve → compute → draw → settle behind it."""

from zfwidgets.widgets.panel.card import Card
from zfwidgets.widgets.panel.code import call, image_line, image_source, network_line
from zfwidgets.widgets.panel.cycle import NoChoice
from zfwidgets.widgets.panel.feature_panel import FeaturePanel, feature_order
from zfwidgets.widgets.panel.panel import Panel
from zfwidgets.widgets.panel.where import at_once

__all__ = [
    "Card",
    "FeaturePanel",
    "NoChoice",
    "Panel",
    "at_once",
    "call",
    "feature_order",
    "image_line",
    "image_source",
    "network_line",
]
