"""How controls stand: a label over each, a tooltip for every term of the field."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as W

from zfwidgets.models import Meaning


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


def in_columns(box: W.Box, count: int) -> None:
    """Let things of one size fill the rows of a box evenly: six are 6, 3 + 3 or 2 + 2 + 2, and never 5 + 1.

    Its style sheet chooses between three numbers of columns, `--zf-most`, `--zf-some` and `--zf-few`, by the width.
    """
    others = (name for name in box._dom_classes if not name.startswith("zf-columns-"))
    box._dom_classes = (*others, f"zf-columns-{count}")


def titled(title: str, part: W.Widget, name: str) -> W.VBox:
    """A part of a panel under a heading."""
    return classed(W.VBox([classed(W.HTML(title), "zf-quarter-title"), part]), name)


def probability_bars(rows: Sequence[tuple[str, float]], meaning: Meaning = Meaning.SHARES) -> str:
    """Names with probabilities as horizontal bars, in HTML; bars of scores that are none begin at their zero."""
    low, high = meaning.limits(0.0, *(value for _, value in rows))

    def bar(value: float) -> str:
        begin, end = (100 * (edge - low) / (high - low) for edge in sorted((0.0, value)))
        return f"<div style='{f'margin-left:{begin:.1f}%;' if begin else ''}width:{end - begin:.1f}%'></div>"

    cells = (
        f"<div class='zf-bar-name'>{escape(name)}</div>"
        f"<div class='zf-bar'>{bar(value)}</div><div>{meaning.write(value)}</div>"
        for name, value in rows
    )
    words = {Meaning.EACH: "Each by itself: they need not sum to 1.", Meaning.RAW: "Scores, not probabilities."}
    note = f"<div class='zf-bars-note'>{words[meaning]}</div>" if meaning in words and rows else ""
    return f"<div class='zf-bars'>{''.join(cells)}</div>{note}"
