"""Filters as pictures, their strengths and frequencies, what the stride loses, and projections of the layer above."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.drawing import fit_tile, line_colour, new_figure, show_picture, signed_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zfwidgets.experiments.diagnosis.result import Diagnosis

SIDE = 22  # pixels of a filter's picture
MOST = 56  # of a projection's
BANDS = ("low", "middle", "high")


def draw(found: Diagnosis) -> Figure:
    """All measures of a diagnosis, with its verdicts as a title."""
    figure = new_figure(11, 6.4)
    grid = figure.add_gridspec(2, 3, width_ratios=(1.3, 1, 1))
    show_picture(
        figure.add_subplot(grid[0, 0]), wall(found.filters), f"filters of {found.title}, each on its own scale"
    )
    if len(found.projections):
        shown = figure.add_subplot(grid[1, 0])
        side = min(max(found.projections.shape[2:]), MOST)
        show_picture(shown, wall(found.projections, side), "layer 2, projected: blocks are aliasing")
    strengths = figure.add_subplot(grid[0, 1])
    order = np.argsort(-found.rms)
    colours = [line_colour(1 if found.dead_by_weights[n] or found.dead_on_data[n] else 0) for n in order]
    strengths.bar(range(len(order)), found.rms[order], color=colours)
    strengths.set(xlabel="filters, strongest first", ylabel="RMS", title=f"strongest / median: {found.dominance:.1f}")
    frequencies = figure.add_subplot(grid[0, 2])
    places = np.arange(3)
    for shift, numbers, words in ((-0.2, found.bands_without_mean, "these"), (0.2, found.random_bands, "new weights")):
        frequencies.bar(places + shift, numbers.mean(0), 0.38, color=line_colour(int(shift > 0)), label=words)
    frequencies.set_xticks(places, BANDS)
    frequencies.set(ylabel="part of the power", title="frequencies, means removed")
    frequencies.legend(fontsize=8)
    lost = figure.add_subplot(grid[1, 1])
    for values, words in ((found.aliased, "these"), (found.random_aliased, "new weights")):
        lost.plot(np.sort(values)[::-1], label=words, color=line_colour(int(words != "these")))
    lost.set(xlabel="maps", ylabel="part beyond the stride", title="power that the stride folds back", ylim=(0, 1))
    lost.legend(fontsize=8)
    if len(found.consistency):
        stays = figure.add_subplot(grid[1, 2])
        shifts = range(1, len(found.consistency) + 1)
        stays.plot(shifts, found.consistency, "o-", color=line_colour(0))
        stays.set_xticks(shifts)
        stays.set(xlabel="shift, pixels", ylabel="answers that stay", ylim=(0, 1.02), title="consistency under shifts")
    return figure


def wall(pictures: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Signed pictures (n, C, h, w) side by side, each on its own scale, (H, W, 3) uint8."""
    across = int(np.ceil(np.sqrt(len(pictures))))
    canvas = np.full((-(-len(pictures) // across) * (side + 2), across * (side + 2), 3), 255, np.uint8)
    for number, each in enumerate(pictures):
        tile = fit_tile(signed_picture(each.astype(np.float64)), side)
        top, left = number // across * (side + 2), number % across * (side + 2)
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return canvas
