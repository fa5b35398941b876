"""What figures and widgets draw with: colours, tiles, how a number is written, axes. Knows no network and no widget."""

from zfwidgets.drawing.axes import new_figure, show_picture
from zfwidgets.drawing.colours import heat, label_picture, signed_picture
from zfwidgets.drawing.numbers import format_number, format_short
from zfwidgets.drawing.palette import BEYOND, CLASSES, MARKER, NOW, OUTLINE, PALETTE, REST, layer_colours, line_colour
from zfwidgets.drawing.tiles import fit_tile, mosaic

__all__ = [
    "BEYOND",
    "CLASSES",
    "MARKER",
    "NOW",
    "OUTLINE",
    "PALETTE",
    "REST",
    "fit_tile",
    "format_number",
    "format_short",
    "heat",
    "label_picture",
    "layer_colours",
    "line_colour",
    "mosaic",
    "new_figure",
    "show_picture",
    "signed_picture",
]
