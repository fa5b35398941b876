"""Charts in a notebook."""

from zfwidgets.widgets.charts.charts import LINES, Bars, BeforeAndAfter, Curves

__all__ = ["LINES", "Bars", "BeforeAndAfter", "Curves"]
