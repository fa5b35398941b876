"""Where a reader has been, to go back there."""

from __future__ import annotations

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.controls import classed

Place = tuple[str, int]  # layer, feature


class History(W.HBox):
    """Two buttons that go back and forward through the maps that were looked at; `wanted` is (place, count)."""

    wanted = T.Any(None, help="(place, count): where the reader wants to go; the count grows each time")

    def __init__(self) -> None:
        self._been: list[Place] = []
        self._at = -1
        self.back, self.forward = (
            W.Button(description=sign, tooltip=words, layout=W.Layout(width="32px"))
            for sign, words in (("←", "Back to the map before"), ("→", "Forward again"))
        )
        super().__init__([self.back, self.forward])
        classed(self, "zf-history")
        self.back.on_click(lambda _: self._go(-1))
        self.forward.on_click(lambda _: self._go(1))
        self._tell()

    def visit(self, place: Place) -> None:
        """The reader is there now."""
        if self._at < 0 or self._been[self._at] != place:
            self._been = [*self._been[: self._at + 1], place]
            self._at = len(self._been) - 1
            self._tell()

    def _go(self, by: int) -> None:
        self._at = min(max(self._at + by, 0), len(self._been) - 1)
        self._tell()
        self.wanted = self._been[self._at], (self.wanted or (None, 0))[1] + 1

    def _tell(self) -> None:
        self.back.disabled, self.forward.disabled = self._at <= 0, self._at >= len(self._been) - 1
