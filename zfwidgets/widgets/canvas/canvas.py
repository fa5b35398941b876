"""A photograph to hide parts of: by mouse, finger or keyboard, with a brush, a rectangle, or a square that follows.

The one wrapper round ipycanvas, which mends what that lacks; `canvas.js` does so in the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.widgets.canvas.masked import MaskedPicture
from zfwidgets.widgets.canvas.sheet import Circle, Outline
from zfwidgets.widgets.canvas.strokes import BRUSHES, Gesture, Point
from zfwidgets.widgets.tokens import styled

ROOM = Path(__file__).parent
TOOLS = (*BRUSHES, "rectangle", "square")
TAP = 4  # a finger that strayed less than this many pixels of the picture has tapped
ARROWS = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
KEYS = (
    "Arrow keys move a square, with Shift by one pixel; Enter hides what it covers; Backspace undoes; "
    "Escape or Tab leaves."
)


class CanvasEvents(anywidget.AnyWidget):
    """The part in the browser: keys and drags that ipycanvas spoils, and words for those who cannot see."""

    _esm = (ROOM / "canvas.js").read_text(encoding="utf-8")  # a path would hold every one made
    _css = styled(ROOM / "canvas.css")

    canvas = T.Instance(W.Widget, help="whose events are mended").tag(sync=True, **W.widget_serialization)
    description = T.Unicode(help="what the canvas is, and which keys work on it").tag(sync=True)
    spoken = T.Unicode(help="what the last key did").tag(sync=True)


class DrawingCanvas(MaskedPicture):
    """Show a photograph, let parts of it be hidden, and tell which.

    By mouse, finger or keyboard: the pointer does what the `tool` does, the keyboard always moves the square.
    """

    tool = T.Enum(TOOLS, "square", help="what the pointer does; the keyboard always moves the square")
    brush = T.Int(24, min=1, help="diameter of brush and eraser, pixels of the picture")
    step = T.Int(8, min=1, help="how far an arrow key moves the square, pixels; with Shift it is one")

    def __init__(self, **traits: Any) -> None:
        self._gesture: Gesture | None = None
        self._pointer: Point | None = None
        super().__init__(**traits)
        self._events = CanvasEvents(canvas=self._sheet.canvas)
        self.children = [self._sheet.canvas, self._events]
        self.add_class("zf-canvas")
        self._listen()

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

    def _begin_anew(self) -> None:
        self._gesture = self._pointer = None
        super()._begin_anew()

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
        super()._take(mask)

    def _step(self, down: int, across: int, step: int) -> None:
        """One arrow key: the first one only shows where the square is."""
        top, left = self._last_place()
        if self.square is not None:
            top, left = self._inside(top + step * down, left + step * across)
        self._float((top, left))
        self._events.spoken = f"square at row {top}, column {left}"

    def _mask_under_way(self) -> np.ndarray:
        return self.mask if self._gesture is None else self._gesture.mask

    def _outline(self, square: tuple[int, int] | None) -> Outline:
        """What is marked: the square, else the rectangle that is being drawn, else the brush."""
        if square is not None or self._gesture is None or self._gesture.tool != "rectangle":
            brush = square is None and self._pointer is not None and self._tool_in_hand() in BRUSHES
            return Circle(*self._pointer, self.brush / 2) if brush and self._pointer else super()._outline(square)
        return self._gesture.box

    def _tool_in_hand(self) -> str:
        """A gesture ends with the tool that it began with."""
        return self.tool if self._gesture is None else self._gesture.tool
