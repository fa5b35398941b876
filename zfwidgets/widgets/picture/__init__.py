"""One raster picture in a notebook."""

from zfwidgets.widgets.picture.picture import ROOM, Picture, rgba
from zfwidgets.widgets.picture.scale import heat_scale, scale_html, signed_scale
from zfwidgets.widgets.picture.shown import ShownPicture
from zfwidgets.widgets.picture.size import fitted
from zfwidgets.widgets.picture.tile import framed, tile_source

__all__ = [
    "ROOM",
    "Picture",
    "ShownPicture",
    "fitted",
    "framed",
    "heat_scale",
    "rgba",
    "scale_html",
    "signed_scale",
    "tile_source",
]
