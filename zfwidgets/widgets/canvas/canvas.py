"""A photograph to hide parts of: by mouse, finger or keyboard, with a brush, a rectangle, or a square that follows.

The one wrapper round ipycanvas, which mends what that lacks; `canvas.js` does so in the browser.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.widgets.canvas.sheet import EMPTY, Circle, Outline, Sheet
from zfwidgets.widgets.canvas.strokes import BRUSHES, Box, Gesture, Point, slices
from zfwidgets.widgets.geometry import PHOTOGRAPH
from zfwidgets.widgets.picture import Picture, rgba
from zfwidgets.widgets.tokens import styled
from zfwidgets.widgets.traits import reject_unknown

ROOM = Path(__file__).parent
TOOLS = (*BRUSHES, "rectangle", "square")
HISTORY = 50  # gestures that can be undone
TAP = 4  # a finger that strayed less than this many pixels of the picture has tapped
ARROWS = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
KEYS = (
    "Arrow keys move a square, with Shift by one pixel; Enter hides what it covers; Backspace undoes; "
    "Escape or Tab leaves."
)


class CanvasEvents(anywidget.AnyWidget):
    """The part in the browser: keys and drags that ipycanvas spoils, and words for those who cannot see."""

    _esm = ROOM / "canvas.js"
    _css = styled(ROOM / "canvas.css")

    canvas = T.Instance(W.Widget, help="whose events are mended").tag(sync=True, **W.widget_serialization)
    description = T.Unicode(help="what the canvas is, and which keys work on it").tag(sync=True)
    spoken = T.Unicode(help="what the last key did").tag(sync=True)


class DrawingCanvas(W.VBox):
    """Show a photograph, let parts of it be hidden, and tell which.

    `show` puts the photograph on it, and what is to be seen in hidden places. What is hidden is `mask`, all that was
    drawn, and the `square` that floats over it: both together are `hidden`.
    """

    tool = T.Enum(TOOLS, "square", help="what the pointer does; the keyboard always moves the square")
    brush = T.Int(24, min=1, help="diameter of brush and eraser, pixels of the picture")
    size = T.Tuple(T.Int(min=1), T.Int(min=1), default_value=(32, 32), help="height and width of the square, pixels")
    step = T.Int(8, min=1, help="how far an arrow key moves the square, pixels; with Shift it is one")
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
        self._gesture: Gesture | None = None
        self._pointer: Point | None = None
        self._place: tuple[int, int] | None = None  # where the square was last
        self._sheet = Sheet()
        self._events = CanvasEvents(canvas=self._sheet.canvas)
        super().__init__([self._sheet.canvas, self._events], **traits)
        self.add_class("zf-canvas")
        self._listen()

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

    def as_picture(self) -> Picture:
        """What is to be seen now, as a picture that cannot be drawn on."""
        boxes = [] if self.square is None else [self._square_box(self.square)]
        picture = Picture(shown_width=self.shown_width, smooth=True, description=self.description, boxes=boxes)
        picture.show(np.where(self.hidden[..., np.newaxis], self._sheet.baseline, self._sheet.picture))
        return picture

    def press(self, x: float, y: float) -> None:
        """The mouse button goes down; places are in the picture's pixels, and may lie outside."""
        with self._lock:
            self._finish()  # one whose end went unseen
            self._gesture = Gesture(self.tool, self.brush, (y, x), (y, x), self.mask, self.mask.copy())
            self.move(x, y)

    def move(self, x: float, y: float) -> None:
        """The pointer moves, pressed or not."""
        with self._lock:
            self._pointer = (y, x)
            if self._gesture is not None:
                self._gesture.move(self._pointer)
            self._float(self._centred(self._pointer) if self._tool_in_hand() == "square" else None)

    def release(self, x: float, y: float) -> None:
        """The mouse button goes up: the gesture ends, and a square that was clicked stays."""
        with self._lock:
            if self._gesture is not None:
                self.move(x, y)
                self._finish()

    def leave(self, x: float = 0, y: float = 0) -> None:
        """The pointer goes; a gesture that is under way goes on."""
        with self._lock:
            if self._gesture is None:
                self._pointer = None
                self._float(None)

    def touch(self, touches: Sequence[tuple[float, float]]) -> None:
        """Fingers come: the first one draws."""
        self.press(*touches[0])

    def slide(self, touches: Sequence[tuple[float, float]]) -> None:
        """Fingers move."""
        self.move(*touches[0])

    def lift(self, touches: Sequence[tuple[float, float]]) -> None:
        """A finger goes up: a tap hides what the square covers; one that was dragged only stays where it is."""
        with self._lock:
            self._pointer = None
            if self._gesture is not None and self._gesture.tool == "square" and self._gesture.strayed > TAP:
                self._take(self.mask)
            else:
                self._finish()

    def key(self, key: str, shift: bool = False, ctrl: bool = False, meta: bool = False) -> None:
        """A key goes down."""
        with self._lock:
            if key in ARROWS:
                self._step(*ARROWS[key], 1 if shift else self.step)
            elif key in ("Enter", " "):
                self._stamp()
            elif key in ("Backspace", "Delete") or (key.lower() == "z" and (ctrl or meta)):
                self.undo()
                self._events.spoken = "undone" if self.can_undo else "undone, nothing is left to undo"

    def focus(self, focused: bool) -> None:
        """The keyboard comes to the canvas, or goes."""
        if not focused:
            self.leave()
        else:
            with self._lock:
                if self._gesture is None and self.square is None:
                    self._float(self._last_place())

    def _listen(self) -> None:
        layers = self._sheet.canvas
        layers.on_mouse_down(self.press)
        layers.on_mouse_move(self.move)
        layers.on_mouse_up(self.release)
        layers.on_mouse_out(self.leave)
        layers.on_touch_start(self.touch)
        layers.on_touch_move(self.slide)
        layers.on_touch_end(self.lift)
        layers.on_touch_cancel(self.lift)
        layers.on_key_down(self.key)
        layers.on_client_ready(self._redraw)
        self._events.on_msg(lambda _, content, __: self.focus(content["focus"]))
        self.observe(lambda _: self.leave(), names=["tool", "size"])
        T.dlink((self, "shown_width"), (layers.layout, "width"), lambda width: f"{width}px")
        T.dlink((self, "description"), (self._events, "description"), lambda words: f"{words}. {KEYS}")

    @T.default("mask")
    def _nothing(self) -> np.ndarray:
        return _frozen(np.zeros(EMPTY, bool))

    def _begin_anew(self) -> None:
        """Nothing is hidden in a picture of another size, and there is nothing to undo."""
        self._history.clear()
        self._gesture = self._pointer = self._place = None
        self.set_trait("square", None)
        self.set_trait("can_undo", False)
        self.set_trait("mask", _frozen(np.zeros(self._sheet.shape, bool)))

    def _finish(self) -> None:
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            self._stamp() if gesture.tool == "square" else self.put(gesture.mask)

    def _stamp(self) -> None:
        """Hide what the square covers; where there is none, show it first."""
        if self.square is None:
            self._float(self._last_place())
        else:
            self.put(self.hidden)
            self._events.spoken = f"{self.mask.mean():.0%} of the picture is hidden"

    def _take(self, mask: np.ndarray) -> None:
        """Let this be the mask, and whatever gesture there was be over."""
        self._gesture = None
        self._draw(self.square, mask)
        self.set_trait("can_undo", bool(self._history))
        if mask is not self.mask:
            self.set_trait("mask", _frozen(mask))

    def _step(self, down: int, across: int, step: int) -> None:
        """One arrow key: the first one only shows where the square is."""
        top, left = self._last_place()
        if self.square is not None:
            top, left = self._inside(top + step * down, left + step * across)
        self._float((top, left))
        self._events.spoken = f"square at row {top}, column {left}"

    def _float(self, square: tuple[int, int] | None) -> None:
        """Let the square float there, or nowhere."""
        self._place = square or self._place
        self._draw(square, self.mask if self._gesture is None else self._gesture.mask)
        self.set_trait("square", square)

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

    def _outline(self, square: tuple[int, int] | None) -> Outline:
        """What is marked: the square, else the rectangle that is being drawn, else the brush."""
        if square is not None:
            return self._square_box(square)
        if self._gesture is not None and self._gesture.tool == "rectangle":
            return self._gesture.box
        if self._pointer is not None and self._tool_in_hand() in BRUSHES:
            return Circle(*self._pointer, self.brush / 2)
        return None

    def _tool_in_hand(self) -> str:
        """A gesture ends with the tool that it began with."""
        return self.tool if self._gesture is None else self._gesture.tool


def _frozen(mask: np.ndarray) -> np.ndarray:
    mask.flags.writeable = False
    return mask
