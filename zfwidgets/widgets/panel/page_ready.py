"""A page that has just opened a panel is told everything again: what was sent while it was loading is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as W

from zfwidgets.widgets.panel.style import stylesheet


class PageReady(anywidget.AnyWidget):
    """Invisible; says in the kernel when the browser shows what it stands in.

    Voila, and a page that is reloaded, ask for the state of all widgets once, and hear no message until they have made
    a model of each: a picture that a worker draws meanwhile would never arrive. On the way it lets the arrow keys reach
    the panel's sliders in Notebook 7, and gives them names.

    It brings the style sheet of all panels, too. anywidget puts it into the page's head, once for this class, when it
    makes the first model, which is before any panel is shown.
    """

    _esm = Path(__file__).parent / "page_ready.js"
    _css = stylesheet()


def all_within(widget: W.Widget) -> Iterator[W.Widget]:
    """The widget, and every other one that its state refers to, children first."""
    yield from _all_within(widget, set())


def _all_within(value: Any, known: set[str]) -> Iterator[W.Widget]:
    if isinstance(value, W.Widget):
        if value.model_id not in known:
            known.add(value.model_id)
            yield from _all_within([getattr(value, name) for name in value.keys], known)
            yield value
    elif isinstance(value, list | tuple | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _all_within(one, known)
