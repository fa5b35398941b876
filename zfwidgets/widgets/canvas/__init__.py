"""A photograph to hide parts of, by mouse, finger or keyboard."""

from zfwidgets.widgets.canvas.canvas import DrawingCanvas
from zfwidgets.widgets.canvas.strokes import BRUSHES, extent, runs, slices

__all__ = ["BRUSHES", "DrawingCanvas", "extent", "runs", "slices"]
