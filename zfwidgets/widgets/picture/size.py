"""How large a picture is shown."""

from __future__ import annotations

from zfwidgets.widgets.geometry import PICTURE


def fitted(height: int, width: int, side: int = PICTURE) -> int:
    """The width in CSS pixels at which a picture is largest: a whole multiple of its own, unless it is too large."""
    longest = max(height, width)
    return width * (side // longest) if longest <= side else round(width * side / longest)
