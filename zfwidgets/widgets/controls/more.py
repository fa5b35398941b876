"""The rarer controls of a bar: out of sight until they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anywidget
import ipywidgets as W

from zfwidgets.widgets.controls.layout import classed

RARE = "zf-rare"


class More(anywidget.AnyWidget):
    """A button that shows the rare controls beside it, or hides them."""

    _esm = (Path(__file__).parent / "more.js").read_text(encoding="utf-8")  # a path would hold every one made


def rare(*controls: W.Widget) -> list[W.Widget]:
    """Controls that stand under *More*."""
    return [classed(each, RARE) for each in controls]


def bar(controls: Sequence[W.Widget]) -> W.Box:
    """Controls in a row that wraps; where some are rare, these come last, behind a button."""
    hidden = [each for each in controls if RARE in each._dom_classes]
    shown = [each for each in controls if each not in hidden]
    return classed(W.Box([*shown, classed(More(), "zf-more"), *hidden] if hidden else shown), "zf-controls")
