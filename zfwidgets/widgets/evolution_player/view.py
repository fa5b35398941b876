"""What the player shows: tiles by feature map and epoch, the chosen tile enlarged, and the charts."""

from __future__ import annotations

from html import escape

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.drawing import format_number
from zfwidgets.experiments.evolution import Evolution
from zfwidgets.widgets.controls import classed
from zfwidgets.widgets.evolution_player.charts import EvolutionCharts, verdict
from zfwidgets.widgets.evolution_player.grid import Grid, painted, share
from zfwidgets.widgets.geometry import EVOLUTION_HEIGHT, EVOLUTION_TILE, EVOLUTION_WIDTH
from zfwidgets.widgets.picture import Picture, fitted

READING = "<span class='zf-key zf-share'></span>activation, as a part of the map’s record{mark} · grey is 0{contrast}"
MEASURED = "<span title='One minus the correlation of each map&apos;s activations, the median of a layer'>{}</span>"
MARK = "<span class='zf-key zf-jump'></span>another image"


class EvolutionView(W.Box):
    """The grid on the left; the chosen tile and the charts on the right."""

    chosen = T.Any(None, help="(feature's place, epoch, count): the tile that was chosen last; the count grows")
    opened = T.Int(0, help="how often the chosen tile was asked for in the explorer")

    def __init__(self, transport: str, opens: bool) -> None:
        self.grid_shown: Grid | None = None
        self._count = 0
        self.grid = Picture(
            width=EVOLUTION_WIDTH, height=EVOLUTION_HEIGHT, shown_width=EVOLUTION_WIDTH, transport=transport,
            hoverable=False, description="Projections by feature map and epoch; arrow keys choose one",
        )  # fmt: skip
        self.numbers, self.epochs, self.reading = W.HTML(), W.HTML(), W.HTML()
        large = {"width": EVOLUTION_TILE, "height": EVOLUTION_TILE, "shown_width": EVOLUTION_TILE, "hoverable": False}
        self.projection = Picture(**large, transport=transport, caption="projection")
        self.patch = Picture(**large, transport=transport, caption="patch", smooth=True)
        self.words, self.charts = W.HTML(), EvolutionCharts()
        self.verdict = classed(W.HTML(), "zf-verdict", "zf-evolution-verdict")
        self.opener = W.Button(description="Open in explorer", layout=W.Layout(width="fit-content"))
        self.opener.tooltip = "With the network as it was after this epoch"
        self.opener.layout.display = "" if opens else "none"
        for part, name in (
            (self.grid, "grid"), (self.numbers, "numbers"), (self.epochs, "epochs"), (self.reading, "reading"),
            (self.words, "words"), (self.projection, "projection"), (self.patch, "patch"),
        ):  # fmt: skip
            part.add_class(f"zf-evolution-{name}")
        left = classed(W.Box([self.epochs, self.numbers, self.grid, self.reading]), "zf-evolution-left")
        tile = classed(W.Box([self.projection, self.patch, self.opener]), "zf-evolution-tile")
        right = classed(W.Box([tile, self.words, self.charts, self.verdict]), "zf-evolution-right")
        super().__init__([left, right])
        self.add_class("zf-evolution-view")
        self.grid.observe(self._cell_chosen, names="cell")
        self.opener.on_click(self._open)

    def show(self, evolution: Evolution, layer: str, row: int, grid: Grid, shared: bool) -> None:
        """Draw the tiles."""
        self.grid_shown = grid
        self.grid.show(painted(evolution, layer, row, grid, shared), cells=(grid.rows, grid.columns))
        features = evolution.outline.features[layer]
        figure = len({epoch for _, epoch in grid.places}) > 1 or grid.columns == 1
        places = dict.fromkeys(place for place, _ in grid.places)
        shape = f"--zf-rows:{grid.rows};--zf-columns:{grid.columns}"
        self.numbers.value = (
            f"<div class='{'zf-in-rows' if figure else 'zf-in-cells'}' style='{shape}'>"
            + "".join(f"<div>{features[place]}</div>" for place in places)
            + "</div>"
        )
        contrast = ", one scale a map" if shared else ""
        self.reading.value = READING.format(contrast=contrast, mark=MARK if row == 0 else "")

    def show_chosen(self, evolution: Evolution, layer: str, row: int, place: int, epoch: int) -> None:
        """Draw the chosen tile large, and say what is known of it."""
        assert self.grid_shown is not None
        self.grid.cell = self.grid_shown.cell_of(place, epoch)  # type: ignore[assignment]  # none where it is not
        epochs = dict.fromkeys(each for _, each in self.grid_shown.places)
        shown = "".join(f"<div class='{'zf-now' if each == epoch else ''}'>{each}</div>" for each in epochs)
        self.epochs.value = f"<div style='--zf-columns:{len(epochs)}'>{shown}</div>"
        snapshot = evolution.snapshot(epoch)
        for picture, pixels in (
            (self.projection, evolution.tile(epoch, layer, place, row)),
            (self.patch, evolution.patch_tile(epoch, layer, place, row)),
        ):
            picture.show(pixels, shown_width=fitted(pixels.shape[0], pixels.shape[1], EVOLUTION_TILE))
        value, part = float(snapshot.values[layer][row, place]), share(evolution, layer, place, row, epoch)
        image, (down, across) = int(snapshot.images[layer][row, place]), snapshot.units[layer][row, place].tolist()
        title = dict(zip(evolution.layers, evolution.outline.titles, strict=True))[layer]
        jumped = row == 0 and evolution.changed_image(layer)[place, evolution.epochs.index(epoch)]
        found = (
            f"activation {format_number(value)}, {part:.0%} of its record" if np.isfinite(value) else "no activation"
        )
        new = " <span class='zf-key zf-jump'></span>another image" if jumped else ""
        self.words.value = (
            f"<b>{escape(title)} · feature {evolution.outline.features[layer][place]} · epoch {epoch}</b>{new}"
            f"<br>{found} · image {image}, unit {down}, {across}"
        )
        self.charts.mark(epoch)

    def show_charts(self, evolution: Evolution, layer: str, of: str, kind: str) -> None:
        """Draw the charts, and say which layers still change."""
        self.charts.show(evolution, layer, of, kind)
        self.verdict.value = MEASURED.format(verdict(evolution))

    def _cell_chosen(self, change: T.Bunch) -> None:
        if change["new"] is None or not self.grid.by_reader or self.grid_shown is None:
            return
        found = self.grid_shown.at(tuple(change["new"]))
        if found is not None:
            self._count += 1
            self.chosen = (*found, self._count)

    def _open(self, _: W.Button) -> None:
        self.opened += 1
