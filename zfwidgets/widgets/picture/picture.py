"""One raster picture in a notebook: raw RGBA bytes into a canvas, and the place that was pointed at back."""

from __future__ import annotations

from pathlib import Path
from threading import get_ident
from typing import Any

import anywidget
import numpy as np
import traitlets as T

from zfwidgets.widgets.picture.packing import message
from zfwidgets.widgets.tokens import styled
from zfwidgets.widgets.traits import reject_unknown

ROOM = Path(__file__).parent
SCALES = ("heat", "signed")  # of `zfwidgets.drawing`: dark to bright; against the feature, grey, for it


def rgba(array: np.ndarray) -> np.ndarray:
    """Four uint8 channels, (H, W, 4), from a uint8 array that is grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4)."""
    array = np.asarray(array)
    if array.dtype != np.uint8:
        raise ValueError(f"a picture is made of uint8 values, 0 to 255; these are {array.dtype}")
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError(f"a picture has the shape (H, W), (H, W, 3) or (H, W, 4), none of them 0; not {array.shape}")
    if array.shape[2] == 4:
        return array
    opaque = np.full((*array.shape[:2], 4), 255, np.uint8)
    opaque[:, :, :3] = array
    return opaque


def _place(parts: int, description: str) -> T.Tuple:
    whole_numbers = [T.CInt(min=0) for _ in range(parts)]
    return T.Tuple(*whole_numbers, default_value=None, allow_none=True, help=description).tag(sync=True)


def _packed(pixels: bytes, picture: Picture) -> dict[str, object]:
    return message(pixels, picture.height, picture.width, picture.transport)


class Picture(anywidget.AnyWidget):
    """Show a picture, with boxes marked on it, and tell which pixel or which cell of a grid was chosen.

    `show` puts a picture on it. Until then a plain field of the shape `width` × `height` keeps the space. With
    `cells=(rows, columns)` the picture is a grid to choose from, by a click or by the arrow keys, Home and End.
    """

    _esm = (ROOM / "picture.js").read_text(encoding="utf-8")  # a path would hold every one made
    _css = styled(ROOM / "picture.css")

    pixels = T.Bytes(help="RGBA, row by row, height * width * 4 bytes; set by `show`").tag(sync=True, to_json=_packed)
    width = T.Int(224, min=1, help="the picture's own pixels; before the first one, of its place").tag(sync=True)
    height = T.Int(224, min=1, help="the picture's own pixels; before the first one, of its place").tag(sync=True)
    shown_width = T.Int(224, min=1, help="CSS pixels on the page; less where there is less room").tag(sync=True)
    smooth = T.Bool(False, help="False: pixels are squares, for maps; True: blended, for photographs").tag(sync=True)
    transport = T.Enum(("raw", "webp"), "raw", help="raw is fastest; lossless WebP is smaller, for slow links")

    caption = T.Unicode(help="plain text under the picture").tag(sync=True)
    hint = T.Unicode(help="more of the same, shown where the pointer rests on the caption").tag(sync=True)
    scale: T.List[Any] = T.List(
        T.Unicode(), help="what the colours stand for: one of `SCALES`, and what its two ends are called; or empty"
    ).tag(sync=True)
    description = T.Unicode(help="what it shows, for those who cannot see it; else the caption").tag(sync=True)
    boxes = T.List(
        T.Tuple(T.CFloat(), T.CFloat(), T.CFloat(), T.CFloat()),
        help="(top, left, bottom, right) in the picture's pixels, each drawn as a dark and light outline",
    ).tag(sync=True)

    cells = T.Tuple(
        T.CInt(min=0),
        T.CInt(min=0),
        default_value=(0, 0),
        help="(rows, columns) of the grid to choose from; (0, 0) for none",
    ).tag(sync=True)
    cell = _place(2, "(row, column) of the chosen cell; outlined where it lies inside `cells`")
    hover = _place(2, "(row, column) under the pointer: a cell, or a pixel without `cells`; at most once a frame")
    hoverable = T.Bool(True, help="False: `hover` stays None, and a pointer passing by sends nothing").tag(sync=True)
    draggable = T.Bool(False, help="whether a rectangle can be drawn on it").tag(sync=True)
    dragged = _place(5, "(top, left, bottom, right, count): the rectangle drawn last, in pixels; the count grows")
    clicked = _place(3, "(row, column, count): the pixel clicked last; the count grows with every click")

    _showing: int | None = None  # the thread that shows something

    def __init__(self, **traits: Any) -> None:
        reject_unknown(type(self), traits)
        super().__init__(**traits)

    @T.validate("cells")
    def _rows_and_columns(self, proposal: T.Bunch) -> tuple[int, int]:
        rows, columns = proposal["value"]
        if (rows == 0) != (columns == 0):
            raise T.TraitError(f"cells are (rows, columns), or (0, 0) for none; not {(rows, columns)}")
        return rows, columns

    def show(self, array: np.ndarray, **traits: Any) -> None:
        """Show a uint8 array (H, W), (H, W, 3) or (H, W, 4); other traits (`caption=…`) go in the same message."""
        reject_unknown(type(self), traits)
        picture = rgba(array)
        height, width = picture.shape[:2]
        outer, self._showing = self._showing, get_ident()
        try:
            with self.hold_sync():
                for name, value in traits.items():
                    setattr(self, name, value)
                self.width, self.height, self.pixels = width, height, picture.tobytes()
        finally:
            self._showing = outer

    @property
    def by_reader(self) -> bool:
        """Whether the cell that has just been chosen comes from the reader, and not from `show`."""
        return self._showing != get_ident()
