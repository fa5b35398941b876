"""The invariance explorer."""

from zfwidgets.widgets.invariance_explorer.widget import InvarianceExplorer

__all__ = ["InvarianceExplorer"]
