"""How a number is written."""

from __future__ import annotations


def format_number(number: float) -> str:
    """A number in three significant digits, without an exponent where that is readable."""
    return f"{number:,.0f}" if 999.5 <= abs(number) < 1e7 else f"{number:.3g}"
