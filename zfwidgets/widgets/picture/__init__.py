"""One raster picture in a notebook."""

from zfwidgets.widgets.picture.picture import ROOM, Picture, rgba
from zfwidgets.widgets.picture.scale import heat_scale, scale_html, signed_scale
from zfwidgets.widgets.picture.shown import ShownPicture
from zfwidgets.widgets.picture.size import fitted

__all__ = [
    "ROOM",
    "Picture",
    "ShownPicture",
    "fitted",
    "heat_scale",
    "rgba",
    "scale_html",
    "signed_scale",
]
