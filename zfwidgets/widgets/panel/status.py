"""The line that says how a panel stands: ready, at work, cancelled, or what went wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape

import ipywidgets as W

STATUS_DELAY = 0.3  # seconds before it is said that something is being computed


class StatusLine(W.HBox):
    """Words, and a button to cancel what takes long."""

    def __init__(self, cancel: Callable[[], None], page: W.Widget, lock: threading.RLock) -> None:
        self.words = W.HTML()
        self.cancel_button = W.Button(description="Cancel", layout=W.Layout(display="none", width="auto"))
        self.cancel_button.on_click(lambda _: cancel())
        self._lock = lock
        super().__init__([self.words, self.cancel_button, page])
        self.words.add_class("zf-status")
        self.add_class("zf-foot")

    @property
    def text(self) -> str:
        """What it says, HTML."""
        return str(self.words.value)

    def say(self, words: str) -> None:
        """Say something, as text."""
        self.words.value = escape(words)

    def say_busy_after_delay(self, over: Callable[[], bool]) -> Callable[[], None]:
        """Say soon that something is being computed, unless that is over by then. Returns how to call that off."""

        def late() -> None:
            with self._lock:
                if not over() and not timer.finished.is_set():
                    self.say("Computing …")
                    self.cancel_button.layout.display = ""

        timer = threading.Timer(STATUS_DELAY, late)
        timer.daemon = True
        timer.start()
        return timer.cancel

    def update(self, busy: bool, error: str) -> None:
        """Say an error, or that it has been put right; without work there is nothing to cancel."""
        if not busy and self.cancel_button.layout.display != "none":
            self.cancel_button.layout.display = "none"
        if error:
            self.words.value = f"<span class='zf-error' role='alert'>{escape(error)}</span>"
        elif not busy and "zf-error" in self.text:
            self.say("Ready")
