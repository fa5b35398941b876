"""Charts in a notebook."""

from zfwidgets.widgets.charts.charts import LINES, Bars, Curves

__all__ = ["LINES", "Bars", "Curves"]
