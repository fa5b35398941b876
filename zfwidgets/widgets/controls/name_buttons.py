"""Names side by side, of which one is chosen."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.controls.binding import Filled


class NameButtons(Filled):
    """A button a name. The value may be none of them; then none is pressed."""

    value = T.Unicode(help="the chosen name")

    def __init__(self, names: Sequence[str], tooltip: str) -> None:
        self.buttons = W.ToggleButtons(options=list(names), tooltip=tooltip, style={"button_width": "auto"})
        super().__init__([self.buttons])
        self.value = names[0]
        self.buttons.observe(self._chosen, names="value")
        self.observe(self._fill, names="value")

    def offer(self, names: Sequence[str]) -> None:
        """Let there be these names."""
        if tuple(names) != tuple(self.buttons.options):
            with self.fills():
                self.buttons.options = list(names)
            self._fill()

    def _chosen(self, change: T.Bunch) -> None:
        if self.by_reader and change["new"] is not None:
            self.value = change["new"]

    def _fill(self, _: T.Bunch | None = None) -> None:
        with self.fills():
            self.buttons.value = self.value if self.value in self.buttons.options else None
