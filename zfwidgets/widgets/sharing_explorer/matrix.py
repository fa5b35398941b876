"""The whole matrix between two layers as one picture, with a crosshair, and what lies around it enlarged."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.drawing import heat
from zfwidgets.experiments.sharing import SharingLinks, alike_together
from zfwidgets.widgets.controls import classed
from zfwidgets.widgets.geometry import MATRIX, MATRIX_AROUND
from zfwidgets.widgets.picture import Picture, heat_scale
from zfwidgets.widgets.sharing_explorer.diagram import LARGE

NEAR = 10  # maps on each side of the crosshair that are enlarged
FULL = 99.5  # percentile of the numbers that is drawn brightest


class MatrixView(W.Box):
    """Rows are upper maps, columns lower ones, both in an order in which those alike stand together."""

    chosen = T.Any(None, help="(upper, lower, count): the place that was chosen last; the count grows each time")

    def __init__(self, transport: str) -> None:
        self.whole = Picture(
            width=MATRIX, height=MATRIX, shown_width=MATRIX, transport=transport,
            description="The whole matrix: a row an upper map, a column a lower one; arrow keys move the crosshair",
        )  # fmt: skip
        self.near = Picture(
            width=MATRIX_AROUND, height=MATRIX_AROUND, shown_width=MATRIX_AROUND, transport=transport, hoverable=False,
            description="What lies around the crosshair, enlarged",
        )  # fmt: skip
        size = {"width": LARGE, "height": LARGE, "shown_width": LARGE, "hoverable": False}
        self.upper, self.part = (Picture(**size, transport=transport, smooth=True) for _ in range(2))
        self.pair, self.pointed = W.HTML(), W.HTML()
        self.lower = W.BoundedIntText(0, 0, 0, layout=W.Layout(width="70px"), tooltip="number of the lower map")
        search = classed(W.HBox([W.HTML("Lower map"), self.lower]), "zf-matrix-search")
        both = classed(W.Box([self.upper, self.part]), "zf-matrix-both")
        beside = classed(W.Box([classed(self.near, "zf-matrix-near"), both]), "zf-matrix-beside")
        side = W.VBox([beside, search, self.pair, self.pointed])
        super().__init__([classed(self.whole, "zf-matrix-whole"), classed(side, "zf-matrix-side")])
        self.add_class("zf-matrix")
        self._drawn: tuple[SharingLinks, str] | None = None
        self._count, self._filling = 0, False
        self.whole.observe(self._cell_chosen, names="cell")
        self.whole.observe(self._hovered, names="hover")
        self.near.observe(self._near_chosen, names="cell")
        self.lower.observe(self._found, names="value")

    def show(
        self,
        links: SharingLinks,
        by: str,
        titles: tuple[str, str],
        feature: int,
        part: int,
        tiles: Sequence[np.ndarray],
    ) -> None:
        """Draw the matrix, unless it is on show already, and cross it there; `tiles` are both maps' squares."""
        self._titles, self._by = titles, by
        if self._drawn is None or self._drawn[0] is not links or self._drawn[1] != by:
            self._draw(links, by)
        self._filling = True
        try:
            self.lower.max, self.lower.value = links.share.shape[1] - 1, part
        finally:
            self._filling = False
        self._place = feature, part
        row, column = int(self._row_of[feature]), int(self._column_of[part])
        height, width = self._numbers.shape
        lines = [(row, 0, row + 1, width), (0, column, height, column + 1)]
        self.whole.boxes, self.whole.cell = lines, (row, column)
        self._show_near(row, column)
        for picture, tile, title, number in zip(
            (self.upper, self.part), tiles, titles, (feature, part), strict=True
        ):  # fmt: skip
            picture.show(tile, shown_width=LARGE, caption=f"{title} · {number}")
        self.pair.value = f"<b>{self._words(feature, part)}</b>"

    def _draw(self, links: SharingLinks, by: str) -> None:
        self._drawn = links, by
        self._rows, self._columns = alike_together(links.share), alike_together(links.share.T)
        self._row_of, self._column_of = np.argsort(self._rows), np.argsort(self._columns)
        self._numbers = (links.lift if by == "lift" else links.share)[np.ix_(self._rows, self._columns)]
        self._most = float(np.percentile(self._numbers, FULL)) or 1.0
        height, width = self._numbers.shape
        upper, lower = self._titles
        self.whole.show(
            heat(self._numbers, 0, self._most), cells=(height, width),
            shown_width=round(MATRIX * width / max(height, width)), scale=heat_scale(0, self._most),
            caption=f"{height} maps of {upper} (rows) of {width} of {lower}, alike ones together",
        )  # fmt: skip

    def _show_near(self, row: int, column: int) -> None:
        height, width = self._numbers.shape
        self._corner = (
            min(max(row - NEAR, 0), max(height - 2 * NEAR - 1, 0)),
            min(max(column - NEAR, 0), max(width - 2 * NEAR - 1, 0)),
        )
        top, left = self._corner
        part = self._numbers[top : top + 2 * NEAR + 1, left : left + 2 * NEAR + 1]
        self.near.show(
            heat(part, 0, self._most), cells=part.shape, cell=(row - top, column - left),
            shown_width=round(MATRIX_AROUND * part.shape[1] / max(part.shape)),
        )  # fmt: skip

    def _words(self, feature: int, part: int) -> str:
        links, (upper, lower) = self._drawn[0], self._titles  # type: ignore[index]  # it is drawn
        share, lift = links.share[feature, part], links.lift[feature, part]
        return f"{upper} · {feature} is made of {lower} · {part} by {share:.1%}, {lift:.1f} times the mean map"

    def _at(self, row: int, column: int) -> tuple[int, int]:
        return int(self._rows[row]), int(self._columns[column])

    def _hovered(self, change: T.Bunch) -> None:
        there = change["new"] is not None and self._drawn is not None
        self.pointed.value = f"<span>Pointer: {self._words(*self._at(*change['new']))}</span>" if there else ""

    def _cell_chosen(self, change: T.Bunch) -> None:
        if change["new"] is not None and self.whole.by_reader and self._drawn is not None:
            self._choose(*self._at(*change["new"]))

    def _near_chosen(self, change: T.Bunch) -> None:
        if change["new"] is not None and self.near.by_reader and self._drawn is not None:
            self._choose(*self._at(*(corner + cell for corner, cell in zip(self._corner, change["new"], strict=True))))

    def _found(self, change: T.Bunch) -> None:
        if not self._filling:
            self._choose(self._place[0], change["new"])

    def _choose(self, feature: int, part: int) -> None:
        if (feature, part) != self._place:
            self._count += 1
            self.chosen = feature, part, self._count
