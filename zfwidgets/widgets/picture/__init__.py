"""One raster picture in a notebook."""

from zfwidgets.widgets.picture.picture import ROOM, Picture, rgba
from zfwidgets.widgets.picture.shown import ShownPicture
from zfwidgets.widgets.picture.size import fitted

__all__ = ["ROOM", "Picture", "ShownPicture", "fitted", "rgba"]
