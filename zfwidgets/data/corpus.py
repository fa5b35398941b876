"""A corpus for the first second: pieces of the embedded photographs at several scales, shapes and textures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from zfwidgets.data.collection import Collection
from zfwidgets.data.photographs import photograph, photograph_names
from zfwidgets.data.shapes import Shapes
from zfwidgets.data.textures import TEXTURES, texture

SCALES = (1.0, 0.6, 0.36)  # sides of the pieces, as parts of a photograph's shorter side
SHAPES = 240
SIDE = 227  # pixels of a drawn shape or texture
VARIANTS = 12  # of each texture


@dataclass(frozen=True)
class Origin:
    """Where an image of the corpus comes from: a square of a photograph, or something drawn."""

    source: str
    top: int = 0  # pixels of the photograph
    left: int = 0
    side: int = SIDE


@dataclass(frozen=True, eq=False, repr=False)
class Corpus(Collection):
    """Images of which many show the same things: it knows which, so that none is shown twice."""

    def _contents(self) -> list[bytes]:
        """Nothing more than the names, which say all of an image: where it was cut from, or what was drawn."""
        return []

    def boxes(self, images: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places in the images as places in what they were cut from.

        `images` (n,) are numbers, `boxes` (n, 4) are top, left, bottom and right as parts of the image's side. Returns
        the number of the source, (n,), and its pixels, (n, 4).
        """
        origins = self.items.origins
        sources = {name: number for number, name in enumerate(dict.fromkeys(origin.source for origin in origins))}
        chosen = [origins[number] for number in images]
        corners = np.array([(origin.top, origin.left) * 2 for origin in chosen])
        sides = np.array([origin.side for origin in chosen])
        return np.array([sources[origin.source] for origin in chosen]), corners + boxes * sides[:, None]


@cache
def corpus() -> Corpus:
    """The embedded corpus: about 700 images, drawn or cut when they are asked for. No network is needed."""
    origins = (*_photographs(), *_drawn())
    return Corpus(tuple(_name(origin) for origin in origins), _Items(origins))


@dataclass(frozen=True)
class _Items:
    origins: tuple[Origin, ...]

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, number: int) -> np.ndarray:
        origin = self.origins[number]
        kind, _, name = origin.source.partition(" ")
        if kind == "photograph":
            rows, columns = slice(origin.top, origin.top + origin.side), slice(origin.left, origin.left + origin.side)
            return _photograph(name)[rows, columns]
        if kind == "shape":
            return Shapes(SHAPES, SIDE)[int(name)][0]
        form, variant = name.split()
        return texture(form, int(variant), SIDE)


@lru_cache(maxsize=16)
def _photograph(name: str) -> np.ndarray:
    return photograph(name)


def _photographs() -> list[Origin]:
    found = []
    for name in photograph_names():
        height, width = _photograph(name).shape[:2]
        for scale in SCALES:
            side = round(scale * min(height, width))
            for top in _starts(height, side):
                found += [Origin(f"photograph {name}", top, left, side) for left in _starts(width, side)]
    return found


def _starts(length: int, side: int) -> list[int]:
    """Pieces that overlap by about a half, and reach from one edge to the other."""
    count = max(1, round(2 * (length - side) / side) + 1)
    return [round(place) for place in np.linspace(0, length - side, count)]


def _drawn() -> list[Origin]:
    shapes = [Origin(f"shape {number}") for number in range(SHAPES)]
    return shapes + [Origin(f"texture {form} {variant}") for form in TEXTURES for variant in range(VARIANTS)]


def _name(origin: Origin) -> str:
    kind, _, name = origin.source.partition(" ")
    return f"{name} ({origin.top}, {origin.left}; {origin.side} px)" if kind == "photograph" else origin.source
