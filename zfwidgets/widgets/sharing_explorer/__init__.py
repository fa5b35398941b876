"""Feature sharing in a notebook: what a map is made of, who else uses it, and what falls without it."""

from zfwidgets.widgets.sharing_explorer.widget import SharingExplorer

__all__ = ["SharingExplorer"]
