"""Charts in a notebook."""

from zfwidgets.widgets.charts.charts import LINES, TOOLTIP, Curves, ticks
from zfwidgets.widgets.charts.frame import framed

__all__ = ["LINES", "TOOLTIP", "Curves", "framed", "ticks"]
