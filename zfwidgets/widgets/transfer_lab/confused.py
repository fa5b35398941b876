"""What is most often taken for what, with pictures."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as W
import numpy as np

from zfwidgets.data import Labelled
from zfwidgets.drawing import fit_tile
from zfwidgets.experiments.transfer import Confusion
from zfwidgets.widgets.controls import classed
from zfwidgets.widgets.geometry import TRANSFER_TILE
from zfwidgets.widgets.picture import Picture

PAIRS = 3  # on show
TILES = 3  # of each
GAP = 4


class ConfusedView(W.Box):
    """Pairs of classes: what was shown, what it was taken for, how often, and pictures."""

    def __init__(self, transport: str) -> None:
        width = TILES * TRANSFER_TILE + (TILES - 1) * GAP
        size = {"width": width, "height": TRANSFER_TILE, "shown_width": width}
        self.head = W.HTML()
        self.pictures = [Picture(**size, transport=transport, hoverable=False) for _ in range(PAIRS)]
        pairs = classed(W.Box(self.pictures), "zf-transfer-pairs")
        super().__init__([self.head, pairs])
        self.add_class("zf-transfer-confused")

    def show(self, title: str, pairs: Sequence[Confusion], data: Labelled, complete: bool) -> None:
        """Draw the pairs; where there are fewer, fields are out of sight, but keep their place."""
        none = "" if pairs else ": nothing" if complete else ": nothing yet"
        self.head.value = f"<b>Taken for another</b> <span class='zf-quiet'>{title}{none}</span>"
        for place, picture in enumerate(self.pictures):
            picture.layout.visibility = "visible" if place < len(pairs) else "hidden"
            if place >= len(pairs):
                picture.show(_row([]), caption="")
                continue
            pair = pairs[place]
            picture.show(
                _row([data.images[number] for number in pair.images[:TILES]]),
                caption=f"{pair.truth} → {pair.answer}: {pair.share:.0%}",
                hint=f"of the images of {pair.truth} that were tested, over all splits; taken for {pair.answer}",
            )


def _row(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures beside each other, each fitted into a square, (H, W, 4)."""
    pitch = TRANSFER_TILE + GAP
    found = np.zeros((TRANSFER_TILE, TILES * pitch - GAP, 4), np.uint8)
    for place, picture in enumerate(pictures):
        tile = fit_tile(picture, TRANSFER_TILE)
        top, left = (TRANSFER_TILE - tile.shape[0]) // 2, place * pitch + (TRANSFER_TILE - tile.shape[1]) // 2
        found[top : top + tile.shape[0], left : left + tile.shape[1], :3] = tile
        found[top : top + tile.shape[0], left : left + tile.shape[1], 3] = 255
    return found
