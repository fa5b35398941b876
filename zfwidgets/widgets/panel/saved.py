"""What a saved notebook shows of a panel whose kernel is gone: a still picture, and how to wake it."""

from __future__ import annotations

import re
import time
from functools import cache
from typing import Any

from IPython.display import publish_display_data

from zfwidgets.widgets.belongings import at_the_end
from zfwidgets.widgets.clock import Alarm
from zfwidgets.widgets.panel.still import FLOW, as_html, webp
from zfwidgets.widgets.panel.style import rooms
from zfwidgets.widgets.tokens import tokens

REST = 1.5  # seconds without a change after which a panel is at rest
WORDS = "A still picture. Run this cell to bring it to life."

# The page's own rule for the output before this one: a live panel, or else the words that its model is not found.
INSTEAD = (
    ".jp-OutputArea-child:has(+ .jp-OutputArea-child [data-zf-still='{key}']):not(:has(.zf-panel)) {{ display: none }}"
)


class SavedStill:
    """An output of its own beside a panel's: the page hides it while it shows the panel (`page_ready.js`).

    It is drawn whenever the panel comes to rest. Until they are reloaded, JupyterLab and Notebook 7 take new contents
    for an output whose cell has ended; from then on the panel's page does it for them.
    """

    def __init__(self, panel: Any) -> None:
        self._panel, self._key = panel, panel.model_id
        self._displayed = False
        self._html = ""
        self._changed = 0.0
        self._alarm, self._waiting = Alarm(self._look), False
        panel.observe(self.renew_soon, names=["busy", "error"])
        at_the_end(self._end)

    def display(self) -> None:
        """Put it on the page, after the panel; it stays empty until there is something to see."""
        self._publish()
        self._displayed = True
        self.renew_soon()

    def renew_soon(self, _: Any = None) -> None:
        """Draw it anew as soon as the panel is at rest."""
        self._changed = time.monotonic()
        if self._displayed and not self._waiting:
            self._waiting = True
            self._alarm.set(REST)

    def _look(self) -> None:
        if not self._displayed:
            return
        if self._panel.busy or time.monotonic() - self._changed < REST:
            self._alarm.set(REST)
            return
        self._waiting = False
        html = saved_html(self._panel, self._key)
        if self._displayed and html != self._html:
            self._html = html
            self._publish(update=True)

    def _publish(self, update: bool = False) -> None:
        html = self._html or f"<div data-zf-still='{self._key}' hidden></div>"
        data = {"text/html": html, "text/plain": WORDS}
        publish_display_data(data, transient={"display_id": f"zf-{self._key}"}, update=update)

    def _end(self) -> None:
        """A closed panel leaves no picture behind."""
        self._alarm.call_off()
        if self._displayed:
            self._html = ""
            self._publish(update=True)
        self._displayed = False


def saved_html(panel: Any, key: str) -> str:
    """The HTML of a panel's still picture, with a style sheet that holds for nothing else on the page."""
    with panel._drawing:
        body = as_html(panel, webp)
    return (
        f"<div class='zf-still' data-zf-still='{key}'><style>{_style()}{INSTEAD.format(key=key)}</style>"
        f"<p><em>{WORDS}</em></p>{body}</div>"
    )


@cache
def _style() -> str:
    """A page may hold stills of an older version beside panels of a newer one: neither may style the other."""
    sheet = f"{tokens().replace(':root', '.zf-still')} .zf-still {{ {FLOW} {rooms()} }}"
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
