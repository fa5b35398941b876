"""What a picture shows, without a widget."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ShownPicture:
    """The traits of a `Picture` that say how it looks, as plain values: nothing of it goes to a page."""

    pixels: bytes  # RGBA, row by row
    width: int  # the picture's own pixels
    height: int
    shown_width: int  # CSS pixels
    description: str
    boxes: tuple[tuple[float, float, float, float], ...] = ()  # (top, left, bottom, right), the picture's pixels
    caption: str = ""
    scale: tuple[str, ...] = ()  # what the colours stand for
    smooth: bool = True
    cells: tuple[int, int] = (0, 0)
    cell: tuple[int, int] | None = None
    _dom_classes: tuple[str, ...] = ()
