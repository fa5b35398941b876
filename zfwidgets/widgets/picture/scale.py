"""What the colours of maps and projections stand for, where it is not one picture's own."""

from __future__ import annotations

from html import escape

from zfwidgets.drawing import format_number


def scale_html(kind: str, low: str, high: str) -> str:
    """A bar of the colours between what its ends are called, as HTML; `kind` is one of `SCALES`. What `picture.js`
    makes of a picture's `scale`."""
    bar = f"<div class='zf-scale-bar' data-kind='{kind}'></div>"
    return f"<div class='zf-scale'>{escape(low)}{bar}{escape(high)}</div>"


def heat_scale(low: float, high: float) -> list[str]:
    """The scale of an activation map."""
    return ["heat", format_number(low), format_number(high)]


def signed_scale(end: float | None = None) -> list[str]:
    """The scale of a projection; without `end` each has its own."""
    ends = ("", "") if end is None else (f" −{format_number(end)}", f" +{format_number(end)}")
    return ["signed", f"against{ends[0]}", f"for{ends[1]}"]
