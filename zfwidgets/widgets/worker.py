"""One thread that works on the latest request only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

IDLE = 60  # seconds after which a thread with nothing to do ends; the next request starts a new one


class LatestOnlyWorker:
    """Runs `work(request, cancelled)` in a thread of its own, one request at a time.

    A new request replaces one that waits, and cancels the one under way: `cancelled()` then says yes, and `work` should
    give up. With `direct=True` everything runs at once, in the caller's thread: for scripts and tests.
    """

    def __init__(self, work: Callable[[Any, Callable[[], bool]], None], direct: bool = False) -> None:
        self._work = work
        self._direct = direct
        self._changed = threading.Condition()
        self._generation = 0
        self._waiting: tuple[int, Any] | None = None
        self._thread: threading.Thread | None = None

    def ask(self, request: Any) -> None:
        """Work on this, instead of whatever was asked before."""
        with self._changed:
            self._generation += 1
            generation = self._generation
            if not self._direct:
                self._waiting = (generation, request)
                self._wake()
                return
        self._work(request, lambda: generation != self._generation)

    def cancel(self) -> None:
        """Give up what is under way and what waits."""
        with self._changed:
            self._generation += 1
            self._waiting = None

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="zfwidgets", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            generation, request = taken
            try:
                self._work(request, lambda: generation != self._generation)  # noqa: B023 (used before the next round)
            except Exception:
                logging.getLogger(__name__).exception("the request %r failed", request)

    def _next(self) -> tuple[int, Any] | None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting is not None, timeout=IDLE):
                self._thread = None
                return None
            taken, self._waiting = self._waiting, None
            return taken
