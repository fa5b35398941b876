"""The feature maps that respond most strongly at a place: to see at a glance, and to choose one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets as T

from zfwidgets.widgets.holding import holding
from zfwidgets.widgets.picture import framed, tile_source

TILE = 56  # pixels of a tile


class Responding(anywidget.AnyWidget):
    """A row of feature maps: each one's best example, its number, and a bar as long as it responds here.

    A click, or an arrow key, chooses one; `chosen` is (number, count), and the count grows with every choice.
    """

    _esm = (Path(__file__).parent / "responding.js").read_text(encoding="utf-8")  # a path would hold every one made

    title = T.Unicode(help="what stands above the row").tag(sync=True)
    maps: T.List[Any] = T.List(help="number, name, words and share (0 to 1) of each").tag(sync=True)
    tiles: T.List[Any] = T.List(help="RGBA of each, `TILE` × `TILE`; fewer while they are being made").tag(sync=True)
    feature = T.Int(-1, help="number of the map on show; outlined where it is among these").tag(sync=True)
    chosen = T.Tuple(default_value=(), help="(number, count) of the latest choice").tag(sync=True)

    def show(self, title: str, maps: Sequence[dict[str, Any]], tiles: Sequence[np.ndarray]) -> None:
        """Put these maps there; their tiles are patches (h, w, 3) uint8, which may come later."""
        with holding(self):
            self.title, self.maps, self.tiles = title, list(maps), [framed(tile, TILE).tobytes() for tile in tiles]

    def as_html(self) -> str:
        """The same without a page's script, for a still."""
        buttons = []
        for each, pixels in zip(self.maps, self.tiles, strict=False):
            words = escape(each["words"], quote=True)
            picture = f"<img alt='{words}' src='{tile_source(pixels)}'>"
            bar = f"<div class='zf-response-bar' style='--zf-share:{each['share']:.0%}'></div>"
            buttons.append(f"<div class='zf-response' title='{words}'>{picture}{bar}{escape(each['name'])}</div>")
        title = f"<div class='zf-quarter-title'>{escape(self.title)}</div>"
        return f"<div class='zf-responding'>{title}<div class='zf-responding-row'>{''.join(buttons)}</div></div>"
