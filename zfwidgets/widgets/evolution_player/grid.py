"""Tiles in rows and columns, as one picture: the paper's figure, or one frame of the film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zfwidgets.drawing import NOW, PALETTE, fit_tile
from zfwidgets.experiments.evolution import Evolution
from zfwidgets.widgets.geometry import EVOLUTION_HEIGHT, EVOLUTION_WIDTH

ROWS, COLUMNS = 6, 8  # feature maps and epochs of the figure: the paper's eight
FILM = 2, 3  # rows and columns of the same feature maps in a frame of the film
BAR = 4  # pixels: how high the bar of an activation is
MARK = 3  # how wide the mark of another image is
GAP = 3  # between tiles, and between a tile and its bar

Colour = tuple[int, ...]


@dataclass(frozen=True)
class Grid:
    """What stands where: a feature map (by its place among those recorded) and an epoch in each cell, row by row."""

    rows: int
    columns: int
    places: tuple[tuple[int, int], ...]  # feature's place, epoch

    def cell_of(self, place: int, epoch: int) -> tuple[int, int] | None:
        """Where a feature map at an epoch stands; None: nowhere."""
        if (place, epoch) not in self.places:
            return None
        row, column = divmod(self.places.index((place, epoch)), self.columns)
        return row, column

    def at(self, cell: tuple[int, int]) -> tuple[int, int] | None:
        """The feature's place and the epoch in a cell; None where there is none."""
        index = cell[0] * self.columns + cell[1]
        return self.places[index] if index < len(self.places) else None


def figure_grid(evolution: Evolution, layer: str, place: int, epoch: int) -> Grid:
    """A row a feature map, a column an epoch: the page that the chosen one is on."""
    shown = page_of(len(evolution.outline.features[layer]), place)
    epochs = _window(evolution.epochs, epoch)
    return Grid(ROWS, len(epochs), tuple((feature, each) for feature in shown for each in epochs))


def film_grid(evolution: Evolution, layer: str, place: int, epoch: int) -> Grid:
    """The same feature maps at one epoch, larger."""
    shown = page_of(len(evolution.outline.features[layer]), place)
    return Grid(*FILM, tuple((feature, epoch) for feature in shown))


def page_of(count: int, place: int) -> range:
    """The places of the feature maps that are shown together with one."""
    first = place // ROWS * ROWS
    return range(first, min(first + ROWS, count))


def _window(epochs: Sequence[int], epoch: int) -> tuple[int, ...]:
    """At most so many epochs in a row, one among them; the last ones where it can be."""
    first = min(max(0, len(epochs) - COLUMNS), epochs.index(epoch))
    return tuple(epochs[first : first + COLUMNS])


def painted(evolution: Evolution, layer: str, row: int, grid: Grid, shared: bool) -> np.ndarray:
    """The tiles of a grid with their bars and marks, (H, W, 4) uint8, see-through between them.

    Under each tile a bar says how strong its activation is, as a part of the map's strongest over all epochs; a bar on
    its left that another image became the strongest. `shared`: one contrast for all epochs of a feature map.
    """
    width, height = EVOLUTION_WIDTH // grid.columns, EVOLUTION_HEIGHT // grid.rows
    side = min(width - GAP - MARK, height - 2 * GAP - BAR)
    canvas = np.zeros((height * grid.rows, width * grid.columns, 4), np.uint8)
    changed = evolution.changed_image(layer)
    for index, (place, epoch) in enumerate(grid.places):
        top, left = (part * size for part, size in zip(divmod(index, grid.columns), (height, width), strict=True))
        scale = max(evolution.scale(each, layer, place, row) for each in evolution.epochs) if shared else None
        tile = fit_tile(evolution.tile(epoch, layer, place, row, scale), side)
        across = left + MARK + (width - MARK - tile.shape[1]) // 2
        down = top + GAP + (side - tile.shape[0]) // 2
        _fill(canvas, down, across, tile.shape[0], tile.shape[1], tile)
        low = top + GAP + side + 1
        _fill(canvas, low, across, BAR, round(tile.shape[1] * share(evolution, layer, place, row, epoch)), PALETTE[2])
        if row == 0 and changed[place, evolution.epochs.index(epoch)]:
            _fill(canvas, down, across - MARK, tile.shape[0], MARK, NOW)
    return canvas


def share(evolution: Evolution, layer: str, place: int, row: int, epoch: int) -> float:
    """An activation as a part of the same map's strongest over all epochs, 0 to 1."""
    values = [float(snapshot.values[layer][row, place]) for snapshot in evolution.snapshots]
    record, value = max(values), values[evolution.epochs.index(epoch)]
    return min(max(value / record, 0.0), 1.0) if record > 0 and np.isfinite(value) else 0.0


def _fill(canvas: np.ndarray, top: int, left: int, height: int, width: int, what: np.ndarray | str) -> None:
    colour = np.frombuffer(bytes.fromhex(what[1:]), np.uint8) if isinstance(what, str) else what
    canvas[top : top + height, left : left + width, :3] = colour
    canvas[top : top + height, left : left + width, 3] = 255
