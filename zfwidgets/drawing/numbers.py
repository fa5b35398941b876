"""How a number is written."""

from __future__ import annotations

UNITS = {1: "", 1_000: "k", 1_000_000: "M", 1_000_000_000: "G"}


def format_number(number: float) -> str:
    """A number in three significant digits, without an exponent where that is readable."""
    return f"{number:,.0f}" if 999.5 <= abs(number) < 1e7 else f"{number:.3g}"


def format_short(number: float) -> str:
    """A size in three significant digits, with k, M or G: 62.4M."""
    unit = max((unit for unit in UNITS if number >= unit), default=1)
    return f"{number / unit:.3g}{UNITS[unit]}"
