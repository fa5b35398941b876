"""A page that has just opened a panel is told everything again: what was sent while it was loading is lost."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets as T

from zfwidgets.widgets.panel.style import stylesheet


class PageReady(anywidget.AnyWidget):
    """Invisible; says in the kernel when the browser shows what it stands in.

    Voila, and a page that is reloaded, ask for the state of all widgets once, and hear no message until they have made
    a model of each: a picture that a worker draws meanwhile would never arrive. On the way it lets the arrow keys reach
    the panel's sliders in Notebook 7, and gives all controls names, values in words, and what is pressed.

    It brings the style sheet of all panels, too. anywidget puts it into the page's head, once for this class, when it
    makes the first model, which is before any panel is shown.
    """

    _esm = (Path(__file__).parent / "page_ready.js").read_text(encoding="utf-8")  # a path would hold every one made
    _css = stylesheet()

    still = T.Unicode(help="the key of the panel's still picture, hidden while the panel is shown").tag(sync=True)
