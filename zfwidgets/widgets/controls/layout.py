"""How controls stand: a label over each, a tooltip for every term of the field."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as W


def labelled(label: str, control: W.Widget, explanation: str = "") -> W.VBox:
    """A control under its label; the explanation shows when the pointer rests on the label."""
    text = f"<abbr title='{escape(explanation, quote=True)}'>{escape(label)}</abbr>" if explanation else escape(label)
    return classed(W.VBox([classed(W.HTML(text), "zf-label"), control]), "zf-control")


def row(*controls: W.Widget) -> W.HBox:
    """Controls side by side under one label."""
    return classed(W.HBox(list(controls)), "zf-control-row")


def classed(part: W.DOMWidget, *names: str) -> W.DOMWidget:
    """The part itself, which style sheets and tests then find by these names."""
    for name in names:
        part.add_class(name)
    return part


def titled(title: str, part: W.Widget, name: str) -> W.VBox:
    """A part of a panel under a heading."""
    return classed(W.VBox([classed(W.HTML(title), "zf-quarter-title"), part]), name)


def probability_bars(rows: Sequence[tuple[str, float]]) -> str:
    """Names with probabilities as horizontal bars, in HTML."""
    cells = (
        f"<div class='zf-bar-name'>{escape(name)}</div>"
        f"<div class='zf-bar'><div style='width:{100 * value:.1f}%'></div></div><div>{value:.2f}</div>"
        for name, value in rows
    )
    return f"<div class='zf-bars'>{''.join(cells)}</div>"
