"""Charts in a notebook."""

from zfwidgets.widgets.charts.charts import LINES, Curves

__all__ = ["LINES", "Curves"]
