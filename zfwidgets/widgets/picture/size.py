"""How large a picture is shown."""

from __future__ import annotations

SIDE = 240  # CSS pixels that a picture of a panel is fitted into


def fitted(height: int, width: int, side: int = SIDE) -> int:
    """The width in CSS pixels at which a picture is largest: a whole multiple of its own, unless it is too large."""
    longest = max(height, width)
    return width * (side // longest) if longest <= side else round(width * side / longest)
