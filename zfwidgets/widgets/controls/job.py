"""A button that starts something long."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.drawing import format_number
from zfwidgets.task import Foreground, Task
from zfwidgets.widgets.controls.layout import classed
from zfwidgets.widgets.errors import describe_error
from zfwidgets.widgets.worker import LatestOnlyWorker


class Job(W.HBox):
    """A button that starts something long; then how far it is, how fast, for how long still, and Cancel.

    `work(task)` does it, in a thread of its own, and returns what is to be said at its end. `report(source, error)`
    is told what went wrong. What is in the foreground that it is `behind` goes first. With `direct=True` it works in
    the caller's thread.
    """

    running = T.Bool(False, help="whether it works")

    def __init__(
        self, name: str, unit: str, work: Callable[[Task], str], report: Callable[[str, Any], None],
        behind: Foreground | None = None, direct: bool = False,
    ) -> None:  # fmt: skip
        self._unit, self._work, self._report, self._behind = unit, work, report, behind
        self._worker = LatestOnlyWorker(self._do, direct)
        self.button = W.Button(description=name, layout=W.Layout(width="auto"))
        self.cancel_button = W.Button(description="Cancel", layout=W.Layout(width="auto"))
        self.bar = W.FloatProgress(0, max=1, layout=W.Layout(width="160px"))
        self._under_way = W.HBox([self.bar, self.cancel_button], layout=W.Layout(display="none"))
        self.note = W.HTML()
        super().__init__([self.button, self._under_way, self.note])
        self.button.on_click(lambda _: self.start())
        self.cancel_button.on_click(lambda _: self.cancel())
        for part, class_name in ((self, "zf-job"), (self._under_way, "zf-job-running"), (self.note, "zf-job-note")):
            classed(part, class_name)

    def start(self) -> None:
        """Begin, unless it has begun."""
        if not self.running:
            self.running = True
            self._report(self._unit, None)
            self._show("", 0)
            self._worker.ask(None)

    def cancel(self) -> None:
        """Give up; what was there before stays."""
        if self.running:
            self._worker.cancel()
            self._end("Cancelled.")

    def tell(self, words: str) -> None:
        """Say something beside the button, its first line; all of it where the pointer rests on that."""
        line, *_ = words.split("\n")
        self.note.value = f"<span title='{escape(words, quote=True)}'>{escape(line)}</span>"

    def _do(self, _: None, cancelled: Callable[[], bool]) -> None:
        started = time.perf_counter()

        def report(done: float, count: float, what: str) -> None:
            self._show(pace(done, count, time.perf_counter() - started, self._unit), done / count)

        try:
            words, error = self._work(Task(cancelled, report, self._behind)), None
        except Exception as reason:
            words, error = "It failed.", describe_error(reason)
        if not cancelled():
            self._end(words)
            self._report(self._unit, error)

    def _show(self, words: str, part: float) -> None:
        self.button.layout.display, self._under_way.layout.display = "none", ""
        self.bar.value = part
        self.tell(words)

    def _end(self, words: str) -> None:
        self.button.layout.display, self._under_way.layout.display = "", "none"
        self.running = False
        self.tell(words)


def pace(done: float, count: float, seconds: float, unit: str) -> str:
    """How far something is, how fast it goes, and how long it will still take, in words."""
    rate = done / seconds if seconds > 0 else 0
    left = f" · {format_number(rate)} a second · {duration((count - done) / rate)} left" if rate else ""
    return f"{done:,.0f} of {count:,.0f} {unit}{left}"


def duration(seconds: float) -> str:
    """A time in words."""
    minutes = seconds / 60
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
