"""Names of which one is chosen, side by side or as a list to open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.controls.binding import Filled


class _Names(Filled):
    """One of several names. The value may be none of them; then none is shown as chosen."""

    value = T.Unicode(help="the chosen name")

    def __init__(self, names: Sequence[str], inner: Any) -> None:
        self.inner = inner
        super().__init__([inner])
        self.value = names[0]
        inner.observe(self._chosen, names="value")
        self.observe(self._fill, names="value")

    def offer(self, names: Sequence[str]) -> None:
        """Let there be these names."""
        if tuple(names) != tuple(self.inner.options):
            with self.fills():
                self.inner.options = list(names)
            self._fill()

    def _chosen(self, change: T.Bunch) -> None:
        if self.by_reader and change["new"] is not None:
            self.value = change["new"]

    def _fill(self, _: T.Bunch | None = None) -> None:
        with self.fills():
            self.inner.value = self.value if self.value in self.inner.options else None


class NameButtons(_Names):
    """A button a name."""

    def __init__(self, names: Sequence[str], tooltip: str) -> None:
        super().__init__(names, W.ToggleButtons(options=list(names), tooltip=tooltip, style={"button_width": "auto"}))


class NameList(_Names):
    """A list to open, so many pixels wide."""

    def __init__(self, names: Sequence[str], width: int) -> None:
        super().__init__(names, W.Dropdown(options=list(names), layout=W.Layout(width=f"{width}px")))
