"""Five aligned faces with their parts, from scikit-image's subset of Labeled Faces in the Wild, and the cat."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from zfwidgets.data.photographs import package_folder, photograph

CHOSEN = (3, 8, 18, 38, 55)  # of the hundred faces: looking into the camera, evenly lit
GRID = 25  # pixels along each side of a face as it comes
SIDE = 225  # and as it is shown: blown up nine times

Box = tuple[float, float, float, float]  # top, left, bottom, right, as parts of the picture's height and width

# The faces are aligned by their eyes, so that one box fits all. Right and left are the picture's, as one sees them.
_FACE: dict[str, Box] = {
    "eye on the left": (6 / GRID, 3 / GRID, 10 / GRID, 9 / GRID),
    "eye on the right": (6 / GRID, 12 / GRID, 10 / GRID, 18 / GRID),
    "nose": (10 / GRID, 7 / GRID, 16 / GRID, 14 / GRID), "mouth": (16 / GRID, 5 / GRID, 20 / GRID, 16 / GRID),
}  # fmt: skip
_CAT: dict[str, Box] = {
    "eye on the left": (0.27, 0.19, 0.50, 0.47), "eye on the right": (0.36, 0.72, 0.57, 0.92),
    "nose": (0.76, 0.49, 0.90, 0.68), "mouth": (0.89, 0.46, 0.98, 0.72),
}  # fmt: skip


@cache
def _faces() -> dict[str, np.ndarray]:
    found = np.load(package_folder("skimage") / "data" / "lfw_subset.npy", allow_pickle=False)
    pictures = {}
    for number, face in enumerate(found[list(CHOSEN)], 1):
        small = Image.fromarray(np.rint(255 * face.clip(0, 1)).astype(np.uint8))
        large = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        pictures[f"face {number}"] = np.repeat(large[..., None], 3, 2)
    return pictures


def faces() -> dict[str, np.ndarray]:
    """Five faces, grey and aligned, and the cat, by name; each (H, W, 3) uint8, square."""
    cat = photograph("cat")
    side = min(cat.shape[:2])
    left = (cat.shape[1] - side) // 2
    return {**{name: face.copy() for name, face in _faces().items()}, "cat": cat[:side, left : left + side]}


def face_parts(height: int, width: int) -> dict[str, list[tuple[int, int, int, int]]]:
    """Eyes, nose and mouth of each of `faces()`, as rectangles (top, left, bottom, right) in pictures of that size.

    Left and right are those of the picture: the eye on the left is the person's right one."""
    pictures = [*[_FACE] * len(CHOSEN), _CAT]
    scale = np.array([height, width, height, width])
    return {
        part: [tuple(np.rint(np.array(boxes[part]) * scale).astype(int).tolist()) for boxes in pictures]
        for part in _FACE
    }
