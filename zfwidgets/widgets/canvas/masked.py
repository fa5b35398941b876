"""A photograph of which parts are hidden: a mask that can be undone, and a square that floats over it."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.widgets.canvas.sheet import EMPTY, Outline, Sheet
from zfwidgets.widgets.canvas.strokes import Box, Point, slices
from zfwidgets.widgets.geometry import PHOTOGRAPH
from zfwidgets.widgets.picture import ShownPicture, rgba
from zfwidgets.widgets.traits import reject_unknown

HISTORY = 50  # gestures that can be undone


class MaskedPicture(W.VBox):
    """Show a photograph with parts of it hidden.

    `show` puts the photograph on it, and what is to be seen in hidden places. What is hidden is `mask`, all that was
    drawn, and the `square` that floats over it: both together are `hidden`.
    """

    size = T.Tuple(T.Int(min=1), T.Int(min=1), default_value=(32, 32), help="height and width of the square, pixels")
    shown_width = T.Int(PHOTOGRAPH, min=1, help="CSS pixels on the page; less where there is less room")
    description = T.Unicode("Photograph to hide parts of", help="what it shows, for those who cannot see it")

    mask = T.Any(read_only=True, help="what was drawn, (H, W) bool, read-only; a new array after each gesture")
    square = T.Tuple(
        T.Int(),
        T.Int(),
        default_value=None,
        allow_none=True,
        read_only=True,
        help="(top, left) of the floating square; None while neither pointer nor keyboard moves it",
    )
    can_undo = T.Bool(False, read_only=True, help="whether `undo` has something to take back")

    def __init__(self, **traits: Any) -> None:
        reject_unknown(type(self), traits)
        self._lock = threading.RLock()  # observers are called with it held: they must not wait for who draws here
        self._history: deque[np.ndarray] = deque(maxlen=HISTORY)
        self._place: tuple[int, int] | None = None  # where the square was last
        self._sheet = Sheet()
        super().__init__(**traits)

    def show(self, picture: np.ndarray, baseline: np.ndarray) -> None:
        """Show a picture, and in its hidden places the baseline; both (H, W, 3) uint8.

        A picture of another size than the last one begins with nothing hidden.
        """
        picture, baseline = rgba(picture), rgba(baseline)
        if picture.shape != baseline.shape:
            raise ValueError(f"picture and baseline have one shape, not {picture.shape} and {baseline.shape}")
        with self._lock:
            self._sheet.show(picture, baseline)
            if self.mask.shape != self._sheet.shape:
                self._begin_anew()

    def close(self) -> None:
        """Close it, and its canvases with it."""
        if hasattr(self, "_sheet"):
            self._sheet.close()
        super().close()

    @property
    def hidden(self) -> np.ndarray:
        """All that is hidden, (H, W) bool: the mask with the square in it."""
        with self._lock:
            return self._with_square(self.mask, self.square)

    def put(self, mask: np.ndarray) -> None:
        """Hide exactly these pixels, (H, W) bool; one step for `undo`."""
        mask = np.asarray(mask)
        with self._lock:
            if mask.dtype != bool or mask.shape != self.mask.shape:
                raise ValueError(f"a mask is bool and {self.mask.shape}, not {mask.dtype} and {mask.shape}")
            changed = bool((mask != self.mask).any())
            if changed:
                self._history.append(self.mask)
            self._take(mask.copy() if changed else self.mask)

    def begin(self, mask: np.ndarray) -> None:
        """Hide exactly these pixels, (H, W) bool, with nothing to undo."""
        with self._lock:
            self.put(mask)
            self._history.clear()
            self.set_trait("can_undo", False)

    def undo(self) -> None:
        """Take the last gesture back."""
        with self._lock:
            if self._history:
                self._take(self._history.pop())

    def clear(self) -> None:
        """Hide nothing any more."""
        self.put(np.zeros_like(self.mask))

    def as_picture(self) -> ShownPicture:
        """What is to be seen now, as a picture that cannot be drawn on."""
        boxes = () if self.square is None else (self._square_box(self.square),)
        pixels = rgba(np.where(self.hidden[..., np.newaxis], self._sheet.baseline, self._sheet.picture))
        height, width = pixels.shape[:2]
        return ShownPicture(pixels.tobytes(), width, height, self.shown_width, self.description, boxes)

    @T.default("mask")
    def _nothing(self) -> np.ndarray:
        return _frozen(np.zeros(EMPTY, bool))

    def _begin_anew(self) -> None:
        """Nothing is hidden in a picture of another size, and there is nothing to undo."""
        self._history.clear()
        self._place = None
        self.set_trait("square", None)
        self.set_trait("can_undo", False)
        self.set_trait("mask", _frozen(np.zeros(self._sheet.shape, bool)))

    def _take(self, mask: np.ndarray) -> None:
        """Let this be the mask."""
        self._draw(self.square, mask)
        self.set_trait("can_undo", bool(self._history))
        if mask is not self.mask:
            self.set_trait("mask", _frozen(mask))

    def _float(self, square: tuple[int, int] | None) -> None:
        """Let the square float there, or nowhere."""
        self._place = square or self._place
        self._draw(square, self._mask_under_way())
        self.set_trait("square", square)

    def _mask_under_way(self) -> np.ndarray:
        return self.mask

    def _outline(self, square: tuple[int, int] | None) -> Outline:
        """What is marked: the square."""
        return None if square is None else self._square_box(square)

    def _square_box(self, square: tuple[int, int]) -> Box:
        top, left = square
        height, width = np.minimum(self.size, self.mask.shape).tolist()
        return top, left, top + height, left + width

    def _with_square(self, mask: np.ndarray, square: tuple[int, int] | None) -> np.ndarray:
        mask = mask.copy()
        if square is not None:
            mask[slices(self._square_box(square))] = True
        return mask

    def _inside(self, top: float, left: float) -> tuple[int, int]:
        """The nearest place at which the whole square lies in the picture."""
        room = np.maximum(np.subtract(self.mask.shape, self.size), 0)
        top, left = np.rint([top, left]).clip(0, room).astype(int).tolist()
        return int(top), int(left)

    def _centred(self, point: Point) -> tuple[int, int]:
        return self._inside(point[0] - self.size[0] / 2, point[1] - self.size[1] / 2)

    def _last_place(self) -> tuple[int, int]:
        height, width = self.mask.shape
        return self._centred((height / 2, width / 2)) if self._place is None else self._inside(*self._place)

    def _redraw(self) -> None:
        with self._lock:
            self._sheet.redraw()

    def _draw(self, square: tuple[int, int] | None, mask: np.ndarray) -> None:
        self._sheet.draw(self._with_square(mask, square), self._outline(square))


def _frozen(mask: np.ndarray) -> np.ndarray:
    mask.flags.writeable = False
    return mask
