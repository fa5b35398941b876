"""A button that plays through values."""

from zfwidgets.widgets.play.play import Play

__all__ = ["Play"]
