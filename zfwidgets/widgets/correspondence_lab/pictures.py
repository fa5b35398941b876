"""The pictures on which parts are marked, and gestures that can be undone over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets as W
import numpy as np

from zfwidgets.widgets.canvas import DrawingCanvas
from zfwidgets.widgets.controls import Filled, classed
from zfwidgets.widgets.correspondence_lab.part_marks import PartMarks
from zfwidgets.widgets.geometry import PART_PICTURE


class MarkedPictures(Filled):
    """One canvas an image, with its name and whether the part is marked there.

    `drawn(image, mask)` is told what the reader marks, and which pixels of which image that is.
    """

    def __init__(
        self, names: tuple[str, ...], shape: tuple[int, int], drawn: Callable[[str, np.ndarray], None]
    ) -> None:
        self._drawn = drawn
        self._gestures: list[list[DrawingCanvas]] = []  # which canvases each one changed, the latest last
        self.canvases = {name: self._canvas(name, max(8, round(min(shape) / 5))) for name in names}
        self.captions = {name: W.HTML() for name in names}
        columns = [
            classed(W.VBox([canvas, self.captions[name]]), "zf-part-picture") for name, canvas in self.canvases.items()
        ]
        super().__init__([classed(W.Box(columns), "zf-part-pictures")])

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

    def caption(self, missing: list[str]) -> None:
        """Say on which pictures the part is not marked."""
        for name, caption in self.captions.items():
            caption.value = f"{escape(name)} · {'<b>not marked</b>' if name in missing else 'marked'}"

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

    def _canvas(self, name: str, side: int) -> DrawingCanvas:
        canvas = DrawingCanvas(tool="rectangle", shown_width=PART_PICTURE, description=f"{name}: mark the part")
        canvas.size, canvas.brush, canvas.step = (side, side), side, max(1, side // 4)
        canvas.observe(lambda _: self._marked(name), names="mask")
        return canvas

    def _marked(self, name: Any) -> None:
        if self.by_reader:
            canvas = self.canvases[name]
            self._gestures.append([canvas])
            self._drawn(name, canvas.mask)
