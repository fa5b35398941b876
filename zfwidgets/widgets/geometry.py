"""Sizes by which Python draws and style sheets lay out, in CSS pixels; each is given here, and nowhere again."""

from __future__ import annotations

PADDING = 4  # around a picture or a canvas: room for its focus ring
RIM = PADDING + 1  # and for its border

FRAME = 320  # a photograph and its projection side by side
MAP = 112  # an activation map beside them: twice 56, four times 28
INSET = 130  # what is enlarged in a corner of them
PICTURE = 240  # what the pictures of a panel are fitted into
PHOTOGRAPH = 454  # what a large photograph, or the canvas, is fitted into

# The occlusion canvas.
INSIDE = 124  # what feature maps and projections are fitted into, where there is room
SWEPT = 140  # what the maps of a sweep are fitted into, likewise

PART_PICTURE = 176  # a picture to mark parts in: six in a row of the correspondence lab

# The wall of the top nine.
BLOCK = 196  # a feature map's square: three tiles of 64
STRIP, EDGE = 26, 4  # above a square, for its number and value, and on its other sides
ROWS, COLUMNS = 2, 4  # squares on the wall
PULL = 3  # by how much the squares of a pair are moved toward each other
GAP = 2  # between tiles
CHOSEN = 196  # the square of the chosen feature map: three tiles of 64
WALL_HEIGHT, WALL_WIDTH = ROWS * (STRIP + BLOCK + EDGE), COLUMNS * (BLOCK + 2 * EDGE)

# The evolution player: six rows of eight tiles, and the chosen one.
EVOLUTION_WIDTH, EVOLUTION_HEIGHT = 464, 348
EVOLUTION_TILE = 130

# The sharing explorer: the strongest unit's projections, the matrix, and what lies around its crosshair.
SHARING_PICTURE = 148
MATRIX, MATRIX_AROUND = 336, 231

TRANSFER_TILE = 64  # an image that is taken for another, in the transfer lab

ARCHITECTURE_WALL = 172  # the architecture lab's walls of filters, and of projections


def sizes() -> dict[str, str]:
    """What the style sheets need of them, as custom properties."""
    pixels = {
        "padding": PADDING,
        "rim": RIM,
        "frame": FRAME,
        "picture": PICTURE,
        "photograph": PHOTOGRAPH,
        "inside": INSIDE,
        "swept": SWEPT,
        "part-picture": PART_PICTURE,
        "wall": WALL_WIDTH,
        "wall-edge": EDGE,
        "wall-pull": PULL,
        "evolution": EVOLUTION_WIDTH,
        "evolution-tile": EVOLUTION_TILE,
        "sharing-picture": SHARING_PICTURE,
        "architecture-wall": ARCHITECTURE_WALL,
        "matrix": MATRIX,
        "matrix-around": MATRIX_AROUND,
        "chosen": CHOSEN + 2 * GAP,
    }
    counts = {"wall-ratio": f"{WALL_WIDTH} / {WALL_HEIGHT}", "wall-rows": ROWS, "wall-columns": COLUMNS}
    counts |= {"wall-pairs": COLUMNS // 2}
    return {f"--zf-{name}": f"{size}px" for name, size in pixels.items()} | {
        f"--zf-{name}": str(count) for name, count in counts.items()
    }
