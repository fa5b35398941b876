"""The colours that lines, bars, classes and marks have, in figures, in charts and in the widgets' style sheets."""

from __future__ import annotations

import numpy as np

# Okabe and Ito's, which everybody tells apart, and a grey: one a line, in this order; the palest is last.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#999999", "#f0e442")

NOW = PALETTE[0]  # what is shown
REST = "#999999"  # what there is no colour for, and chance, which others are held against
CLASSES = tuple(colour for colour in PALETTE if colour != REST)  # one a class, the most frequent first

MARKER = "#888888"  # the upright line at a parameter's present value
BEYOND = "#eeeeee"  # where a map has no values
OUTLINE = ("#000000", "#ffffff")  # a dark line and a light one together show on any photograph


def line_colour(index: int) -> str:
    """The colour of the line or bar with that number, from 0; after the last one they begin anew."""
    return PALETTE[index % len(PALETTE)]


def layer_colours(count: int) -> tuple[str, ...]:
    """A colour for each of so many layers, in their order, from blue violet to light green: viridis without its ends,
    which are not seen on black and on white."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    places = np.linspace(0.2, 0.85, count) if count > 1 else [0.5]
    return tuple(to_hex(colormaps["viridis"](place)) for place in places)
