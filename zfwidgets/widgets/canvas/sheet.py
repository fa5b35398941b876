"""The drawing itself: a photograph, what hides parts of it, and outlines, on ipycanvas."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import ipywidgets as W
import numpy as np
from ipycanvas import Canvas, MultiCanvas, hold_canvas
from ipycanvas.canvas import _CANVAS_MANAGER

from zfwidgets.drawing import OUTLINE
from zfwidgets.widgets.canvas.strokes import Box, extent, runs, slices

EMPTY = (224, 224)  # height and width of the field that keeps the space before the first picture


class Circle(NamedTuple):
    """What the brush would hide if it were put down; in the picture's pixels."""

    y: float
    x: float
    radius: float


Outline = Box | Circle | None

_pen = threading.RLock()


@contextmanager
def drawing() -> Iterator[None]:
    """Send all that is drawn meanwhile in one message; whoever draws elsewhere waits.

    All canvases of a kernel share one manager, which draws on its "current" canvas: two threads would draw on each
    other's, and a page that was opened since knows of none, so that each message must name its canvas anew. And
    `hold_canvas` alone would never let go after an exception.
    """
    with _pen:
        _CANVAS_MANAGER._current_canvas = None
        holding = hold_canvas()
        holding.__enter__()
        try:
            yield
        finally:
            holding.__exit__(None, None, None)
            _CANVAS_MANAGER._current_canvas = None  # which it would hold, and all that hangs on it


class Sheet:
    """The ipycanvas itself: a photograph, over it a baseline that is seen where the photograph is hidden, and outlines.

    A message that hides or shows something carries only the place where it changes, and no colours.
    """

    def __init__(self) -> None:
        self.canvas = MultiCanvas(3, layout=W.Layout(max_width="100%", height="auto"))
        self.picture = self.baseline = np.zeros((*EMPTY, 4), np.uint8)  # RGBA: ipycanvas spoils RGB with JPEG
        self._photograph, self._cover, self._marks = self.canvas._canvases
        self._paint, self._stencil = Canvas(), Canvas()  # not on the page: the baseline, and where it is seen
        self._hidden = self._on_page = np.zeros(EMPTY, bool)
        self._outline: Outline = None
        self._resize()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in the picture's pixels."""
        return self._hidden.shape[0], self._hidden.shape[1]

    @property
    def closed(self) -> bool:
        """Whether it can be drawn on no more: a page would not know what a message is about."""
        return self.canvas.comm is None

    def close(self) -> None:
        """Close all canvases, those too that are not on the page."""
        with _pen:
            for canvas in (self.canvas, *self.canvas._canvases, self._paint, self._stencil):
                canvas.close()

    def show(self, picture: np.ndarray, baseline: np.ndarray) -> None:
        """Take over both, (H, W, 4) uint8; where their shape is new, nothing is hidden."""
        self.picture, self.baseline = picture, baseline
        if picture.shape[:2] != self.shape:
            self._hidden, self._outline = np.zeros(picture.shape[:2], bool), None
            self._resize()
        self.redraw()

    def draw(self, hidden: np.ndarray, outline: Outline) -> None:
        """Hide these pixels, (H, W) bool, and no others; an outline marks a box or a circle."""
        self._hidden, self._outline = hidden, outline
        with drawing():
            if not self.closed:
                self._hide()
                self._mark()

    def redraw(self) -> None:
        """Draw everything anew: a page that was opened just now is blank."""
        self._on_page = np.zeros_like(self._hidden)
        with drawing():
            if self.closed:
                return
            for canvas in (self._photograph, self._paint, self._stencil, self._cover):
                canvas.clear()
            self._photograph.put_image_data(self.picture)
            self._paint.put_image_data(self.baseline)
            self._hide()
            self._mark()

    def _resize(self) -> None:
        for canvas in (self.canvas, self._paint, self._stencil):
            canvas.height, canvas.width = self.shape

    def _hide(self) -> None:
        """Bring the stencil up to date where it differs, and lay the baseline through it."""
        box = extent(self._hidden != self._on_page)
        if box is None:
            return
        top, left, bottom, right = box
        self._stencil.clear_rect(left, top, right - left, bottom - top)
        if self._hidden[slices(box)].any():
            rows, starts, ends = runs(self._hidden[slices(box)])
            self._stencil.fill_rects(left + starts, top + rows, ends - starts, 1)
        for image, how in ((self._paint, "copy"), (self._stencil, "destination-in")):
            self._cover.global_composite_operation = how
            self._cover.draw_image(image)
        self._on_page = self._hidden

    def _mark(self) -> None:
        """Dark outside and light inside: this shows on any photograph and on any baseline."""
        marks, outline = self._marks, self._outline
        marks.clear()
        for colour, out in zip(OUTLINE, (0.5, -0.5), strict=True):
            marks.stroke_style = colour
            if isinstance(outline, Circle):
                marks.stroke_circle(outline.x, outline.y, max(outline.radius + out, 0.5))
            elif outline is not None:
                top, left, bottom, right = outline
                marks.stroke_rect(left - out, top - out, right - left + 2 * out, bottom - top + 2 * out)
