"""The pictures on which parts are marked, and gestures that can be undone over all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.widgets.canvas import DrawingCanvas
from zfwidgets.widgets.controls import Filled, classed, in_columns
from zfwidgets.widgets.correspondence_lab.part_marks import PartMarks
from zfwidgets.widgets.geometry import PART_PICTURE


class MarkedPictures(Filled):
    """One canvas an image, with its name, whether the part is marked there, and a button that leaves it out.

    `drawn(image, mask)` is told what the reader marks, and which pixels of which image that is.
    """

    left_out = T.Tuple(help="the names of the images that are left out, in order")
    tool = T.Unicode("rectangle", help="what the pointer does on all of them")

    def __init__(self, names: Sequence[str], shape: tuple[int, int], drawn: Callable[[str, np.ndarray], None]) -> None:
        self._drawn, self._side = drawn, max(8, round(min(shape) / 5))
        self._gestures: list[list[DrawingCanvas]] = []  # which canvases each one changed, the latest last
        self.canvases: dict[str, DrawingCanvas] = {}
        self.captions: dict[str, W.HTML] = {}
        self.switches: dict[str, W.ToggleButton] = {}
        self._columns: dict[str, W.VBox] = {}
        self._box = classed(W.Box(), "zf-part-pictures")
        super().__init__([self._box])
        self.observe(self._fill, names=["left_out", "tool"])
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Put one more canvas on the page."""
        self.canvases[name], self.captions[name] = self._canvas(name), W.HTML()
        switch = self.switches[name] = W.ToggleButton(description="Leave out", icon="eye-slash")
        switch.tooltip = f"{name}: leave it out of the comparison; its marks stay"
        switch.observe(self._switched, names="value")
        foot = W.HBox([classed(self.captions[name], "zf-part-caption"), classed(switch, "zf-leave-out")])
        column = W.VBox([self.canvases[name], classed(foot, "zf-part-foot")])
        self._columns[name] = classed(column, "zf-part-picture")
        self._box.children = tuple(self._columns.values())
        in_columns(self._box, len(self._columns))
        self._fill()

    def show(self, pictures: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Put pictures on the canvases, each with what stands in its hidden places."""
        with self.fills():
            for name, (picture, baseline) in pictures.items():
                self.canvases[name].show(picture, baseline)

    def show_part(self, marks: PartMarks, part: str) -> None:
        """Hide what is marked of a part on every picture."""
        self._gestures.clear()
        with self.fills():
            for name, canvas in self.canvases.items():
                canvas.begin(marks.mask(part, name))

    def caption(self, marked: Collection[str]) -> None:
        """Say on which pictures the part is marked, and on which it is not."""
        for name, caption in self.captions.items():
            caption.value = f"{escape(name)} · {'marked' if name in marked else '<b>not marked</b>'}"

    def undo(self) -> None:
        """Take the latest gesture back, on whichever pictures it was; Backspace may have done so on some already."""
        while self._gestures:
            gesture = [canvas for canvas in self._gestures.pop() if canvas.can_undo]
            if gesture:
                before = len(self._gestures)
                for canvas in gesture:
                    canvas.undo()
                del self._gestures[before:]
                return

    def clear(self) -> None:
        """Mark nothing any more; one gesture for `undo`."""
        before = len(self._gestures)
        for canvas in self.canvases.values():
            canvas.clear()
        self._gestures[before:] = [[canvas for (canvas,) in self._gestures[before:]]]

    def _canvas(self, name: str) -> DrawingCanvas:
        side = self._side
        canvas = DrawingCanvas(tool="rectangle", shown_width=PART_PICTURE, description=f"{name}: mark the part")
        canvas.size, canvas.brush, canvas.step = (side, side), side, max(1, side // 4)
        canvas.observe(lambda _: self._marked(name), names="mask")
        return canvas

    def _fill(self, _: Any = None) -> None:
        """Let switches, pictures and tools be as they are set."""
        with self.fills():
            for name, switch in self.switches.items():
                out = switch.value = name in self.left_out
                (self._columns[name].add_class if out else self._columns[name].remove_class)("zf-left-out")
                self.canvases[name].tool = self.tool

    def _switched(self, _: Any) -> None:
        if self.by_reader:
            self.left_out = tuple(name for name, switch in self.switches.items() if switch.value)

    def _marked(self, name: Any) -> None:
        if self.by_reader:
            canvas = self.canvases[name]
            self._gestures.append([canvas])
            self._drawn(name, canvas.mask)
