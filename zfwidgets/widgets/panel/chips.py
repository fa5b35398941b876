"""What a reader may try, as buttons in a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import ipywidgets as W

from zfwidgets.widgets.controls import classed


def chips(words: Iterable[str], act: Callable[[str], None]) -> list[W.Widget]:
    """A row with a button for each of the words, of which `act` is told; nothing where there are none.

    Where a window is low the style sheet leaves the row out; the same is in the menu.
    """
    buttons = []
    for each in words:
        button = W.Button(description=each, layout=W.Layout(width="auto"))
        button.on_click(lambda _, words=each: act(words))
        buttons.append(button)
    return [classed(W.Box([classed(W.HTML("Try"), "zf-label"), *buttons]), "zf-tries")] if buttons else []
