"""What all widgets are made of."""

from zfwidgets.widgets.panel.page_ready import Doorbell
from zfwidgets.widgets.panel.panel import PATIENCE, Panel, Progress, Stale, at_once, described
from zfwidgets.widgets.panel.still import still

__all__ = ["PATIENCE", "Doorbell", "Panel", "Progress", "Stale", "at_once", "described", "still"]
