"""How a panel stands: ready, at work, cancelled, or what went wrong; and, said by the page, that its kernel is away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets as T

from zfwidgets.widgets.clock import Alarm

STATUS_DELAY = 0.3  # seconds before it is said that something is being computed


class Status(anywidget.AnyWidget):
    """Words, and a button to cancel what takes long.

    While the kernel runs other cells it hears no widget. So whenever a reader does something in the panel, the page
    asks for an answer, and says that it waits where none comes; where the kernel has stopped, it draws a veil over the
    panel.
    """

    _esm = (Path(__file__).parent / "status.js").read_text(encoding="utf-8")  # a path would hold every one made

    words = T.Unicode(help="what it says").tag(sync=True)
    state = T.Enum(("ready", "busy", "error"), "ready", help="which sign stands before it").tag(sync=True)
    hint = T.Unicode(help="how long it took, shown where the pointer rests").tag(sync=True)
    cancellable = T.Bool(False, help="whether there is a button to cancel").tag(sync=True)

    def __init__(self, cancel: Callable[[], None], lock: threading.RLock) -> None:
        super().__init__()
        self._cancel, self._lock = cancel, lock
        self.on_msg(self._heard)
        self.add_class("zf-status")

    def ready(self, words: str = "Ready", hint: str = "") -> None:
        """Nothing is being computed, and nothing is wrong."""
        self._say("ready", words, hint)

    def working(self, words: str) -> None:
        """What is being computed, and how far it is."""
        self._say("busy", words)

    def failed(self, error: str) -> None:
        """What went wrong."""
        self._say("error", error)

    def working_after_delay(self, over: Callable[[], bool]) -> Callable[[], None]:
        """Say soon that something is being computed, unless it is over or has said what it is. Returns how to call it
        off."""
        former = self.state, self.words

        def late() -> None:
            with self._lock:
                if not over() and not alarm.called_off:
                    if (self.state, self.words) == former:
                        self.working("Computing …")
                    self.cancellable = True

        alarm = Alarm(late)
        alarm.set(STATUS_DELAY)
        return alarm.call_off

    def update(self, busy: bool, error: str) -> None:
        """Say an error, or that it has been put right; without work there is nothing to cancel."""
        if not busy:
            self.cancellable = False
        if error:
            self.failed(error)
        elif not busy and self.state == "error":
            self.ready()

    def _say(self, state: str, words: str, hint: str = "") -> None:
        with self.hold_sync():
            self.state, self.words, self.hint = state, words, hint

    def _heard(self, _: Any, message: Any, buffers: Any) -> None:
        if message == "cancel":
            self._cancel()
        else:
            self.send("here")
