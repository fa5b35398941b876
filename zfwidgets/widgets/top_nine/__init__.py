"""The top nine."""

from zfwidgets.widgets.top_nine.widget import TopNine

__all__ = ["TopNine"]
